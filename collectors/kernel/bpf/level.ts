import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import type { EventsLost, SensorChanged } from '../../../agent/contract/event.ts';
import { lossDraft } from '../tracefs/loss.ts';
import { openSession, type Session } from '../tracefs/session.ts';
import type { SensorListener } from './account.ts';
import { type BpfSession, openBpfSession } from './session.ts';
import type { RecordName } from './table.ts';
import { reasonsOf } from './wire.ts';

export type Level = Exclude<SensorChanged['level'], 'unprivileged' | 'fanotify'>;
export type LossDraft = Omit<EventsLost, 'id' | 'collector'>;
export interface LevelOptions {
  readonly log: Log;
  /** `best`: the first that works of programs in the kernel and tracefs. */
  readonly level: 'best' | 'bpf' | 'tracefs';
  readonly bufferKb: number;
  /** Mount tracefs where it is missing. */
  readonly mount: boolean;
  /** Whether system calls may be watched where there is no other way: that slows every process on the machine. */
  readonly syscalls?: boolean;
}
export interface LevelListener extends SensorListener {
  /** Told to the first listener only, so that each loss is counted once. */
  lost?(draft: LossDraft): void;
  changed?(state: 'armed' | 'down', why: string): void;
}
/** The kernel as this host lets us watch it. */
export interface Sensor extends Pick<Session, 'census' | 'clock' | 'probes'>, AsyncDisposable {
  readonly level: Level;
  /** Facts that are not seen here, and why. */
  readonly unseen: ReadonlyMap<string, string>;
  /** Facts that are seen in a way that shows less than another would, with what it does not show. */
  readonly partly: ReadonlyMap<string, string>;
  join(listener: LevelListener): Disposable;
}

/** Opens the best level that works; which that is, is found by trying. Throws UnavailableError with all reasons when none does. */
export async function openSensor(host: HostPaths, options: LevelOptions): Promise<Sensor> {
  const reasons: string[] = [];
  if (options.level !== 'tracefs') {
    try { return ofBpf(await openBpfSession(host, { ...options, syscalls: options.syscalls ?? false })); } catch (error) {
      if (!(error instanceof UnavailableError) || options.level === 'bpf') throw error;
      options.log.info('no programs in the kernel; tracefs is tried', { why: error.message });
      reasons.push(`programs in the kernel: ${error.message}`);
    }
  }
  try { return ofTracefs(await openSession(host, options)); } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    throw new UnavailableError([...reasons, reasons.length > 0 ? `tracefs: ${error.message}` : error.message].join('; '), { cause: error });
  }
}

function ofBpf(session: BpfSession & AsyncDisposable): Sensor {
  const { census, clock, probes, sights } = session;
  return {
    census, clock, probes,
    level: levelOf(sights),
    unseen: new Map(sights.flatMap(({ fact, way, refused }) => (way === null ? [[fact, reasonsOf(refused)] as const] : []))),
    partly: new Map(sights.flatMap(({ fact, way }) => lessBy.flatMap(each => (each.fact === fact && way?.some(name => each.way.test(name)) === true ? [[fact, each.unseen] as const] : [])))),
    join: listener => session.join({
      ...listener,
      ...listener.lost === undefined ? {} : { lostRecords: (what, where, count) => listener.lost?.({ kind: 'events.lost', at: Date.now(), where, what: what === 'any' ? 'any' : kinds[what], count }) },
    }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** What a system call alone, or an event of the kernel, does not show. */
const lessBy = [
  { fact: 'memory made executable', way: /^sys_/, unseen: 'what lies behind memory made executable' },
  { fact: 'tracing', way: /^sys_/, unseen: 'tracing through /proc' },
  { fact: 'kernel modules', way: /^module_loaded$/, unseen: 'kernel modules that are refused' },
] as const;

/** Programs on the hooks of the kernel's security modules, when any of them works. */
export const levelOf = (sights: BpfSession['sights']): Level => (sights.some(({ way }) => way?.some(name => name.startsWith('lsm_')) === true) ? 'bpf-lsm' : 'bpf-base');

/** What a lost record would have told. */
const kinds: Readonly<Record<RecordName, EventsLost['what']>> = {
  forked: 'any', executed: 'process.executed', exited: 'process.exited', threadEnded: 'mxnet.called', signalled: 'mxnet.called',
  entered: 'mxnet.called', named: 'mxnet.called', returned: 'mxnet.called', connected: 'network.connected', addressed: 'network.connected',
  credentials: 'credentials.changed', namespaces: 'kernel.used', protected: 'memory.protected', traced: 'process.traced', used: 'kernel.used',
};

const factsOf: Readonly<Record<string, readonly string[]>> = {
  'sched/sched_process_exec': ['executed programs'], 'task/task_newtask': ['forks'], 'sched/sched_process_exit': ['ends of processes'],
  'signal/signal_deliver': ['signals in calls'], 'sock/inet_sock_set_state': ['connections', 'listeners'],
  'sock/sock_send_length': ['bytes sent'], 'sock/sock_recv_length': ['bytes received'],
};

function ofTracefs(session: Session & AsyncDisposable): Sensor {
  const { census, clock, probes, absent } = session;
  return {
    census, clock, probes, level: 'tracefs', partly: new Map(),
    unseen: new Map(absent.flatMap(event => (factsOf[event] ?? []).map(fact => [fact, `this kernel has no ${event}`] as const))),
    join({ lost, ...listener }) { return session.join({ ...listener, ...lost === undefined ? {} : { lost: (...loss) => lost(lossDraft(...loss)) } }); },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
