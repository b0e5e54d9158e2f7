import type { Component, HostIdentity, Log } from './component.ts';
import type { Incident } from './incident.ts';

/** What leaves the house. Self-contained: a receiver needs nothing else to understand it. */
export interface Envelope {
  /** Stable across retries and restarts: the receiver drops duplicates by it. */
  readonly id: string;
  /** Counts up by one per envelope of this host's outbox: a receiver sees a gap. */
  readonly sequence: number;
  readonly host: HostIdentity;
  /** Of the agent that made it. */
  readonly version: string;
  readonly type: 'incident';
  readonly body: Incident;
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
