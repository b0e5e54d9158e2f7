import { BudgetError } from '../report.ts';
import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Voice } from './voice.ts';
import type { End } from './zip-end.ts';
import { entryBytes, readEntry } from './zip-header.ts';
import type { DirectoryEntry } from './zip-header.ts';

export const mostMembers = 100_000;
const windowBytes = 1_048_576;
const longestEntry = entryBytes + 3 * 65_535;

/**
 * All entries of the directory. RangeError when something else stands in it, BudgetError beyond 100,000 entries. The number
 * of entries is told twice, and Python goes by the bytes, Java by the count.
 */
export function readDirectory(source: Source, end: End, budget: Budget, { say }: Voice): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  let [windowAt, window] = [end.directoryAt, new Uint8Array(0)];
  for (let at = end.directoryAt; at < end.directoryEnd;) {
    if (entries.length >= mostMembers) throw new BudgetError(`more than ${mostMembers} members are not read`);
    if (at + longestEntry > windowAt + window.length && windowAt + window.length < end.directoryEnd) {
      [windowAt, window] = [at, Uint8Array.from(source.read(at, Math.min(windowBytes, end.directoryEnd - at)))];
    }
    const entry = readEntry(window, at - windowAt, at);
    if (!entry) throw new RangeError(`no entry of the directory stands at ${at}`);
    budget.spend(2 + entry.bytes / 100);
    entries.push(entry);
    at += entry.bytes;
  }
  if (entries.length !== end.members && entries.length % 65_536 !== end.members) {
    say('zip.count', 'high', `The end record tells of ${end.members} members and the directory has ${entries.length}: programs differ in which they believe`, { offset: end.at });
  }
  return entries;
}
