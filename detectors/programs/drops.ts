import type { EventOf } from '../../agent/contract/event.ts';
import { bounded } from '../context/bounded.ts';
import { keyOf } from '../context/keys.ts';
import type { Load } from '../context/trees.ts';
import { clip } from '../context/wording.ts';

type Exec = EventOf<'process.executed'>;

/** How a program came to be, shortly before it ran. */
export interface Drop {
  readonly how: string;
  /** Written by the tree itself. */
  readonly own: boolean;
  /** Id of the event that tells it; null when only the file's own time does. */
  readonly evidence: string | null;
}

interface Change { readonly id: string; readonly at: number; readonly writer: string | null; readonly pids: readonly string[] }

const most = 8_192;
const dayMs = 86_400_000;

/** Remembers changes of files for a day, to know a program that was put there and then run. */
export function createDrops() {
  const byPath = bounded<string, Change>(most);
  return {
    changed(event: EventOf<'file.changed'>) {
      if (event.change === 'removed') { byPath.delete(keyOf(event.place.path)); return; }
      if (event.change === 'found' || event.change === 'attributes') return;
      const { by } = event;
      const pids = by === null ? [] : [by, ...by.ancestors].map(({ pid, startTicks }) => `${pid}:${startTicks}`);
      byPath.set(keyOf(event.place.path), { id: event.id, at: event.at, writer: by === null ? null : `${clip(by.executable.path, 120)} (pid ${by.pid})`, pids });
    },
    /** Null when the program's file was not changed within a day, nor, by its own change time, since this load began. */
    of(exec: Exec, load: Load | undefined): Drop | null {
      const { path, file } = exec.process.executable;
      const change = byPath.get(keyOf(path.replace(/ \(deleted\)$/, '')));
      if (change && Math.abs(exec.at - change.at) <= dayMs) {
        const own = change.pids.includes(`${exec.tree.pid}:${exec.tree.startTicks}`);
        return { own, evidence: change.id, how: own ? 'that it had written itself' : change.writer === null ? 'that somebody had just written' : `that ${change.writer} had just written` };
      }
      const changedAt = file === null ? Number.NaN : Number(file.ctimeNs) / 1e6;
      return load && changedAt >= load.at && changedAt <= exec.at + 1_000 ? { own: false, evidence: null, how: 'whose file came or changed after the load began' } : null;
    },
  };
}
