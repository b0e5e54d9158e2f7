import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Header } from './header.ts';
import { copyOf, eachEntry, word } from './shape.ts';
import { openStrings } from './strings.ts';
import { evasion, type Voice } from './voice.ts';

/** sh_type, as the gABI and the GNU extensions number them. */
export const sectionTypes = {
  empty: 0, content: 1, symbols: 2, hash: 5, dynamic: 6, noBits: 8, dynamicSymbols: 11, initArray: 14, finiArray: 15, preinitArray: 16, gnuHash: 0x6ffffff6,
} as const;

/** One section header. */
export interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly bytes: number;
  readonly entry: number;
  readonly link: number;
  readonly loaded: boolean;
  readonly execute: boolean;
  readonly compressed: boolean;
}

const longestName = 120;

/** All sections, whose places are not checked yet but for the table of their names. */
export function readSections(source: Source, { sections, shape, names }: Header, budget: Budget, voice: Voice): readonly Section[] {
  if (sections === null) return [];
  if (names >= sections.count) voice.say('section-names', 'medium', 0.8, sections.at, `The names of the sections are said to be in section ${names}, of ${sections.count}`, evasion);
  const strings = names >= sections.count ? null : namesOf(source, copyOf(source, sections.at + names * sections.entry, sections.entry), { shape, budget, voice });
  const all: Section[] = [];
  let nameless = 0;
  eachEntry(source, sections, budget, (view, at) => {
    budget.spend(1);
    const field = (index: number) => word(view, at + 8 + index * shape.word, shape);
    const flags = field(0);
    const name = strings?.at(view.getUint32(at, shape.little), longestName) ?? null;
    if (name === null) nameless += 1;
    all.push({
      name: name ?? '', type: view.getUint32(at + 4, shape.little), address: field(1), offset: field(2), bytes: field(3),
      link: view.getUint32(at + 8 + 4 * shape.word, shape.little), entry: word(view, at + 16 + 5 * shape.word, shape),
      loaded: (flags & 2) !== 0, execute: (flags & 4) !== 0, compressed: (flags & 0x800) !== 0,
    });
  });
  if (strings !== null && nameless > 0) voice.say('section-names', 'medium', 0.8, sections.at, `Sections have names outside of the table of names: ${nameless}`, evasion);
  return all;
}

function namesOf(source: Source, view: DataView, { shape, budget, voice }: { readonly shape: Header['shape']; readonly budget: Budget; readonly voice: Voice }) {
  const [at, bytes] = [word(view, 8 + 2 * shape.word, shape), word(view, 8 + 3 * shape.word, shape)];
  if (at + bytes <= source.size) return openStrings(source, at, bytes, budget);
  voice.refused('section-names', 0, 'The table of the names of sections is outside of the file');
  return null;
}

/** Bytes of a section in the file. */
export const fileBytes = ({ type, bytes }: Section): number => type === sectionTypes.noBits || type === sectionTypes.empty ? 0 : bytes;
