import type { ProcessExited } from '../../../agent/contract/event.ts';
import { dumpsCore, killSignal, signalName } from './signals.ts';
import type { Entered, Left, Named, Signalled } from './wire.ts';

/** Which function of which library a probe is in. */
export interface ProbeSite {
  readonly probe: number;
  readonly library: number;
  readonly name: string;
  /** Whether its return is probed too. */
  readonly paired: boolean;
}

export interface Call {
  readonly site: ProbeSite;
  readonly tid: number;
  /** Null when the thread was gone before anyone could ask whose it was. */
  readonly pid: number | null;
  /** Nanoseconds of the kernel's clock; equal when the entry was not seen. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly named: Named | null;
  readonly entered: Entered | null;
  readonly outcome: 'ok' | 'failed' | 'crashed';
  readonly signal: string | null;
}
interface Pending {
  readonly site: ProbeSite;
  readonly tid: number;
  pid: number | null;
  readonly sp: string;
  readonly ip: string;
  readonly startedAt: number;
  named: Named | null;
  entered: Entered | null;
  blow: number | null;
  /** Other probes that fired for this very call: two overlays over one file are two libraries, and one to the kernel. */
  readonly twins: Set<number>;
}

export interface Calls {
  /** Calls that this entry shows to be over. */
  enter(record: Named | Entered): readonly Call[];
  leave(record: Left): readonly Call[];
  signalled(record: Signalled): void;
  /** The thread ended while its process lives: what it was in has failed. */
  threadEnded(tid: number, at: number): readonly Call[];
  /**
   * The thread is gone, and was before anyone could ask whose it was. A thread that leaves a load alive is rare and a
   * process that dies in one is not, so it is told as the worse of the two.
   */
  vanished(tid: number, at: number): readonly Call[];
  /** The process, or with execve its program, is gone: what it was in has crashed. */
  ended(pid: number, at: number, status: ProcessExited['status']): readonly Call[];
  /** Whose thread it is, when it is in a call: null when nobody knows, undefined when it is in none. */
  ownerOf(tid: number): number | null | undefined;
  readonly pending: readonly { readonly tid: number; readonly pid: number | null; readonly startedAt: number }[];
  takeRefused(): number;
}

const mostThreads = 8_192;
const mostNested = 64;

/**
 * Pairs entries and returns. A call is named by its thread, its function and its stack pointer, so that recursion and
 * frames that were left by longjmp or an exception are told apart: those end as failed when a call below them returns.
 */
export function createCalls(siteOf: (probe: number) => ProbeSite | undefined): Calls {
  const stacks = new Map<number, Pending[]>();
  /** Returns still to come from the twins of a call that has returned. */
  const echoes = new Map<number, { readonly sp: string; readonly probes: Set<number> }>();
  let refused = 0;

  function enter(record: Named | Entered): readonly Call[] {
    const site = siteOf(record.probe);
    if (site === undefined || !site.paired) return [];
    const stack = stacks.get(record.tid) ?? [];
    const index = stack.findLastIndex(each => each.sp === record.sp && each.ip === record.ip);
    const same = stack[index];
    if (same !== undefined && same.site.probe !== site.probe) { same.twins.add(site.probe); return []; }
    if (same !== undefined && same[record.kind] === null) { attach(same, record); return []; }
    const closed = same === undefined ? [] : stack.splice(index).map(each => close(each, record.at, 'failed'));
    if (stack.length >= mostNested || (stack.length === 0 && stacks.size >= mostThreads)) { refused += 1; return closed; }
    const { tid, sp, ip, at } = record;
    const pending: Pending = { site, tid, pid: null, sp, ip, startedAt: at, named: null, entered: null, blow: null, twins: new Set() };
    attach(pending, record);
    stack.push(pending);
    stacks.set(record.tid, stack);
    echoes.delete(record.tid);
    return closed;
  }

  function leave(record: Left): readonly Call[] {
    const site = siteOf(record.probe);
    if (site === undefined) return [];
    const echo = echoes.get(record.tid);
    if (echo?.sp === record.sp && echo.probes.delete(record.probe)) return [];
    const outcome = record.result === 0 ? 'ok' : 'failed';
    const stack = stacks.get(record.tid) ?? [];
    const index = stack.findLastIndex(each => each.sp === record.sp && (each.site.probe === record.probe || each.twins.has(record.probe)));
    const own = stack[index];
    if (own === undefined) {
      return [{ site, tid: record.tid, pid: null, startedAt: record.at, endedAt: record.at, named: null, entered: null, outcome, signal: null }];
    }
    const [, ...abandoned] = stack.splice(index);
    if (stack.length === 0) stacks.delete(record.tid);
    if (echoes.size > mostThreads) echoes.clear();
    const others = [own.site.probe, ...own.twins].filter(probe => probe !== record.probe);
    if (others.length > 0) echoes.set(record.tid, { sp: own.sp, probes: new Set(others) });
    return [...abandoned.reverse().map(each => close(each, record.at, 'failed')), close(own, record.at, outcome)];
  }

  function closeAll(tid: number, at: number, outcome: 'failed' | 'crashed', signalOf: (pending: Pending) => string | null): Call[] {
    const stack = stacks.get(tid) ?? [];
    stacks.delete(tid);
    echoes.delete(tid);
    return stack.reverse().map(each => ({ ...close(each, at, outcome), signal: signalOf(each) }));
  }

  return {
    enter, leave,
    signalled({ tid, signal }) {
      for (const pending of stacks.get(tid) ?? []) if (signal !== killSignal || pending.blow === null) pending.blow = signal;
    },
    threadEnded: (tid, at) => closeAll(tid, at, 'failed', () => null),
    vanished: (tid, at) => closeAll(tid, at, 'crashed', ({ blow }) => (blow === null ? null : signalName(blow))),
    ended(pid, at, status) {
      // Whoever ends a process, its threads are told SIGKILL; what was sent to it only its status tells. But a signal that
      // dumps core is told by its name to the one thread that caused it: then this was another.
      const died = status !== null && 'signal' in status ? status.signal : null;
      const signalOf = ({ blow }: Pending): string | null => {
        if (blow === null || blow !== killSignal) return blow === null ? null : signalName(blow);
        return died === null || dumpsCore(died) ? null : died;
      };
      const tids = [...stacks].filter(([, stack]) => stack.some(each => each.pid === pid)).map(([tid]) => tid);
      return tids.flatMap(tid => closeAll(tid, at, 'crashed', signalOf));
    },
    ownerOf: tid => stacks.get(tid)?.[0]?.pid,
    get pending() { return [...stacks.values()].flat().map(({ tid, pid, startedAt }) => ({ tid, pid, startedAt })); },
    takeRefused() { const count = refused; refused = 0; return count; },
  };
}

function attach(pending: Pending, record: Named | Entered): void {
  if (record.kind === 'named') pending.named = record; else pending.entered = record;
  pending.pid ??= record.pid;
}

const close = ({ site, tid, pid, startedAt, named, entered }: Pending, endedAt: number, outcome: Call['outcome']): Call =>
  ({ site, tid, pid, startedAt, endedAt, named, entered, outcome, signal: null });
