import type { EventOf } from '../../agent/contract/event.ts';
import type { Process, ProcessRef } from '../../agent/contract/process.ts';
import { bounded } from './bounded.ts';
import { programOf } from './programs.ts';
import { clip, folderOf } from './wording.ts';

/** One load, as far as a detector needs it to judge what came after. */
export interface Load {
  /** Id of its event. */
  readonly id: string;
  readonly at: number;
  /** When it returned, or as late as that can have been. */
  readonly until: number;
  /** The model as people know it: its path, or what else was loaded. */
  readonly what: string;
  readonly bytes: number;
}

/** A process with MXNet. */
export interface Tree extends ProcessRef {
  readonly executable: string;
  /** Executable and script: what makes two runs the same service. */
  readonly program: string;
  readonly uid: number;
  /** Oldest first; a forked process has those of its parent until then. */
  readonly loads: readonly Load[];
  /** Folders it loaded from. */
  readonly folders: readonly string[];
}

export type Loading = EventOf<'mxnet.called'> | EventOf<'file.opened'>;

export interface Trees {
  mapped(event: EventOf<'mxnet.mapped'>): Tree;
  loaded(event: Loading): { readonly tree: Tree; readonly load: Load };
  /** Undefined when neither it nor, given a process of its tree, one of that process's ancestors is known. */
  get(tree: ProcessRef, member?: Process): Tree | undefined;
  /** The last load that began before `at`, as far as the clock can be trusted. */
  lastLoad(tree: Tree | undefined, at: number): Load | undefined;
}

const most = { trees: 2_048, loads: 8, folders: 8 } as const;
/** Two sensors stamp their events; this much they may disagree. */
const skewMs = 50;
/** A load so far ahead of what follows it in the stream: the clock was set back. */
const steppedMs = 60_000;

interface Known extends Tree { loads: Load[]; folders: string[] }

/**
 * The processes with MXNet, by pid and start time, with their last loads. A worker that was forked after the load
 * (a preloading server does so) is a process with MXNet of its own: it takes over what its parent had loaded.
 * Two thousand processes are remembered; who was heard of longest ago is forgotten first.
 */
export function createTrees(): Trees {
  const known = bounded<number, Known>(most.trees);

  function find(ref: ProcessRef): Known | undefined {
    const tree = known.get(ref.pid);
    return tree?.startTicks === ref.startTicks ? tree : undefined;
  }

  function admit(process: Process, at: number): Known {
    const before = find(process);
    if (before && before.executable === process.executable.path) { known.set(process.pid, before); return before; }
    const parent = process.ancestors.map(find).find(tree => tree !== undefined);
    const fork = parent?.executable === process.executable.path ? parent : undefined;
    const tree: Known = {
      pid: process.pid, startTicks: process.startTicks, executable: process.executable.path, program: programOf(process), uid: process.uid,
      loads: (before ?? fork)?.loads.filter(load => load.at <= at) ?? [], folders: [...(before ?? fork)?.folders ?? []],
    };
    known.set(process.pid, tree);
    return tree;
  }

  return {
    mapped: event => admit(event.process, event.at),
    loaded(event) {
      const tree = admit(event.kind === 'file.opened' ? event.by : event.process, event.at);
      const load = asLoad(event);
      tree.loads.push(load);
      if (tree.loads.length > most.loads) tree.loads.shift();
      const path = pathOf(event);
      const folder = path === null ? null : folderOf(path);
      if (folder !== null && !tree.folders.includes(folder)) {
        tree.folders.push(folder);
        if (tree.folders.length > most.folders) tree.folders.shift();
      }
      return { tree, load };
    },
    get: (ref, member) => find(ref) ?? member?.ancestors.map(find).find(tree => tree !== undefined),
    lastLoad: (tree, at) => tree?.loads.findLast(load => load.at <= at + skewMs || load.at > at + steppedMs),
  };
}

/** Null when the file is not known. */
export function pathOf(event: Loading): string | null {
  if (event.kind === 'file.opened') return event.place.path;
  return event.argument.type === 'path' ? event.argument.place?.path ?? null : null;
}

function asLoad(event: Loading): Load {
  if (event.kind === 'file.opened') return { id: event.id, at: event.at, until: event.at, what: clip(event.place.path), bytes: event.file.size };
  const { argument } = event;
  const about = { id: event.id, at: event.at, until: event.at + event.durationMs };
  switch (argument.type) {
    case 'path': return { ...about, what: clip(argument.place?.path ?? argument.raw), bytes: argument.file?.size ?? 0 };
    case 'buffer': return { ...about, what: `${argument.bytes ?? 'some'} bytes of memory`, bytes: argument.bytes ?? 0 };
    case 'unread': return { ...about, what: 'an unread argument', bytes: 0 };
    default: return argument satisfies never;
  }
}

/** True when `at` lies within the call, whichever end of it a sensor stamps. */
export const isDuring = (at: number, load: Load): boolean => {
  const length = load.until - load.at;
  return at >= load.at - length - skewMs && at <= load.until + skewMs;
};
