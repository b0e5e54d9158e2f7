import type { Component, HostIdentity, Log } from './component.ts';
import type { Incident } from './incident.ts';

/** What leaves the house. Self-contained: a receiver needs nothing else to understand it. */
export type Envelope = IncidentEnvelope | CheckpointEnvelope;

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

interface Sealed {
  /** Stable across retries and restarts: the receiver drops duplicates by it. */
  readonly id: string;
  /** Counts up by one per envelope of this host's outbox: a receiver sees a gap. */
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
   * Resolves when the far side has all of it for good. Otherwise throws: RetryableError (keep, try later),
   * MisconfiguredError (keep, try slowly, report unhealthy until an operator acts), or RejectedError naming the
   * envelopes the far side will never take.
   */
  send(batch: readonly Envelope[], signal: AbortSignal): Promise<void>;
}

export const defineForwarder = <Config>(forwarder: Forwarder<Config>): Forwarder<Config> => forwarder;
