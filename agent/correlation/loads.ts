import type { Event, EventOf } from '../contract/event.ts';
import type { Process, ProcessRef } from '../contract/process.ts';
import { fileNameOf, folderOf, modelOf, refKey } from './subject.ts';

/** One model being loaded by one process: often two calls (symbol, then params), told as one. */
export interface ModelLoad {
  readonly id: string;
  readonly process: Process;
  /** Null when no call named a file. */
  readonly model: string | null;
  readonly folder: string | null;
  readonly paths: string[];
  readonly calls: Event[];
  readonly firstAt: number;
  lastAt: number;
}

/** A process with MXNet, what it loaded and what its tree did since. */
export interface Tree {
  readonly key: string;
  readonly loads: ModelLoad[];
  /** Programs run, connections made and exits since the last load. */
  readonly since: Event[];
  count: number;
  seenAt: number;
}

/** Calls so near to each other in one folder are one load of one model. */
const togetherMs = 5_000;
const most = { trees: 5_000, loads: 16, calls: 16, paths: 16, since: 32 } as const;

export type LoadEvent = EventOf<'mxnet.called'> | EventOf<'file.opened'>;

/** Remembers who loaded what; bounded, the longest unseen process is forgotten first, and `forgotten` hears its key. */
export function createLoads(forgotten: (key: string) => void) {
  const trees = new Map<string, Tree>();

  function keep(key: string, tree: Tree) {
    trees.delete(key);
    trees.set(key, tree);
    const oldest = trees.keys().next().value;
    if (trees.size <= most.trees || oldest === undefined) return;
    trees.delete(oldest);
    forgotten(oldest);
  }

  function treeOf(process: ProcessRef, at: number): Tree {
    const key = refKey(process);
    const tree = trees.get(key) ?? { key, loads: [], since: [], count: 0, seenAt: at };
    tree.seenAt = at;
    keep(key, tree);
    return tree;
  }

  return {
    get: (key: string): Tree | undefined => trees.get(key),
    restore: keep,
    /** The load that this call belongs to: an earlier call's of the same model, or a new one. */
    add(event: LoadEvent, process: Process, path: string | null): ModelLoad {
      const tree = treeOf(process, event.at);
      const model = path === null ? null : modelOf(path);
      const folder = path === null ? null : folderOf(path);
      const last = tree.loads.at(-1);
      const near = last !== undefined && event.at - last.lastAt <= togetherMs;
      if (last && near && (path === null || last.model === null || model === last.model || folder === last.folder)) {
        last.lastAt = Math.max(last.lastAt, event.at);
        if (last.calls.length < most.calls) last.calls.push(event);
        if (path !== null && !last.paths.includes(path) && last.paths.length < most.paths) last.paths.push(path);
        if (last.model !== null || model === null) return last;
        const named = { ...last, model, folder };
        tree.loads[tree.loads.length - 1] = named;
        return named;
      }
      const load: ModelLoad = { id: `${tree.key}:${tree.count++}`, process, model, folder, paths: path === null ? [] : [path], calls: [event], firstAt: event.at, lastAt: event.at };
      tree.loads.push(load);
      if (tree.loads.length > most.loads) tree.loads.shift();
      tree.since.length = 0;
      return load;
    },
    /** The load whose consequence this may be: the tree's last one, if it is not longer ago than `withinMs`. */
    lastBefore(process: ProcessRef, at: number, withinMs: number): ModelLoad | null {
      const load = trees.get(refKey(process))?.loads.findLast(load => load.firstAt <= at + 1_000) ?? null;
      return load !== null && at - load.lastAt <= withinMs ? load : null;
    },
    /** An id is `pid:startTicks:number`. */
    byId: (id: string): ModelLoad | null => trees.get(id.slice(0, id.lastIndexOf(':')))?.loads.find(load => load.id === id) ?? null,
    /** Something that the tree did, kept in case it turns out to matter. */
    note(process: ProcessRef, event: Event) {
      const tree = treeOf(process, event.at);
      if (tree.since.length < most.since) tree.since.push(event);
    },
    since: (process: ProcessRef): readonly Event[] => trees.get(refKey(process))?.since ?? [],
  };
}

/** The file to name first: weights before a symbol, since that is what people call the model. */
export function mainPath(load: ModelLoad): string | null {
  return load.paths.find(path => /\.(params|nd|buckets)$/.test(fileNameOf(path))) ?? load.paths[0] ?? null;
}
