import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import { type Segment, segmentTypes } from './segments.ts';
import { eachEntry, hex, type Shape, word } from './shape.ts';
import { openStrings, type Strings } from './strings.ts';
import { evasion, type Voice } from './voice.ts';

/** d_tag, as the gABI and the GNU extensions number them. */
export const tags = {
  end: 0, needed: 1, pltBytes: 2, hash: 4, strings: 5, symbols: 6, rela: 7, relaBytes: 8, relaEntry: 9, stringBytes: 10, symbolEntry: 11, init: 12, fini: 13, soname: 14,
  rpath: 15, rel: 17, relBytes: 18, relEntry: 19, pltKind: 20, textRelocations: 22, plt: 23, initArray: 25, finiArray: 26, initArrayBytes: 27, finiArrayBytes: 28,
  runpath: 29, flags: 30, preinitArray: 32, preinitArrayBytes: 33, relrBytes: 35, relr: 36, relrEntry: 37, gnuHash: 0x6ffffef5, depAudit: 0x6ffffefb, audit: 0x6ffffefc,
  versym: 0x6ffffff0, flags1: 0x6ffffffb, verdef: 0x6ffffffc, verdefCount: 0x6ffffffd, verneed: 0x6ffffffe, verneedCount: 0x6fffffff,
  auxiliary: 0x7ffffffd, filter: 0x7fffffff,
} as const;
export type Tag = keyof typeof tags;

/** Tags that a file may carry more than once. */
const repeated: ReadonlySet<number> = new Set([tags.needed, tags.auxiliary, tags.filter, tags.audit, tags.depAudit]);
/** Tags that say something to the loader: a second one is a contradiction. */
const single: ReadonlySet<number> = new Set(Object.values(tags).filter(tag => !repeated.has(tag) && tag !== tags.end));
/** Beyond what the gABI has, below what is left to systems and processors. */
const isMeaningless = (tag: number): boolean => (tag > 38 && tag < 0x6000000d) || tag > 0x7fffffff;
const mostEntries = 65_536;

/** The dynamic section as the loader reads it: by the address of its program header, never by the section headers. */
export interface Dynamic {
  readonly address: number;
  /** In the file. */
  readonly offset: number;
  /** Entries, the end included. */
  readonly count: number;
  /** The last of each tag, which is what counts. */
  get(tag: Tag): number | undefined;
  /** All of a tag, in order. */
  all(tag: 'needed' | 'auxiliary' | 'filter' | 'audit' | 'depAudit'): readonly number[];
  readonly strings: Strings | null;
}

/** Null when there is none, or none that the loader could read: that is said. */
export function readDynamic(source: Source, header: Header, segments: readonly Segment[], image: Image, budget: Budget, voice: Voice): Dynamic | null {
  const found = segments.filter(({ type }) => type === segmentTypes.dynamic);
  const segment = found.at(-1);
  if (segment === undefined) {
    if (header.type === 'shared') voice.refused('dynamic', header.segments.at, 'It has no dynamic section: the loader refuses the file');
    return null;
  }
  if (found.length > 1) voice.say('dynamic-disagrees', 'high', 0.8, header.segments.at, `It has ${found.length} dynamic sections: tools show one, and the loader uses the last`, evasion);
  const offset = image.place(segment.address, 1);
  if (offset === null || segment.fileBytes === 0) {
    voice.refused('dynamic', segment.offset, `The dynamic section at ${hex(segment.address)} is ${offset === null ? 'in no loaded part of the file' : 'said to be empty: the loader refuses the file'}`);
    return null;
  }
  if (offset !== segment.offset) voice.say('dynamic-disagrees', 'high', 0.9, segment.offset, `The dynamic section is loaded from byte ${offset}, while tools read it at byte ${segment.offset}`, evasion);
  const entries = readEntries(source, header.shape, offset, image.room(segment.address), budget);
  if (entries === null) {
    voice.refused('dynamic', offset, 'The dynamic section has no end within the file');
    return null;
  }
  // The loader reads up to the end mark, tools as much as is said.
  if (entries.length * 2 * header.shape.word > segment.fileBytes) voice.say('dynamic-disagrees', 'high', 0.8, offset, `The dynamic section goes on behind its stated ${segment.fileBytes} bytes: tools show less of it than is loaded`, evasion);
  return understand(source, image, budget, voice, segment.address, offset, entries);
}

type Entry = readonly [tag: number, value: number];

function readEntries(source: Source, shape: Shape, at: number, room: number, budget: Budget): readonly Entry[] | null {
  const entry = 2 * shape.word;
  const entries: Entry[] = [];
  let ended = false;
  // Most have some thirty: the whole room is read only when they do not end.
  const most = Math.min(mostEntries, Math.floor(room / entry));
  for (let first = 0; first < most && !ended; first += 1_024) {
    eachEntry(source, { at: at + first * entry, count: Math.min(1_024, most - first), entry }, budget, (view, place) => {
      if (ended) return;
      const tag = word(view, place, shape);
      entries.push([tag, word(view, place + shape.word, shape)]);
      ended = tag === tags.end;
    });
  }
  return ended ? entries : null;
}

function understand(source: Source, image: Image, budget: Budget, voice: Voice, address: number, offset: number, entries: readonly Entry[]): Dynamic {
  const values = new Map<number, number>();
  const lists = new Map<number, number[]>();
  for (const [tag, value] of entries) {
    if (isMeaningless(tag)) voice.say('dynamic-tag', 'medium', 0.7, offset, `The dynamic section has the tag ${hex(tag)}, which means nothing`, evasion);
    if (repeated.has(tag)) {
      const list = lists.get(tag);
      if (list === undefined) lists.set(tag, [value]); else list.push(value);
      continue;
    }
    if (values.has(tag) && single.has(tag)) voice.say('dynamic-duplicate', 'medium', 0.8, offset, `The dynamic section has the tag ${hex(tag)} twice: the loader uses the last, others may not`, evasion);
    values.set(tag, value);
  }
  const get = (tag: Tag) => values.get(tags[tag]);
  return { address, offset, count: entries.length, get, all: tag => lists.get(tags[tag]) ?? [], strings: namesOf(source, image, budget, voice, offset, get('strings'), get('stringBytes')) };
}

function namesOf(source: Source, image: Image, budget: Budget, voice: Voice, offset: number, at: number | undefined, bytes: number | undefined): Strings | null {
  const place = at === undefined || bytes === undefined ? null : image.place(at, bytes);
  if (place === null || bytes === undefined) {
    voice.refused('dynamic-address', offset, at === undefined ? 'The dynamic section has no table of names' : `The table of names at ${hex(at)} is not within a loaded part of the file`);
    return null;
  }
  return openStrings(source, place, bytes, budget);
}
