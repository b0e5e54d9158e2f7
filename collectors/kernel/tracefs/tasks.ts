import type { ProcessExited } from '../../../agent/contract/event.ts';
import type { ProcessRef } from '../../../agent/contract/process.ts';
import { killSignal, signalName } from './signals.ts';
import type { Cloned, Executed, Exited, Signalled } from './wire.ts';

/** A watched process. */
export interface Task {
  readonly ref: ProcessRef;
  /** The process with MXNet to whose tree it belongs; itself, when it has MXNet. */
  readonly root: ProcessRef;
  /** Who cloned it; null when that was before we watched and it is gone. */
  readonly parent: ProcessRef | null;
}
export type Outcome =
  | { readonly type: 'executed'; readonly task: Task; readonly record: Executed }
  | { readonly type: 'thread-ended'; readonly tid: number; readonly at: number }
  | { readonly type: 'ended'; readonly task: Task; readonly at: number; readonly status: ProcessExited['status'] };

export interface Tasks {
  /**
   * These live and are watched now; parents come before their children. A tree begins with the first, unless it is known to
   * be of one already: that it has the library in memory, by a fork, does not take it out of the tree of who loaded.
   */
  adopt(root: number, members: readonly { readonly ref: ProcessRef; readonly parent: ProcessRef | null; readonly tids: readonly number[] }[]): void;
  /** It calls MXNet itself: what it starts from now on is its own tree. False when it is not known. */
  promote(pid: number): boolean;
  cloned(record: Cloned, ref: ProcessRef): void;
  executed(record: Executed): Outcome | null;
  exited(record: Exited): Outcome | null;
  signalled(record: Signalled): void;
  /** It is gone, though its exit was not seen. */
  missed(pid: number, at: number): Outcome | null;
  /** The process of a thread, also for a few seconds after it has ended. */
  of(tid: number): Task | undefined;
  readonly living: Iterable<Task>;
  /** How many were not taken because there were too many; reading it sets it to zero. */
  takeRefused(): number;
}

interface State {
  task: Task;
  readonly threads: Set<number>;
  /** First signal that ended it by default, other than SIGKILL. */
  blow: number | null;
  /** Threads that were told SIGKILL: all of them when it came from outside, all but one when that one called exit_group. */
  readonly killed: Set<number>;
  killedAt: number | null;
  /** Last end of a thread that was not told SIGKILL. */
  freelyEndedAt: number | null;
  status: number | null;
}

const [cloneThread, cloneParent] = [0x10000, 0x8000];
const mostTasks = 65_536;
const mostGhosts = 16_384;
const sameMomentNs = 50e6;

/** Processes and threads, told only by what the kernel's records say in order. */
export function createTasks(): Tasks {
  const byThread = new Map<number, State>();
  const byPid = new Map<number, State>();
  const ghosts = new Map<number, Task>();
  const roots = new Set<number>();
  let refused = 0;

  function add(task: Task, tids: Iterable<number>): void {
    if (byPid.size >= mostTasks) { refused += 1; return; }
    const state: State = { task, threads: new Set(tids), blow: null, killed: new Set(), killedAt: null, freelyEndedAt: null, status: null };
    byPid.set(task.ref.pid, state);
    for (const tid of state.threads) { byThread.set(tid, state); ghosts.delete(tid); }
  }

  function drop(state: State, tid: number): void {
    state.threads.delete(tid);
    if (byThread.get(tid) === state) byThread.delete(tid);
    ghosts.set(tid, state.task);
    const oldest = ghosts.size > mostGhosts ? ghosts.keys().next().value : undefined;
    if (oldest !== undefined) ghosts.delete(oldest);
  }

  function end(state: State, at: number): Outcome {
    for (const tid of [...state.threads, state.task.ref.pid]) drop(state, tid);
    byPid.delete(state.task.ref.pid);
    roots.delete(state.task.ref.pid);
    return { type: 'ended', task: state.task, at, status: endOf(state) };
  }

  return {
    adopt(root, members) {
      for (const { ref, parent, tids } of members) {
        const known = byPid.get(ref.pid);
        if (known !== undefined && known.task.ref.startTicks === ref.startTicks) {
          for (const tid of tids) { known.threads.add(tid); byThread.set(tid, known); }
          continue;
        }
        const above = parent === null ? undefined : byPid.get(parent.pid)?.task;
        add({ ref, parent, root: ref.pid === root || above === undefined ? ref : above.root }, tids);
      }
    },
    promote(pid) {
      const state = byPid.get(pid);
      if (state === undefined) return false;
      roots.add(pid);
      if (state.task.root !== state.task.ref) state.task = { ...state.task, root: state.task.ref };
      return true;
    },
    cloned(record, ref) {
      const maker = byThread.get(record.tid);
      if (maker === undefined) return;
      if ((record.flags & cloneThread) !== 0) { maker.threads.add(record.child); byThread.set(record.child, maker); return; }
      const parent = (record.flags & cloneParent) !== 0 ? maker.task.parent : maker.task.ref;
      const known = byPid.get(record.child);
      // Found in /proc before its turn came here, perhaps when its maker had already left it to another.
      if (known?.task.ref.startTicks === ref.startTicks) {
        known.task = { ...known.task, parent, root: roots.has(record.child) ? known.task.ref : maker.task.root };
      } else add({ ref, parent, root: maker.task.root }, [record.child]);
    },
    executed(record) {
      const state = byPid.get(record.pid);
      if (state === undefined) return null;
      for (const tid of [...state.threads]) if (tid !== record.pid) drop(state, tid);
      state.threads.add(record.pid);
      byThread.set(record.pid, state);
      return { type: 'executed', task: state.task, record };
    },
    exited(record) {
      const state = byThread.get(record.tid);
      if (state === undefined) return null;
      drop(state, record.tid);
      if (!state.killed.has(record.tid)) state.freelyEndedAt = record.at;
      const last = record.last ?? state.threads.size === 0;
      if (record.status !== null && (last || record.status !== 0)) state.status = record.status;
      return last ? end(state, record.at) : { type: 'thread-ended', tid: record.tid, at: record.at };
    },
    signalled(record) {
      const state = byThread.get(record.tid);
      if (state === undefined) return;
      if (record.signal !== killSignal) { if (record.byDefault) state.blow ??= record.signal; return; }
      if (record.status !== null && record.status !== 0) state.status = record.status;
      state.killedAt ??= record.at;
      state.killed.add(record.tid);
    },
    missed(pid, at) {
      const state = byPid.get(pid);
      return state === undefined ? null : end(state, at);
    },
    of: tid => byThread.get(tid)?.task ?? ghosts.get(tid),
    get living() { return [...byPid.values()].map(state => state.task); },
    takeRefused() { const count = refused; refused = 0; return count; },
  };
}

/**
 * What /proc said, else what the signals tell: the code of an exit() that nobody could read stays unknown, and SIGKILL
 * then also stands for another signal that was sent from outside, because the kernel delivers it as that.
 */
function endOf({ status, blow, killedAt, freelyEndedAt }: State): ProcessExited['status'] {
  if (status !== null) return statusOf(status);
  if (blow !== null) return { signal: signalName(blow) };
  if (killedAt === null) return null;
  const oneLeftFreely = freelyEndedAt !== null && freelyEndedAt >= killedAt - sameMomentNs;
  return oneLeftFreely ? null : { signal: signalName(killSignal) };
}

/** Of a wait status (wait(2)). */
export const statusOf = (status: number | null): ProcessExited['status'] =>
  status === null ? null : (status & 127) === 0 ? { code: (status >> 8) & 255 } : { signal: signalName(status & 127) };
