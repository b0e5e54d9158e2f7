import type { Exception } from '../../../agent/config/exceptions.ts';
import type { Event, EventOf } from '../../../agent/contract/event.ts';
import type { Severity } from '../../../agent/contract/finding.ts';
import { child, identity, mxnetCalled, mxnetMapped, networkConnected, noon, pathArgument, process, processExecuted } from '../../builders.ts';

/** Something done by a process with MXNet, and what exactly one rule says of it. */
export interface Behaviour {
  readonly rule: string;
  readonly name: string;
  readonly severity: Severity;
  readonly events: readonly Event[];
  /** Blocks of detectors, as in agent.config.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What an exception for it would name. */
  readonly fact: Pick<Exception, 'executable' | 'argv' | 'address' | 'port' | 'path'>;
}

/** Something so near to it that a careless rule would fire: this one must not. */
export interface NearMiss extends Pick<Behaviour, 'rule' | 'name' | 'events' | 'config'> {
  /** What was told before this time does not count. */
  readonly after?: number;
}

export const minute = 60_000;

export const mapped = (): Event => mxnetMapped({ at: noon - minute });
/** The file is an hour old. */
const hourOld = identity({ ctimeNs: `${(noon - 60 * minute) * 1e6}` });
export const loaded = (change: Partial<EventOf<'mxnet.called'>> = {}): Event => mxnetCalled({ id: 'load', at: noon, argument: pathArgument({ file: hourOld }), ...change });

export const ran = (path: string, argv: readonly string[], after = 1_000, change: Partial<EventOf<'process.executed'>['process']> = {}): EventOf<'process.executed'> =>
  processExecuted({ at: noon + after, process: child({ pid: 5_000, executable: { path, file: null }, argv, ...change }) });

export const to = (address: string, port: number, after = 1_000, change: Partial<EventOf<'network.connected'>> = {}): EventOf<'network.connected'> =>
  networkConnected({ at: noon + after, address, port, process: process(), ...change });

/** Ids in their order, but for those that have one of their own. */
export const numbered = (events: readonly Event[]): readonly Event[] => events.map((event, index) => event.id === 'e1' ? { ...event, id: `n${index}` } : event);
