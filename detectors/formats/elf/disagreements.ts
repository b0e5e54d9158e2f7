import { quoted } from '../quote.ts';
import type { Budget } from '../report.ts';
import type { Dynamic, Tag } from './dynamic.ts';
import type { Image } from './image.ts';
import { fileBytes, type Section, sectionTypes } from './sections.ts';
import { hex } from './shape.ts';
import type { Symbols } from './symbols.ts';
import { evasion, type Voice } from './voice.ts';

type Same = readonly [type: number, address: Tag, bytes: Tag | null, what: string];
/** What both tables tell: disassemblers and scanners read the first column, the loader the second. */
const twice: readonly Same[] = [
  [sectionTypes.hash, 'hash', null, 'hash table'], [sectionTypes.gnuHash, 'gnuHash', null, 'hash table'],
  [sectionTypes.initArray, 'initArray', 'initArrayBytes', 'constructors'], [sectionTypes.finiArray, 'finiArray', 'finiArrayBytes', 'destructors'],
  [sectionTypes.preinitArray, 'preinitArray', 'preinitArrayBytes', 'earliest constructors'],
];

interface Both { readonly sections: readonly Section[]; readonly image: Image; readonly dynamic: Dynamic | null; readonly symbols: Symbols | null; readonly voice: Voice }

/** Tools go by sections, the loader by segments and the dynamic section: where they differ, an analyst sees another file than runs. */
export function checkDisagreements({ sections, image, dynamic, symbols, voice }: Both, budget: Budget) {
  const say = (section: Section, message: string) => voice.say('section-disagrees', 'high', 0.8, section.offset, message, evasion);
  for (const section of sections) {
    budget.spend(1);
    const bytes = fileBytes(section);
    if (section.loaded && bytes > 0 && image.place(section.address, bytes) !== section.offset) {
      say(section, `The section ${quoted(section.name)} is shown from byte ${section.offset}, and something else is loaded at its address ${hex(section.address)}`);
    }
    if (section.loaded && section.execute && section.type === sectionTypes.noBits && image.place(section.address, 1) !== null) {
      say(section, `The section ${quoted(section.name)} is said to be empty, and code is loaded at its address ${hex(section.address)}`);
    }
    if (dynamic !== null) checkAgainst(section, dynamic, symbols, sections, say);
  }
  if (sections.length > 0 && dynamic !== null && !sections.some(({ type }) => type === sectionTypes.dynamic)) {
    voice.say('section-disagrees', 'high', 0.7, dynamic.offset, 'No section header tells of the dynamic section that the loader follows', evasion);
  }
}

function checkAgainst(section: Section, dynamic: Dynamic, symbols: Symbols | null, sections: readonly Section[], say: (section: Section, message: string) => void) {
  const { type, address, bytes } = section;
  if (type === sectionTypes.dynamic && address !== dynamic.address) say(section, `The dynamic section is shown at ${hex(address)} and loaded from ${hex(dynamic.address)}`);
  if (type === sectionTypes.dynamic && section.entry > 0 && bytes / section.entry < dynamic.count) say(section, `${Math.floor(bytes / section.entry)} entries of the dynamic section are shown, and the loader reads ${dynamic.count}`);
  if (type === sectionTypes.dynamicSymbols) {
    const { entry, count } = symbols?.table ?? { entry: 1, count: 0 };
    const names = sections[section.link];
    if (address !== dynamic.get('symbols')) say(section, `The dynamic symbols are shown at ${hex(address)} and loaded from ${hex(dynamic.get('symbols') ?? 0)}`);
    else if (bytes / entry < count) say(section, `${Math.floor(bytes / entry)} dynamic symbols are shown, and the loader has ${count}`);
    if (names !== undefined && names.address !== dynamic.get('strings')) say(names, `The names of symbols are shown at ${hex(names.address)} and loaded from ${hex(dynamic.get('strings') ?? 0)}`);
  }
  for (const [kind, tag, size, what] of twice) {
    if (kind !== type || !section.loaded || bytes === 0) continue;
    const [at, length] = [dynamic.get(tag), size === null ? bytes : dynamic.get(size)];
    if (at !== undefined && (at !== address || length !== bytes)) say(section, `The ${what} are shown at ${hex(address)}, ${bytes} bytes, and loaded from ${hex(at)}, ${length ?? 0} bytes`);
    else if (at === undefined && kind !== sectionTypes.hash && kind !== sectionTypes.gnuHash) say(section, `The ${what} are shown at ${hex(address)} and the loader is told of none`);
  }
}

/** The number of dynamic symbols that tools show, when they look where the loader does. */
export const shownSymbols = (sections: readonly Section[], dynamic: Dynamic): number => {
  const section = sections.find(({ type, address }) => type === sectionTypes.dynamicSymbols && address === dynamic.get('symbols'));
  return section === undefined || section.entry === 0 ? 0 : Math.floor(section.bytes / section.entry);
};
