import type { HostPaths } from '../../../agent/contract/component.ts';
import type { ProcessExited } from '../../../agent/contract/event.ts';
import type { Process, ProcessRef } from '../../../agent/contract/process.ts';
import { describeProcess, refOf } from '../procfs/describe.ts';
import { createBudget } from './budget.ts';
import { type Call, createCalls, type ProbeSite } from './calls.ts';
import type { Clock } from './clock.ts';
import { executedPortrait, type Flow, flowOf, forkedPortrait, type Sighting, sight } from './portrait.ts';
import { createTasks, type Outcome, statusOf, type Task } from './tasks.ts';
import { createTimeline } from './timeline.ts';
import type { Amended, Cloned, Connected, Entered, Executed, Exited, KernelRecord, Named, Reply } from './wire.ts';

interface Sum { readonly task: Task; readonly sent: number; readonly received: number }
/** What the records tell, in order. Times are nanoseconds of the kernel's clock. */
export interface Listener {
  /** A call has begun, told at once and out of order: look now at what may be gone when it is over. */
  entering?(record: Named | Entered): void;
  called?(call: Call): void;
  executed?(told: { readonly at: number; readonly task: Task; readonly process: Process; readonly flow: Flow }): void;
  exited?(told: { readonly at: number; readonly task: Task; readonly status: ProcessExited['status'] }): void;
  connected?(told: { readonly record: Connected; readonly task: Task; readonly process: Process }): void;
  transferred?(told: { readonly at: number; readonly intervalMs: number; readonly sums: readonly Sum[] }): void;
}
export interface Account {
  hear(reply: Extract<Reply, { kind: KernelRecord['kind'] | 'amended' | 'transferred' | 'followed' }>): void;
  /** Tell everything that is still held back. */
  flush(): void;
  /** Whether it is of a tree already. */
  has(process: ProcessRef): boolean;
  readonly roots: Iterable<number>;
  /** Processes that ended without our seeing it are told as ended; call it every few seconds. */
  review(): void;
  /** The same for threads that are in a call: a process may be gone before the kernel filters for it. Call it often. */
  reviewCalls(): void;
  [Symbol.dispose](): void;
}
interface Ports {
  readonly host: HostPaths;
  readonly clock: Clock;
  readonly siteOf: (probe: number) => (ProbeSite & { readonly armedAt: number }) | undefined;
  readonly tell: Required<Listener>;
  /** Have the reader tell us of this process and what descends from it. */
  follow(pid: number): void;
  /** More of it than anyone can remember, or nobody knows whose it is. */
  lost(what: 'mxnet.called' | 'process.executed' | 'network.transferred', count: number): void;
}

/** A thread that is gone for as long will not be told as ended by the kernel any more. */
const goneForMs = 400;
/** Beyond it, a process is told by what is known of its maker: the agent must not be slowed by who starts many. */
const looksPerSecond = 400;
const mostCallers = 8_192;
/** Of these, who has sockets for streams is looked up in the tables of the kernel so often. */
export const searchesPerSecond = 20;

/** Turns records into what happened: orders them, knows threads, processes and trees, pairs calls, describes who did it. */
export function createAccount({ host, clock, siteOf, tell, follow, lost }: Ports): Account {
  const timeline = createTimeline();
  const tasks = createTasks();
  const calls = createCalls(siteOf);
  const portraits = new Map<number, Process>();
  /** Of processes that were only cloned so far: what their makers were. */
  const inherited = new Map<number, Process>();
  const sightings = new WeakMap<KernelRecord, Sighting & Flow>();
  const births = new WeakMap<Cloned, Task['ref']>();
  const others = new WeakMap<KernelRecord, Process | null>();
  /** They call MXNet, and nothing was known of them yet. */
  const callers = new Set<number>();
  const goneSince = new Map<number, number>();
  const mayLook = createBudget(looksPerSecond);
  const maySearch = createBudget(searchesPerSecond);
  let timer: NodeJS.Timeout | undefined;

  function remember(caller: number): void {
    if (callers.size >= mostCallers) callers.clear();
    callers.add(caller);
  }

  /** What cannot wait for its turn. */
  function look(record: KernelRecord): void {
    switch (record.kind) {
      case 'named': case 'entered':
        record.pid ??= tasks.of(record.tid)?.ref.pid ?? null;
        if (record.pid !== null && !tasks.promote(record.pid)) { remember(record.pid); follow(record.pid); }
        tell.entering(record);
        break;
      case 'cloned': births.set(record, refOf(host, record.child) ?? { pid: record.child, startTicks: clock.startTicks(record.at) }); break;
      case 'executed': if (mayLook()) lookAtExecution(record); break;
      case 'connected': {
        const pid = tasks.of(record.tid)?.ref.pid;
        if (pid !== undefined && !portraits.has(pid) && mayLook()) others.set(record, describeProcess(host, pid));
        break;
      }
      default: break;
    }
  }

  function lookAtExecution(record: Executed): void {
    const process = describeProcess(host, record.pid);
    const sighting = sight(host, process, record.file);
    if (process !== null && sighting !== null) sightings.set(record, { ...sighting, ...flowOf(host, process, maySearch) });
  }

  function tellRecord(record: KernelRecord): void {
    switch (record.kind) {
      case 'named': case 'entered':
        record.pid ??= tasks.of(record.tid)?.ref.pid ?? null;
        tellCalls(calls.enter(record));
        break;
      case 'left': tellCalls(calls.leave(record)); break;
      case 'cloned': tellBirth(record); break;
      case 'executed': tellExecution(record); break;
      case 'signalled': tasks.signalled(record); calls.signalled(record); break;
      case 'exited': {
        const outcome = tasks.exited(record);
        if (outcome !== null) tellEnd(outcome); else tellEndOfStranger(record);
        break;
      }
      case 'connected': tellConnection(record); break;
      default: record satisfies never;
    }
  }

  function tellCalls(list: readonly Call[]): void {
    for (const call of list) {
      const armedAt = siteOf(call.site.probe)?.armedAt ?? Infinity;
      // Its return may have passed before that probe was on: nobody knows how it ended.
      if (call.outcome === 'crashed' && call.startedAt < armedAt) { lost('mxnet.called', 1); continue; }
      const pid = call.pid ?? tasks.of(call.tid)?.ref.pid ?? null;
      tell.called({ ...call, pid });
    }
  }

  function tellBirth(record: Cloned): void {
    const ref = births.get(record);
    if (ref === undefined) return;
    tasks.cloned(record, ref);
    const task = tasks.of(record.child);
    const maker = task === undefined || task.parent === null || portraits.has(ref.pid) ? null : portraitOf(task.parent);
    if (maker !== null) inherited.set(ref.pid, forkedPortrait(ref, maker));
  }

  function tellExecution(record: Executed): void {
    const outcome = tasks.executed(record);
    tellCalls(calls.ended(record.pid, record.at, null));
    if (outcome === null || outcome.type !== 'executed') return; // A stale number in the kernel's filter: not of our trees.
    const { task } = outcome;
    const execution = { ref: task.ref, file: record.file, argv: record.overtaken ? undefined : record.late?.bytes ?? null };
    const before = portraits.get(record.pid) ?? inherited.get(record.pid) ?? (task.parent === null ? null : portraitOf(task.parent));
    const sighting = sightings.get(record) ?? null;
    const portrait = executedPortrait(execution, sighting, before);
    portraits.set(record.pid, portrait);
    tell.executed({ at: record.at, task, process: portrait, flow: sighting ?? { streams: null } });
  }

  function tellEnd(outcome: Outcome): void {
    if (outcome.type === 'thread-ended') { tellCalls(calls.threadEnded(outcome.tid, outcome.at)); return; }
    if (outcome.type !== 'ended') return;
    const { pid } = outcome.task.ref;
    tellCalls(calls.ended(pid, outcome.at, outcome.status));
    portraits.delete(pid);
    inherited.delete(pid);
    tell.exited(outcome);
  }

  /** Its process was not yet known when it ended, or its clone was lost. */
  function tellEndOfStranger({ tid, at, last, status }: Exited): void {
    const pid = calls.ownerOf(tid);
    if (pid === undefined) return;
    if (pid === null) tellCalls(calls.vanished(tid, at));
    else tellCalls(last === true ? calls.ended(pid, at, statusOf(status)) : calls.threadEnded(tid, at));
  }

  function tellConnection(record: Connected): void {
    const task = tasks.of(record.tid);
    if (task === undefined) return; // as above
    const { pid } = task.ref;
    const maker = (): Process | null => (task.parent === null ? null : portraitOf(task.parent));
    const portrait = portraits.get(pid) ?? others.get(record) ?? inherited.get(pid) ?? forkedPortrait(task.ref, maker());
    portraits.set(pid, portrait);
    tell.connected({ record, task, process: portrait });
  }

  function portraitOf(ref: Task['ref']): Process | null {
    const known = portraits.get(ref.pid) ?? inherited.get(ref.pid) ?? describeProcess(host, ref.pid);
    return known?.startTicks === ref.startTicks ? known : null;
  }

  function release(now: number): void {
    for (const record of timeline.take(now)) tellRecord(record);
    const refused = [calls.takeRefused(), tasks.takeRefused()] as const;
    if (refused[0] > 0) lost('mxnet.called', refused[0]);
    if (refused[1] > 0) lost('process.executed', refused[1]);
  }

  function turn(): void {
    // After what has already arrived was taken in: a timer comes before it.
    setImmediate(() => {
      timer = undefined;
      release(performance.now());
      if (timeline.length > 0) timer = setTimeout(turn, 4);
    });
  }

  function amend(amendment: Amended): void {
    const record = timeline.amend(amendment);
    if (record?.kind === 'entered') tell.entering(record);
  }

  return {
    hear(reply) {
      if (reply.kind === 'amended') { amend(reply); return; }
      if (reply.kind === 'followed') { adopt(reply); return; }
      if (reply.kind === 'transferred') { tellTransfer(reply); return; }
      look(reply);
      timeline.add(reply, performance.now());
      timer ??= setTimeout(turn, 4);
    },
    flush() { release(Infinity); },
    has: ({ pid, startTicks }) => { const known = tasks.of(pid)?.ref; return known?.pid === pid && known.startTicks === startTicks; },
    get roots() { return new Set([...tasks.living].map(task => task.root.pid)); },
    review() {
      const now = Number(process.hrtime.bigint());
      for (const { ref } of tasks.living) {
        if (refOf(host, ref.pid)?.startTicks === ref.startTicks) continue;
        const outcome = tasks.missed(ref.pid, now);
        if (outcome !== null) tellEnd(outcome);
      }
    },
    reviewCalls() {
      const pending = calls.pending;
      const now = performance.now();
      const tids = new Set(pending.map(each => each.tid));
      for (const tid of goneSince.keys()) if (!tids.has(tid)) goneSince.delete(tid);
      for (const { tid, pid } of pending) {
        if (refOf(host, tid) !== null) { goneSince.delete(tid); continue; }
        const since = goneSince.get(tid) ?? now;
        goneSince.set(tid, since);
        if (now - since < goneForMs) continue;
        const at = Number(process.hrtime.bigint()) - (now - since) * 1e6;
        if (pid === null) tellCalls(calls.vanished(tid, at));
        else tellCalls(refOf(host, pid) !== null ? calls.threadEnded(tid, at) : calls.ended(pid, at, null));
      }
    },
    [Symbol.dispose]() { clearTimeout(timer); },
  };

  function adopt({ root, members }: Extract<Reply, { kind: 'followed' }>): void {
    const portrait = portraits.has(root) ? null : describeProcess(host, root);
    if (portrait !== null) portraits.set(root, portrait);
    tasks.adopt(root, members.flatMap(({ pid, parent, tids }) => {
      const ref = refOf(host, pid);
      return ref === null ? [] : [{ ref, parent: refOf(host, parent), tids }];
    }));
    if (callers.delete(root)) tasks.promote(root);
  }

  function tellTransfer({ at, intervalMs, sums }: Extract<Reply, { kind: 'transferred' }>): void {
    const byProcess = new Map<string, Sum>();
    let nobodys = 0;
    for (const [tid, sent, received] of sums) {
      const task = tasks.of(tid);
      if (task === undefined) { nobodys += 1; continue; }
      const key = `${task.ref.pid} ${task.ref.startTicks}`;
      const sum = byProcess.get(key) ?? { task, sent: 0, received: 0 };
      byProcess.set(key, { task, sent: sum.sent + sent, received: sum.received + received });
    }
    if (nobodys > 0) lost('network.transferred', nobodys);
    if (byProcess.size > 0) tell.transferred({ at, intervalMs, sums: [...byProcess.values()] });
  }
}
