import type { Component, HostIdentity, Log } from './component.ts';
import type { Incident } from './incident.ts';

/** What leaves the house. Self-contained: a receiver needs nothing else to understand it. */
export type Envelope = IncidentEnvelope | CheckpointEnvelope | HeartbeatEnvelope;

export interface IncidentEnvelope extends Sealed {
  readonly type: 'incident';
  readonly body: Incident;
}

/** Whoever keeps these notices when the trail on the host is put back or forked. */
export interface CheckpointEnvelope extends Sealed {
  readonly type: 'checkpoint';
  readonly body: TrailCheckpoint;
}

/** The signed head of the agent's audit trail at one size. */
export interface TrailCheckpoint {
  readonly title: string;
  /** Which log: `mxwarden/<host id>/<epoch>`. */
  readonly origin: string;
  /** Records that it covers. */
  readonly size: number;
  /** Root hash of their tree (RFC 6962), base64. */
  readonly root: string;
  /** The checkpoint whole, a signed note (c2sp.org/tlog-checkpoint). */
  readonly note: string;
  /** Epoch milliseconds at which it was signed. */
  readonly at: number;
}

/** Says that the agent lives, however quiet it is. Made at its time for its time: never stored, never sent late. */
export interface HeartbeatEnvelope extends Sealed {
  readonly type: 'heartbeat';
  readonly body: Heartbeat;
}

export interface Heartbeat {
  readonly title: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly startedAt: number;
  /** The next one comes so soon. */
  readonly intervalMs: number;
  readonly sensors: readonly SensorLife[];
  readonly events: { readonly emitted: number; readonly lost: number };
  readonly openIncidents: number;
  /** Why nothing can be stored at the moment; null when it can. */
  readonly storeFailure: string | null;
}

/** How one sensor is. */
export interface SensorLife {
  readonly name: string;
  /** `armed` when it works, in whole or in part. */
  readonly state: string;
  /** At which level it sees; null when it has none. */
  readonly level: string | null;
  /** Why it does not work. */
  readonly reason: string | null;
  /** When the last fact that it told happened; null when it has told none since the start. */
  readonly spokeAt: number | null;
}

interface Sealed {
  /** Stable across retries and restarts: the receiver drops duplicates by it. */
  readonly id: string;
  /** Counts up by one per envelope of this host's outbox: a receiver sees a gap. A heartbeat has the newest number that was given. */
  readonly sequence: number;
  readonly host: HostIdentity;
  /** Of the agent that made it. */
  readonly version: string;
}

/** Carries batches out. Batching, spooling, retry, back-off and dead letters are not its business. */
export interface Forwarder<Config = unknown> extends Component<Config> {
  open(config: Config, port: ForwarderPort): Promise<Sink>;
}

export interface ForwarderPort {
  readonly log: Log;
  readonly host: HostIdentity;
}

export interface Sink extends AsyncDisposable {
  /**
   * These very envelopes will probably be sent next, and something else is under way: what can be made of them ahead,
   * may be. Never throws, and promises nothing.
   */
  prepare?(some: readonly Envelope[]): void;
  /**
   * Resolves when the far side has all of it for good. Otherwise throws: RetryableError (keep, try later),
   * MisconfiguredError (keep, try slowly, report unhealthy until an operator acts), or RejectedError naming the
   * envelopes the far side will never take.
   */
  send(batch: readonly Envelope[], signal: AbortSignal): Promise<void>;
}

export const defineForwarder = <Config>(forwarder: Forwarder<Config>): Forwarder<Config> => forwarder;
