/**
 * What was done to which file, by whom, kept until the file watch comes to tell of the change: the two see the same change
 * by different ways, and neither waits for the other. Pure: bounded memory, no clock.
 */
import type { FileChanged } from '../../../agent/contract/event.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { folderOf, type RawPath } from '../inotify/raw-path.ts';
import { did } from './record.ts';
import type { Deed } from './session.ts';

/** `pid`: of who is not known any more than by this number, which is no identity. `inside`: what the author calls the file. */
export type Author = { readonly by: Process; readonly inside?: RawPath } | { readonly by: null; readonly pid: number | null };

/** A change as the file watch sees it. Times in epoch milliseconds; null when the file is gone. */
export interface SeenChange {
  readonly change: FileChanged['change'];
  readonly path: RawPath;
  readonly file: { readonly key: string; readonly modifiedAt: number; readonly changedAt: number } | null;
}

export interface Deeds {
  note(deed: Deed): void;
  /**
   * Who did it, as far as the deeds explain the change: a file whose times are later than all that was seen was changed by
   * somebody unseen, who is not made out to be the last one seen.
   */
  authorOf(change: SeenChange, now: number): Author;
}

interface Done { readonly at: number; readonly order: number; readonly by: Process | null; readonly pid: number; readonly path: RawPath; readonly inside: RawPath | null; readonly isMove: boolean }
interface FileDeeds { wrote?: Done; closed?: Done; other?: Done }

/** The kernel's coarse clock is behind ours, never ahead; this covers rounding. */
const toleranceMs = 20;
/** Names that came or went are told of within so long, or by a rescan that nobody can date. */
const nameMs = 15_000;
const mostCharacters = 4 << 20;
const mostParents = 64;

const unknown: Author = { by: null, pid: null };

export function createDeeds(): Deeds {
  const files = recent<FileDeeds>();
  const arrived = recent<Done>();
  const left = recent<Done>();
  let order = 0;

  function note({ at, mask, path, inside, target, by, pid }: Deed): void {
    const done: Done = { at, order: ++order, by, pid, path, inside, isMove: (mask & (did.movedFrom | did.movedTo)) !== 0 };
    const isNew = (mask & did.create) !== 0;
    if ((mask & (did.create | did.movedTo)) !== 0) arrived.set(path, done);
    if ((mask & (did.remove | did.movedFrom)) !== 0) left.set(path, done);
    if (target === null || (mask & did.folder) !== 0) return;
    // A new file has no past; a new name of an old file has.
    const before = isNew && target.links <= 1 ? {} : files.get(target.key) ?? {};
    const wrote = (mask & did.modify) !== 0 || (isNew && target.links <= 1);
    const closed = (mask & did.closeWrite) !== 0;
    const other = (mask & (did.attributes | did.create | did.remove | did.movedFrom | did.movedTo)) !== 0;
    files.set(target.key, { ...before, ...wrote ? { wrote: done } : {}, ...closed ? { closed: done } : {}, ...other ? { other: done } : {} });
  }

  /** A folder that was moved took along all that is in it. */
  function nameDeed(names: Recent<Done>, path: RawPath, now: number): Done | undefined {
    for (let at = path, steps = 0; at !== '/' && steps < mostParents; at = folderOf(at), steps++) {
      const done = names.get(at);
      if (done && (at === path || done.isMove) && Math.abs(now - done.at) < nameMs) return done;
    }
    return undefined;
  }

  function writerOf({ path, file }: SeenChange, now: number): Done | undefined {
    if (file === null) return undefined;
    const { wrote, closed, other } = files.get(file.key) ?? {};
    const contentAt = Math.min(file.modifiedAt, file.changedAt) - toleranceMs;
    // Who closed a file that was open for writing may have written through a mapping: only when no write explains the change.
    const content = [wrote, closed].find(done => done !== undefined && done.at >= contentAt);
    const came = nameDeed(arrived, path, now);
    if (came === undefined) return content;
    // What came with its folder is as old as it was there.
    const explains = came === arrived.get(path) ? Math.max(came.at, other?.at ?? 0) >= file.changedAt - toleranceMs : came.at >= file.changedAt;
    if (!explains) return content;
    return content === undefined || came.order > content.order ? came : content;
  }

  return {
    note,
    authorOf(change, now) {
      switch (change.change) {
        case 'found': return unknown;
        case 'removed': return authorOf(nameDeed(left, change.path, now), change.path);
        case 'renamed': return authorOf(nameDeed(arrived, change.path, now), change.path);
        case 'attributes': {
          const other = change.file === null ? undefined : files.get(change.file.key)?.other;
          return authorOf(other !== undefined && change.file !== null && other.at >= change.file.changedAt - toleranceMs ? other : undefined, change.path);
        }
        case 'created': case 'written': return authorOf(writerOf(change, now), change.path);
        default: return change.change satisfies never;
      }
    },
  };
}

function authorOf(done: Done | undefined, path: RawPath): Author {
  if (done === undefined) return unknown;
  // 0: it is in no pid namespace of ours.
  if (done.by === null) return { by: null, pid: done.pid > 0 ? done.pid : null };
  return done.inside !== null && done.path === path ? { by: done.by, inside: done.inside } : { by: done.by };
}

interface Recent<Value> { get(key: string): Value | undefined; set(key: string, value: Value): void }

/** Forgets what was set longest ago, when the keys get long in sum. */
function recent<Value>(): Recent<Value> {
  const kept = new Map<string, Value>();
  let size = 0;
  const cost = (key: string): number => key.length + 32;
  return {
    get: key => kept.get(key),
    set(key, value) {
      if (kept.delete(key)) size -= cost(key);
      kept.set(key, value);
      size += cost(key);
      for (const oldest of kept.keys()) {
        if (size <= mostCharacters) break;
        kept.delete(oldest);
        size -= cost(oldest);
      }
    },
  };
}
