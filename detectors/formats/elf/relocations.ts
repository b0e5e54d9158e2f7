import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Dynamic, Tag } from './dynamic.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import { mips } from './machines.ts';
import { eachEntry, hex, word } from './shape.ts';
import { runsAtLoad, type Voice } from './voice.ts';

/** What the loader writes to one place that we asked for. */
export type Written =
  | { readonly kind: 'address'; readonly address: number }
  /** The address of a symbol plus something. */
  | { readonly kind: 'symbol'; readonly symbol: number; readonly plus: number }
  /** What the function there answers: it runs during the load. */
  | { readonly kind: 'answer'; readonly address: number }
  /** What stands there, shifted as the file is. */
  | { readonly kind: 'in-place' };

export interface Relocated {
  readonly count: number;
  /** How many functions are asked for an address during the load (IRELATIVE). */
  readonly indirect: number;
  readonly highestSymbol: number;
  readonly written: ReadonlyMap<number, Written>;
}

export interface Range { readonly from: number; readonly bytes: number }

/** One pass over all relocations; what they write within `asked` is kept. */
export function readRelocations(source: Source, header: Header, dynamic: Dynamic, image: Image, asked: readonly Range[], budget: Budget, voice: Voice): Relocated {
  const written = new Map<number, Written>();
  const tally = { count: 0, indirect: 0, highestSymbol: 0, outside: 0, firstOutside: 0, code: 0, firstCode: 0, data: 0, types: 0 };
  const isAsked = (at: number) => asked.some(({ from, bytes }) => at >= from && at - from < bytes);
  const target = (at: number) => {
    tally.count += 1;
    const load = image.at(at);
    if (load === undefined) { tally.outside += 1; tally.firstOutside ||= at; } else if (!load.write) { tally.code += 1; tally.firstCode ||= at; }
  };
  const take = (at: number, type: number, symbol: number, addend: number | null) => {
    if (type === 0 || header.number === mips) return;
    if (type > (header.machine.lastType ?? Infinity)) tally.types += 1;
    target(at);
    tally.highestSymbol = Math.max(tally.highestSymbol, symbol);
    const types = header.machine.relocations;
    if (type === types?.indirect) {
      tally.indirect += 1;
      if (addend !== null && !image.isCode(addend)) tally.data += 1;
    }
    if (types === undefined || !isAsked(at)) return;
    if (type === types.relative) written.set(at, addend === null ? { kind: 'in-place' } : { kind: 'address', address: addend });
    else if (type === types.absolute) written.set(at, { kind: 'symbol', symbol, plus: addend ?? 0 });
    else if (type === types.indirect) written.set(at, addend === null ? { kind: 'in-place' } : { kind: 'answer', address: addend });
  };
  eachTable(source, header, dynamic, image, budget, voice, take);
  eachRelative(source, header, dynamic, image, budget, voice, at => {
    target(at);
    if (isAsked(at)) written.set(at, { kind: 'in-place' });
  });
  tell(tally, dynamic, voice);
  return { count: tally.count, indirect: tally.indirect, highestSymbol: tally.highestSymbol, written };
}

interface Tally { readonly outside: number; readonly firstOutside: number; readonly code: number; readonly firstCode: number; readonly data: number; readonly types: number }

function tell({ outside, firstOutside, code, firstCode, data, types }: Tally, dynamic: Dynamic, voice: Voice) {
  if (types > 0) voice.refused('relocation-type', dynamic.offset, `Relocations are of kinds that do not exist: ${types}`);
  if (outside > 0) voice.say('relocation-target', 'critical', 0.9, dynamic.offset, `Relocations have the loader write outside of the library, to other memory of the process: ${outside}, first at ${hex(firstOutside)}`, ['T1203', ...runsAtLoad]);
  if (code > 0) voice.say('text-relocations', 'medium', 0.7, dynamic.offset, `Relocations have the loader write where the file says that nothing is written: ${code}, first at ${hex(firstCode)}`, ['T1027.002']);
  if (data > 0) voice.say('constructor-target', 'high', 0.8, dynamic.offset, `Functions that choose an address during the load are in no executable segment: ${data}`, runsAtLoad);
}

type Take = (at: number, type: number, symbol: number, addend: number | null) => void;

/** DT_RELA, DT_REL and DT_JMPREL, which is of either kind. */
function eachTable(source: Source, { shape, number }: Header, dynamic: Dynamic, image: Image, budget: Budget, voice: Voice, take: Take) {
  const pltHasAddends = dynamic.get('pltKind') === undefined ? shape.wide : dynamic.get('pltKind') === 7;
  const tables: readonly (readonly [Tag, Tag, boolean])[] = [['rela', 'relaBytes', true], ['rel', 'relBytes', false], ['plt', 'pltBytes', pltHasAddends]];
  for (const [start, size, addends] of tables) {
    const entry = shape.word * (addends ? 3 : 2);
    const table = tableAt(dynamic, image, start, size, entry, voice);
    if (table === null) continue;
    eachEntry(source, table, budget, (view, step) => {
      budget.spend(0.1);
      const high = shape.wide ? view.getUint32(step + (shape.little ? 12 : 8), shape.little) : 0;
      const low = view.getUint32(step + (shape.wide && shape.little ? 8 : shape.wide ? 12 : 4), shape.little);
      const [symbol, type] = shape.wide ? [high, number === 43 ? low & 0xff : low] : [low >>> 8, low & 0xff];
      take(word(view, step, shape), type, symbol, addends ? word(view, step + 2 * shape.word, shape) : null);
    });
  }
}

/** Each kind with what the loader asserts of it: it ends the process where that is missing or another. */
const stated: Partial<Record<Tag, Tag>> = { rela: 'relaEntry', rel: 'relEntry', relr: 'relrEntry' };

function tableAt(dynamic: Dynamic, image: Image, start: Tag, size: Tag, entry: number, voice: Voice) {
  const [address, bytes] = [dynamic.get(start), dynamic.get(size)];
  if (address === undefined) return null;
  const tag = stated[start];
  if (bytes === undefined || (tag !== undefined && dynamic.get(tag) !== entry)) voice.refused('dynamic-entry', dynamic.offset, 'The dynamic section has relocations without their number or with another size than they have');
  if (bytes === undefined || bytes === 0) return null;
  const at = image.place(address, bytes);
  if (at !== null) return { at, count: Math.floor(bytes / entry), entry };
  voice.refused('dynamic-address', dynamic.offset, `The relocations at ${hex(address)} are not within a loaded part of the file`);
  return null;
}

/** DT_RELR: an even word is an address, each odd one a map of the words behind the last. */
function eachRelative(source: Source, { shape }: Header, dynamic: Dynamic, image: Image, budget: Budget, voice: Voice, visit: (at: number) => void) {
  const table = tableAt(dynamic, image, 'relr', 'relrBytes', shape.word, voice);
  if (table === null) return;
  let next = 0;
  const bits = 8 * shape.word - 1;
  eachEntry(source, table, budget, (view, step) => {
    const highest = shape.wide ? view.getUint32(step + (shape.little ? 4 : 0), shape.little) : 0;
    const lowest = view.getUint32(step + (shape.wide && !shape.little ? 4 : 0), shape.little);
    if ((lowest & 1) === 0) {
      const address = highest * 2 ** 32 + lowest;
      visit(address);
      next = address + shape.word;
      return;
    }
    budget.spend(1);
    for (let bit = 1; bit <= bits; bit++) if (((bit < 32 ? lowest >>> bit : highest >>> (bit - 32)) & 1) === 1) visit(next + (bit - 1) * shape.word);
    next += bits * shape.word;
  });
}
