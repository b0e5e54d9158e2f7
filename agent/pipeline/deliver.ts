import type { Log } from '../contract/component.ts';
import type { HeartbeatEnvelope } from '../contract/forwarder.ts';
import type { Outbox } from '../store/outbox.ts';
import { oneLine, type Pace, pace as usualPace } from './backoff.ts';
import { courier, type SinkSpec, type SinkStatus } from './courier.ts';

export interface DeliveryParts {
  readonly outbox: Outbox;
  readonly sinks: readonly SinkSpec[];
  readonly log: Log;
  readonly pace?: Pace;
}

export interface Delivery extends AsyncDisposable {
  /** The outbox has something new. */
  notify(): void;
  /** Goes to every sink, past the outbox. */
  beat(envelope: HeartbeatEnvelope): void;
  /** In the order of the sinks given. */
  status(): readonly SinkStatus[];
  /**
   * Delivers what it can in about `deadlineMs`, each failing sink getting one last try, closes the sinks and tells how
   * many envelopes each still waits for (null: the outbox could not say). They stay in the outbox.
   */
  stop(deadlineMs: number): Promise<Undelivered>;
}

export interface Undelivered { readonly undelivered: Readonly<Record<string, number | null>> }

// Delivered rows go in one sweep for all sinks: a sweep is a transaction, and a transaction waits for the disk.
const sweepMs = 1_000;
const sweepRows = 2_000;
const disposeMs = 3_000;
/** Of the time to stop in: for cutting short what hangs, and for closing. */
const closingMs = 1_000;

/** Carries the outbox to every sink, each at its own pace. The only place with batches, retry, back-off and dead letters. */
export function deliver({ outbox, sinks, log, pace = usualPace }: DeliveryParts): Delivery {
  for (const { name } of sinks) if (!outbox.sinks.includes(name)) throw new RangeError(`the outbox was not opened for sink ${name}`);
  let sweeping: NodeJS.Timeout | undefined;
  let stopped: Promise<Undelivered> | undefined;
  const sweepSoon = () => { if (stopped === undefined) sweeping ??= setTimeout(sweep, sweepMs).unref(); };
  const couriers = sinks.map(spec => courier(spec, { outbox, log, pace, moved: sweepSoon }));

  function sweep(): void {
    sweeping = undefined;
    try {
      const pruned = outbox.prune(sweepRows);
      if (!pruned.stored || pruned.value === sweepRows) sweepSoon();
    } catch (error) { log.error('delivered alerts cannot be cleared from the outbox', { reason: oneLine(error) }); }
  }

  async function end(deadlineMs: number): Promise<Undelivered> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs - Math.min(closingMs, deadlineMs / 4));
    await Promise.all(couriers.map(each => each.stop(deadline.signal)));
    clearTimeout(timer);
    clearTimeout(sweeping);
    sweep();
    return { undelivered: { ...Object.fromEntries(sinks.map(({ name }) => [name, null])), ...remaining() } };
  }

  function remaining(): Record<string, number> {
    try { return Object.fromEntries(outbox.depth().map(({ sink, pending }) => [sink, pending])); } catch (error) {
      log.warn('the outbox does not say what is left in it', { reason: oneLine(error) });
      return {};
    }
  }

  const stop = (deadlineMs: number) => stopped ??= end(deadlineMs);
  sweepSoon();
  return {
    notify() { for (const each of couriers) each.notify(); },
    beat(envelope) { for (const each of couriers) each.beat(envelope); },
    status: () => couriers.map(each => each.status()),
    stop,
    async [Symbol.asyncDispose]() { await stop(disposeMs); },
  };
}
