import { quoted } from '../quote.ts';
import type { Source } from '../source.ts';
import type { Dynamic, Tag } from './dynamic.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import type { Range, Relocated, Written } from './relocations.ts';
import { copyOf, hex, word } from './shape.ts';
import type { Symbols } from './symbols.ts';
import { evasion, runsAtLoad, type Voice } from './voice.ts';

/** What runs when the library is loaded, and when the process ends. */
export interface Constructors {
  /** DT_INIT and DT_FINI. */
  readonly init: number | null;
  readonly fini: boolean;
  readonly initArray: number;
  readonly preinitArray: number;
  readonly finiArray: number;
  /** Where constructors begin in this file, as far as it is known before the load. */
  readonly addresses: ReadonlySet<number>;
  /** The same of destructors. */
  readonly lastAddresses: ReadonlySet<number>;
}

type ArrayTag = 'initArray' | 'preinitArray' | 'finiArray';
const arrays: readonly (readonly [ArrayTag, Tag])[] = [['initArray', 'initArrayBytes'], ['preinitArray', 'preinitArrayBytes'], ['finiArray', 'finiArrayBytes']];
const mostSlots = 65_536;

/** The arrays of functions, whose content only relocations tell. */
export const constructorArrays = (dynamic: Dynamic, { shape }: Header): readonly Range[] => arrays.flatMap(([start, size]) => {
  const [from, bytes] = [dynamic.get(start), dynamic.get(size)];
  return from === undefined || bytes === undefined || bytes === 0 ? [] : [{ from, bytes: Math.min(bytes, mostSlots * shape.word) }];
});

interface Ground { readonly source: Source; readonly header: Header; readonly dynamic: Dynamic; readonly image: Image; readonly relocated: Relocated; readonly symbols: Symbols | null; readonly voice: Voice }

/** Follows each to where it begins. `isProgram`: DT_PREINIT_ARRAY has a meaning there alone. */
export function readConstructors(ground: Ground, isProgram: boolean): Constructors {
  const { dynamic, image, header, voice } = ground;
  const [addresses, lastAddresses] = [new Set<number>(), new Set<number>()];
  for (const tag of ['init', 'fini'] as const) {
    const address = dynamic.get(tag);
    if (address === undefined) continue;
    // On PowerPC it is a descriptor in data that has the address.
    if (!image.isCode(address) && header.machine.name !== 'powerpc64') voice.say('constructor-target', 'high', 0.8, dynamic.offset, `The ${tag === 'init' ? 'constructor' : 'destructor'} at ${hex(address)} is in no executable segment`, runsAtLoad);
    (tag === 'init' ? addresses : lastAddresses).add(address);
  }
  const count = (tag: ArrayTag) => followArray(ground, tag, tag === 'finiArray' ? lastAddresses : addresses);
  const [initArray, preinitArray, finiArray] = [count('initArray'), count('preinitArray'), count('finiArray')];
  if (preinitArray > 0 && !isProgram) voice.say('preinit', 'medium', 0.8, dynamic.offset, 'It has functions to run before all others, which no library may have', evasion);
  return { init: dynamic.get('init') ?? null, fini: dynamic.get('fini') !== undefined, initArray, preinitArray, finiArray, addresses, lastAddresses };
}

function followArray(ground: Ground, tag: ArrayTag, addresses: Set<number>): number {
  const { header: { shape, machine }, dynamic, image, source, voice } = ground;
  const [from, bytes] = [dynamic.get(tag), dynamic.get(arrays.find(([name]) => name === tag)?.[1] ?? 'end')];
  if (from === undefined || bytes === undefined || bytes === 0) return 0;
  const at = image.place(from, bytes);
  if (at === null || bytes % shape.word !== 0) {
    voice.refused('constructor-array', dynamic.offset, `The functions to run at ${hex(from)} are not within a loaded part of the file`);
    return 0;
  }
  const slots = bytes / shape.word;
  if (slots > mostSlots) voice.say('constructor-array', 'medium', 0.8, at, `${slots} functions are run; only ${mostSlots} were followed`, evasion);
  const followed = Math.min(slots, mostSlots);
  const view = copyOf(source, at, followed * shape.word);
  for (let slot = 0; slot < followed; slot++) {
    const written = ground.relocated.written.get(from + slot * shape.word);
    const place = resolve(ground, written, word(view, slot * shape.word, shape));
    const where = at + slot * shape.word;
    if (typeof place === 'string') voice.say('constructor-target', 'high', 0.8, where, `The function ${slot} of ${tagNames[tag]} is ${place}`, runsAtLoad);
    else if (place !== null) {
      addresses.add(place);
      if (!image.isCode(place) && machine.name !== 'powerpc64') voice.say('constructor-target', 'high', 0.8, where, `The function ${slot} of ${tagNames[tag]}, at ${hex(place)}, is in no executable segment`, runsAtLoad);
    }
  }
  return slots;
}

const tagNames: { readonly [Each in ArrayTag]: string } = { initArray: 'the constructors', preinitArray: 'the earliest constructors', finiArray: 'the destructors' };

/** The address, what is wrong with it, or null for what only the processor's own rules tell. */
function resolve({ header, symbols }: Ground, written: Written | undefined, stored: number): number | string | null {
  if (header.machine.relocations === undefined) return null;
  if (written === undefined) return header.type === 'executable' ? null : 'an address that is not relocated with the library';
  switch (written.kind) {
    case 'address': return written.address;
    case 'in-place': return stored;
    case 'answer': return written.address;
    case 'symbol': {
      const symbol = symbols?.get(written.symbol) ?? null;
      if (symbol === null) return 'a symbol that does not exist';
      // Without addends the distance stands in place.
      return symbol.imported ? `${quoted(symbol.name)} of another library` : symbol.value + (header.shape.wide ? written.plus : stored);
    }
    default: return written satisfies never;
  }
}
