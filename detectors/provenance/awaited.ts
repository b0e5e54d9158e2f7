import type { ProcessRef } from '../../agent/contract/process.ts';
import type { Actor } from '../context/actors.ts';

/** A load whose file was not inspected, or not reported by the watch, when it happened: that may come a moment later. */
export interface Awaited extends ProcessRef {
  readonly load: string;
  readonly path: string;
  /** Mark of the state that was loaded, and when that state came to be. */
  readonly state: string;
  readonly ctimeNs: string;
  readonly until: number;
  readonly loader: Actor;
  /** Its having changed since the inspection is told already. */
  readonly told: boolean;
  /** The inspector has seen the path since. */
  inspected: boolean;
}

const most = 1_024;

/**
 * Loads that wait for the inspector and the watch. They are taken back at an event of their own process (a sample, its
 * exit), since a finding belongs to the process of the event at which it is made. At most 1,024: one more takes the
 * oldest out, unsettled, and the caller must judge it at once.
 */
export function createAwaited() {
  const waiting = new Set<Awaited>();
  const byPath = new Map<string, readonly Awaited[]>();
  const byPid = new Map<number, readonly Awaited[]>();

  function drop(load: Awaited) {
    if (!waiting.delete(load)) return;
    without(byPath, load.path, load);
    without(byPid, load.pid, load);
  }

  return {
    add(load: Awaited): Awaited | undefined {
      waiting.add(load);
      byPath.set(load.path, [...byPath.get(load.path) ?? [], load]);
      byPid.set(load.pid, [...byPid.get(load.pid) ?? [], load]);
      if (waiting.size <= most) return undefined;
      const oldest = waiting.values().next().value;
      if (oldest) drop(oldest);
      return oldest;
    },
    drop,
    /** Those of this path, to be marked. */
    of: (path: string): readonly Awaited[] => byPath.get(path) ?? none,
    /** Those of this process that are due at `at`, or all of them when it has ended; they wait no longer. */
    take(process: ProcessRef, at: number, ended: boolean): readonly Awaited[] {
      const own = byPid.get(process.pid);
      if (!own) return none;
      const due = own.filter(each => each.startTicks === process.startTicks && (ended || at >= each.until));
      for (const each of due) drop(each);
      return due;
    },
  };
}

function without<Key>(index: Map<Key, readonly Awaited[]>, key: Key, load: Awaited) {
  const rest = index.get(key)?.filter(each => each !== load) ?? none;
  if (rest.length > 0) index.set(key, rest);
  else index.delete(key);
}
const none: readonly Awaited[] = [];
