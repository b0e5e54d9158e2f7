import type { BigIntStats } from 'node:fs';
import type { FileChanged } from '../../../agent/contract/event.ts';
import { isSameContent, isSameFile, type Row, type Sight } from './fact.ts';
import type { RawPath } from './raw-path.ts';

export type Change = FileChanged['change'];
export type FileSight = Extract<Sight, { readonly kind: 'file' }>;

/** One thing to say. `sight` null: it is gone. */
export interface Tiding { readonly change: Change; readonly path: RawPath; readonly from: RawPath | null; readonly sight: FileSight | null }

export interface TellingOptions {
  readonly stableMs: number;
  readonly maxUnstableMs: number;
  /** How long a file that vanished is waited for under another name. */
  readonly renameMs: number;
  tell(tiding: Tiding): void;
  /** To be looked at again: the outcome comes back through the methods of Telling. */
  lookAgain(paths: readonly RawPath[]): void;
}

/**
 * When a change is told. A file that is being written is told of once its size and mtime stood still for `stableMs`, or
 * after `maxUnstableMs` (and then again); one that vanished is held for `renameMs`, to be recognised under its new name.
 * What waits is told on `flush`: nothing is dropped.
 */
export interface Telling {
  appeared(path: RawPath, sight: FileSight, change: 'found' | 'created'): void;
  /** Its name is about to be `replaced`: said of all before any is replaced, so that chains of renames are understood. */
  displaced(path: RawPath, before: Row): void;
  /** Another file under the same name. */
  replaced(path: RawPath, sight: FileSight): void;
  changed(path: RawPath, change: 'written' | 'attributes', sight: FileSight): void;
  vanished(path: RawPath, before: Row): void;
  /** Looked at, and as it was: what a waiting file waits for. */
  unchanged(path: RawPath, sight: FileSight): void;
  /** While true, nothing that vanished is given up: its new name may not be looked at yet. */
  hold(hold: boolean): void;
  flush(): void;
}

interface Waiting { readonly change: 'created' | 'written'; readonly since: number; readonly due: number; readonly isAsked: boolean; readonly sight: FileSight }
/** `isDisplaced`: its name is taken by another file, so it is not gone from there; it may have got another name. */
interface Absent { readonly path: RawPath; readonly row: Row; readonly until: number; readonly untold: Waiting | null; readonly isDisplaced: boolean }
/** However much there is to look at first: no longer than this. */
const longestHoldMs = 10_000;
/** Told in one turn of the event loop. */
const mostAtOnce = 2_000;
/** No timer rings more often. */
const shortestMs = 20;
/** Not the wall clock: whoever sets that back would silence all that waits until it has caught up. */
const clock = (): number => performance.now();

export function createTelling({ stableMs, maxUnstableMs, renameMs, tell, lookAgain }: TellingOptions): Telling {
  // Both are in the order in which they fall due: every entry waits equally long and goes to the end when it is renewed.
  const waiting = new Map<RawPath, Waiting>();
  const absent = new Set<Absent>();
  const absentFiles = new Map<string, Absent>();
  let timer: NodeJS.Timeout | null = null;
  let isHeld = false;

  const say = (change: Change, path: RawPath, sight: FileSight | null, from: RawPath | null = null): void => tell({ change, path, from, sight });
  const isQuiet = (stat: BigIntStats): boolean => Date.now() - Number(stat.mtimeMs) >= stableMs;

  function wait(path: RawPath, change: 'created' | 'written', sight: FileSight): void {
    const now = clock();
    const before = waiting.get(path);
    const isOverdue = before !== undefined && now - before.since >= maxUnstableMs;
    if (isOverdue) say(before.change, path, sight);
    const since = before && !isOverdue ? before.since : now;
    waiting.delete(path);
    waiting.set(path, { change: isOverdue ? 'written' : before?.change ?? change, since, due: now + stableMs, isAsked: false, sight });
    schedule();
  }

  /** The same file, which vanished elsewhere a moment ago. */
  function claim({ row }: FileSight): Absent | null {
    const found = absentFiles.get(keyOf(row));
    if (!found || row.target !== null || !isSameFile(found.row, row)) return null;
    // Without a time of birth the same inode number may be another file by now.
    if (row.bornNs === 0n && !isSameContent(found.row, row)) return null;
    release(found);
    return found;
  }
  function release(entry: Absent): void {
    absent.delete(entry);
    if (absentFiles.get(keyOf(entry.row)) === entry) absentFiles.delete(keyOf(entry.row));
  }
  function miss(path: RawPath, row: Row, isDisplaced: boolean): void {
    const entry: Absent = { path, row, until: clock() + renameMs, untold: waiting.get(path) ?? null, isDisplaced };
    absent.add(entry);
    if (row.target === null) absentFiles.set(keyOf(row), entry);
    schedule();
  }
  function giveUp(entry: Absent): void {
    release(entry);
    if (entry.isDisplaced) return;
    if (entry.untold) say(entry.untold.change, entry.path, entry.untold.sight);
    say('removed', entry.path, null);
  }

  /** `change` is what to say of it unless it came from another name that had been told of. */
  function arrive(path: RawPath, sight: FileSight, change: 'found' | 'created' | 'written'): void {
    const came = claim(sight);
    if (came && came.untold?.change !== 'created') say('renamed', path, sight, came.path);
    else if (change === 'found' || sight.row.target !== null || isQuiet(sight.stat)) say(change, path, sight);
    else wait(path, change, sight);
  }

  function schedule(): void {
    if (timer) return;
    const first = Math.min(firstOf(waiting.values())?.due ?? Infinity, firstOf(absent)?.until ?? Infinity);
    if (first < Infinity) timer = setTimeout(() => { timer = null; ring(); schedule(); }, Math.max(shortestMs, first - clock()));
  }

  function ring(): void {
    const now = clock();
    const again: RawPath[] = [];
    for (const [path, entry] of waiting) {
      if (entry.due > now || again.length >= mostAtOnce) break;
      again.push(path);
    }
    // It stays waiting until the look is back.
    for (const path of again) {
      const entry = waiting.get(path);
      if (!entry) continue;
      waiting.delete(path);
      waiting.set(path, { ...entry, due: now + stableMs, isAsked: true });
    }
    if (again.length > 0) lookAgain(again);
    let given = 0;
    for (const entry of absent) {
      if (entry.until > now || (isHeld && entry.until + longestHoldMs > now) || given++ >= mostAtOnce) break;
      giveUp(entry);
    }
  }

  return {
    appeared: arrive,
    displaced: (path, before) => miss(path, before, true),
    replaced: (path, sight) => {
      const untold = waiting.get(path)?.change;
      waiting.delete(path);
      arrive(path, sight, untold ?? 'written');
    },
    changed: (path, change, sight) => {
      const entry = waiting.get(path);
      if (change === 'written' && (entry || !isQuiet(sight.stat))) wait(path, 'written', sight);
      else if (entry) waiting.set(path, { ...entry, sight });
      else say(change, path, sight);
    },
    vanished: (path, row) => {
      miss(path, row, false);
      waiting.delete(path);
    },
    unchanged: (path, sight) => {
      const entry = waiting.get(path);
      if (!entry?.isAsked) return;
      waiting.delete(path);
      say(entry.change, path, sight);
    },
    hold: hold => { isHeld = hold; },
    flush: () => {
      if (timer) clearTimeout(timer);
      timer = null;
      for (const [path, { change, sight }] of waiting) say(change, path, sight);
      waiting.clear();
      for (const entry of absent) giveUp(entry);
    },
  };
}

const keyOf = (row: Row): string => `${row.device}:${row.inode}`;
const firstOf = <Value>(values: Iterable<Value>): Value | undefined => {
  for (const value of values) return value;
  return undefined;
};
