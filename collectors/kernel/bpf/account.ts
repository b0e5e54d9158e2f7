import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Process, ProcessRef } from '../../../agent/contract/process.ts';
import { describeProcess, refOf } from '../procfs/describe.ts';
import { type Listener, searchesPerSecond } from '../tracefs/account.ts';
import { createBudget } from '../tracefs/budget.ts';
import { type Call, createCalls, type ProbeSite } from '../tracefs/calls.ts';
import { flowOf, forkedPortrait, sight } from '../tracefs/portrait.ts';
import { addressText, entryStack } from '../tracefs/record.ts';
import { isEnding } from '../tracefs/signals.ts';
import { statusOf, type Task } from '../tracefs/tasks.ts';
import type { Connected, Entered, Named } from '../tracefs/wire.ts';
import type { BpfRecord, RecordOf } from './decode.ts';
import { executedPortrait, nameAndArguments } from './execution.ts';
import type { Told } from './wire.ts';

/** What only these programs see. */
export type Notice = Extract<BpfRecord, { readonly type: 'credentials' | 'namespaces' | 'protected' | 'traced' | 'used' }>;
/** As the listener of any sensor; this one knows more. */
export interface SensorListener extends Omit<Listener, 'called' | 'connected'> {
  /** `process`: as last seen, when it may be gone. */
  called?(call: Call & { readonly process?: Process | null }): void;
  connected?(told: { readonly record: Connected & { readonly protocol?: 'tcp' | 'udp' }; readonly task: Task; readonly process: Process }): void;
  noticed?(told: { readonly record: Notice; readonly task: Task; readonly process: Process }): void;
}
export interface Account {
  hear(record: BpfRecord): void;
  adopt(root: number, members: readonly number[]): void;
  moved(told: Extract<Told, { kind: 'moved' }>): void;
  /** Processes that ended without our seeing it are told as ended; call it every few seconds. */
  review(): void;
  /** The sensor process has begun anew: how calls end that were under way is not known. */
  restart(): void;
  readonly roots: Iterable<number>;
}
interface Ports {
  readonly host: HostPaths;
  readonly siteOf: (probe: number) => ProbeSite | undefined;
  readonly tell: Required<SensorListener>;
  lost(what: 'mxnet.called' | 'process.executed' | 'network.transferred', count: number): void;
}
interface Known { task: Task; portrait: Process | null; sent: number; received: number; isMissing: boolean }

const mostTasks = 16_384;
const mostNameless = 8_192;
/** Beyond it, a process is told by what is known of its maker: the agent must not be slowed by who starts many. */
const looksPerSecond = 400;
const [tcp, mptcp, udp, udpLite] = [6, 262, 17, 136];

/** Turns records, which come in the order in which they happened, into what happened, and describes who did it. */
export function createAccount({ host, siteOf, tell, lost }: Ports): Account {
  let calls = createCalls(siteOf);
  const known = new Map<number, Known>();
  const mayLook = createBudget(looksPerSecond);
  const maySearch = createBudget(searchesPerSecond);
  /** Entries by their thread whose names were not in memory then. */
  const nameless = new Map<number, { -readonly [Key in keyof Entered]: Entered[Key] }>();
  let movedAt = performance.now();

  /** Who a record speaks of, as the kernel knows it. */
  function meet({ process, root, parent }: Pick<BpfRecord, 'process' | 'root' | 'parent'>): Known {
    const before = known.get(process.pid);
    if (before?.task.ref.startTicks === process.startTicks) {
      if (before.task.root.pid !== root.pid) before.task = { ...before.task, root };
      return before;
    }
    // Its end was not seen, and its number is somebody else's now.
    if (before !== undefined) missed(before);
    const fresh: Known = { task: { ref: process, root, parent: parent.pid === 0 ? null : parent }, portrait: null, sent: 0, received: 0, isMissing: false };
    if (known.size < mostTasks) known.set(process.pid, fresh); else lost('process.executed', 1);
    return fresh;
  }

  /** As it was last seen; else as it is; else as who made it was. */
  function portray(one: Known): Process {
    if (one.portrait !== null) return one.portrait;
    const { ref, parent } = one.task;
    const seen = mayLook() ? describeProcess(host, ref.pid) : null;
    const isItself = seen?.startTicks === ref.startTicks && !seen.executable.path.startsWith('[');
    one.portrait = isItself ? seen : forkedPortrait(ref, parent === null ? null : portraitOf(parent));
    return one.portrait;
  }
  const portraitOf = (ref: ProcessRef): Process | null => {
    const one = known.get(ref.pid);
    return one?.task.ref.startTicks === ref.startTicks ? one.portrait : null;
  };

  function tellCalls(list: readonly Call[]): void {
    for (const call of list) {
      const one = call.pid === null ? undefined : known.get(call.pid);
      tell.called({ ...call, process: one?.portrait ?? null });
    }
    const refused = calls.takeRefused();
    if (refused > 0) lost('mxnet.called', refused);
  }

  function enter(record: RecordOf<'entered'>): void {
    portray(meet(record));
    const entry = entryOf(record);
    if (record.nameBytes < 0 && entry.kind === 'entered') {
      nameless.set(record.tid, entry);
      const oldest = nameless.size > mostNameless ? nameless.keys().next().value : undefined;
      if (oldest !== undefined) nameless.delete(oldest);
    }
    tell.entering(entry);
    tellCalls(calls.enter(entry));
  }

  function tellExecution(record: RecordOf<'executed'>): void {
    const one = meet(record);
    const { pid } = record.process;
    tellCalls(calls.ended(pid, record.at, null));
    const { name } = nameAndArguments(record);
    const before = one.portrait ?? (one.task.parent === null ? null : portraitOf(one.task.parent));
    const sighting = mayLook() ? sight(host, describeProcess(host, pid), name) : null;
    const own = sighting?.process.startTicks === record.process.startTicks ? sighting : null;
    one.portrait = executedPortrait(record, own, before);
    tell.executed({ at: record.at, task: one.task, process: one.portrait, flow: own === null ? { streams: null } : flowOf(host, own.process, maySearch) });
  }

  function tellEnd(record: RecordOf<'exited'>): void {
    const one = meet(record);
    const status = statusOf(record.status);
    tellCalls(calls.ended(record.process.pid, record.at, status));
    const [sent, received] = [Number(record.sent) - one.sent, Number(record.received) - one.received];
    if (sent > 0 || received > 0) tell.transferred({ at: record.at, intervalMs: Math.max(1, Math.round(performance.now() - movedAt)), sums: [{ task: one.task, sent, received }] });
    known.delete(record.process.pid);
    tell.exited({ at: record.at, task: one.task, status });
  }

  function tellConnection(record: RecordOf<'connected' | 'addressed'>): void {
    const protocol = protocolOf(record.protocol);
    if (protocol === null) return; // said to be unseen
    const one = meet(record);
    const address = addressText(record.family, record.address.subarray(0, 4), record.address);
    const direction = record.listens === 0 ? 'outbound' as const : 'listen' as const;
    tell.connected({ record: { kind: 'connected', at: record.at, tid: record.tid, direction, address, port: record.port, protocol }, task: one.task, process: portray(one) });
  }

  function missed(one: Known): void {
    const { pid } = one.task.ref;
    known.delete(pid);
    tellCalls(calls.ended(pid, Number(process.hrtime.bigint()), null));
    tell.exited({ at: Number(process.hrtime.bigint()), task: one.task, status: null });
  }

  return {
    hear(record) {
      switch (record.type) {
        case 'forked': {
          const child = meet(record);
          const maker = known.get(record.maker)?.portrait ?? null;
          child.portrait = maker === null ? null : forkedPortrait(record.process, maker);
          break;
        }
        case 'executed': tellExecution(record); break;
        case 'exited': tellEnd(record); break;
        case 'threadEnded': tellCalls(calls.threadEnded(record.tid, record.at)); break;
        case 'signalled': {
          const { tid, at, signal, code } = record;
          const byDefault = record.byDefault !== 0;
          if (isEnding(signal, byDefault)) calls.signalled({ kind: 'signalled', at, tid, signal, code, byDefault, status: null });
          break;
        }
        case 'entered': enter(record); break;
        case 'named': {
          const entry = nameless.get(record.tid);
          nameless.delete(record.tid);
          if (entry === undefined || entry.probe !== record.probe || entry.sp !== entryStack(record.sp, process.arch) || record.nameBytes <= 0) break;
          const bytes = nameText(record);
          entry.head = bytes.slice(0, headBytes);
          entry.late = { at: record.at, bytes };
          tell.entering(entry);
          break;
        }
        case 'returned':
          meet(record);
          tellCalls(calls.leave({ kind: 'left', at: record.at, tid: record.tid, probe: record.probe, sp: entryStack(record.sp, process.arch), result: record.result }).map(call => ({ ...call, pid: call.pid ?? record.process.pid })));
          break;
        case 'connected': case 'addressed': tellConnection(record); break;
        case 'credentials': case 'namespaces': case 'protected': case 'traced': case 'used': {
          const one = meet(record);
          tell.noticed({ record, task: one.task, process: portray(one) });
          break;
        }
        default: record satisfies never;
      }
    },
    adopt(root, members) {
      const own = refOf(host, root);
      if (own === null) return;
      const above = known.get(root)?.task;
      const tree = above?.ref.startTicks === own.startTicks ? above.root : own;
      for (const pid of members) {
        const described = describeProcess(host, pid);
        if (described === null) continue;
        const before = known.get(pid)?.task;
        const isKnown = before?.ref.startTicks === described.startTicks;
        const one = meet({
          process: { pid, startTicks: described.startTicks }, parent: described.ancestors[0] ?? { pid: 0, startTicks: 0 },
          root: isKnown ? before.root : tree,
        });
        one.portrait ??= described;
      }
    },
    moved({ at, intervalMs, sums }) {
      movedAt = performance.now();
      const list = sums.flatMap(([pid, sent, received]) => {
        const one = known.get(pid);
        if (one === undefined) return [];
        const sum = { task: one.task, sent: sent - one.sent, received: received - one.received };
        one.sent = sent;
        one.received = received;
        return sum.sent > 0 || sum.received > 0 ? [sum] : [];
      });
      if (list.length < sums.length) lost('network.transferred', sums.length - list.length);
      if (list.length > 0) tell.transferred({ at, intervalMs, sums: list });
    },
    review() {
      for (const one of [...known.values()]) {
        const isGone = refOf(host, one.task.ref.pid)?.startTicks !== one.task.ref.startTicks;
        // At the first look its end may still be on its way to us.
        if (isGone && one.isMissing) missed(one); else one.isMissing = isGone;
      }
    },
    restart() {
      const pending = calls.pending.length;
      calls = createCalls(siteOf);
      for (const one of known.values()) { one.sent = 0; one.received = 0; }
      if (pending > 0) lost('mxnet.called', pending);
    },
    get roots() { return new Set([...known.values()].map(({ task }) => task.root.pid)); },
  };
}

/** With its NUL cut off; a name that fills its record has no end. */
const nameText = ({ nameBytes, text }: RecordOf<'entered' | 'named'>): string => text.toString('latin1', 0, Math.min(nameBytes, text.length) - 1) + (nameBytes < text.length ? '\0' : '');
const headBytes = 32;

/** In the words of the tracefs sensor, so that calls are paired and named alike at every level. */
function entryOf(record: RecordOf<'entered'>): Named | Entered {
  const stamp = { at: record.at, tid: record.tid, probe: record.probe, sp: record.sp.toString(16), ip: record.ip.toString(16), pid: record.process.pid };
  const { nameBytes, text } = record;
  if (nameBytes === 0) return { kind: 'entered', ...stamp, head: null, second: record.second.toString(), third: record.third.toString(), serial: null };
  if (nameBytes > 0 && nameBytes < text.length) return { kind: 'named', ...stamp, name: text.toString('latin1', 0, nameBytes - 1) };
  // It may yet come when the call returns; one that is cut at its end is told as what it is.
  const unread: Entered = { kind: 'entered', ...stamp, head: null, second: null, third: null, serial: null };
  return nameBytes < 0 ? unread : { ...unread, late: { at: record.at, bytes: nameText(record) } };
}

function protocolOf(number: number): 'tcp' | 'udp' | null {
  if (number === tcp || number === mptcp) return 'tcp';
  return number === udp || number === udpLite ? 'udp' : null;
}

