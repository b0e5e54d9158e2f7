import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../contract/component.ts';
import { RejectedError, RetryableError } from '../contract/errors.ts';
import type { Envelope, HeartbeatEnvelope, Sink } from '../contract/forwarder.ts';
import type { Stored } from '../store/failure.ts';
import type { Outbox } from '../store/outbox.ts';
import { type Failure, failureOf, oneLine, type Pace, waitMs } from './backoff.ts';
import { bell, limited, pause } from './patience.ts';

/** One sink as the composition root describes it. */
export interface SinkSpec {
  /** As in the outbox. */
  readonly name: string;
  /** Failing is like a failing send. Called again after a sink has hung or shown a bug. */
  open(): Promise<Sink>;
  /** 500 and 1 MiB of JSON unless told; one envelope goes alone, however large. */
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  /** 30 s unless told: then the signal is aborted, and soon after the sink given up. Also the limit for `open`. */
  readonly sendTimeoutMs?: number;
}

export interface SinkStatus {
  readonly sink: string;
  readonly state: 'starting' | 'healthy' | Failure['state'];
  /** Null while all is well. */
  readonly reason: string | null;
  /** Failed in a row. */
  readonly tries: number;
  /** Envelopes handed over and not answered for. */
  readonly inFlight: number;
  /** Since the start. */
  readonly delivered: number;
  readonly buried: number;
  /** When it last took a heartbeat, epoch milliseconds. */
  readonly beatAt: number | null;
}

export interface CourierParts {
  readonly outbox: Outbox;
  readonly log: Log;
  readonly pace: Pace;
  /** Its cursor has moved. */
  moved(): void;
}

export interface Courier {
  /** There may be something new. Does not cut a back-off short. */
  notify(): void;
  /** Carries it behind what waits. One that has not arrived gives way to the next: only the newest says anything. */
  beat(envelope: HeartbeatEnvelope): void;
  status(): SinkStatus;
  /** Delivers what it can until `deadline`, one last try included, and closes the sink. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** What the far side has answered and the outbox has not yet noted. */
interface Owed {
  readonly sent: readonly number[];
  readonly refused: { readonly ids: readonly string[]; readonly reason: string } | null;
}

/** A sink that has not heeded an aborted signal by then is given up. */
const graceMs = 2_000;
const closeMs = 500;
/** Prepared in one turn of the event loop. */
const atOnce = 50;

/**
 * Carries the outbox to one sink: a batch at a time, in order, for ever. It shares nothing with other couriers but the
 * outbox, and gives the event loop a turn between any two batches.
 */
export function courier({ name, open, maxRecords = 500, maxBytes = 2 ** 20, sendTimeoutMs = 30_000 }: SinkSpec, { outbox, log, pace, moved }: CourierParts): Courier {
  const work = bell();
  const stopping = new AbortController();
  const out = new AbortController();
  let health: Pick<SinkStatus, 'state' | 'reason' | 'tries'> = { state: 'starting', reason: null, tries: 0 };
  let inFlight = 0;
  let delivered = 0;
  let buried = 0;
  let sink: Sink | undefined;
  let owed: Owed | null = null;
  let beat: HeartbeatEnvelope | null = null;
  let beatAt: number | null = null;
  let isBeatFailing = false;
  let isBeatRefused = false;
  let ahead: readonly Envelope[] = [];
  let beatTries = 0;
  // Of the clock that nobody sets.
  let beatDue = Number.NEGATIVE_INFINITY;

  async function run(): Promise<void> {
    // Without those of heartbeats: alerts begin their own back-off.
    let tries = 0;
    while (!out.signal.aborted) {
      try {
        const carried = await round();
        tries = 0;
        if (carried || !isBeatFailing) succeeded();
        await pulse();
        if (carried) await nextTurn();
        else if (stopping.signal.aborted) return;
        else await work.heard();
      } catch (error) {
        const failure = failureOf(error);
        failed(failure);
        tries += 1;
        if (stopping.signal.aborted) return;
        await pause(waitMs(failure, tries, pace), stopping.signal);
      }
    }
  }

  /** False when there was nothing to carry. */
  async function round(): Promise<boolean> {
    settle();
    sink ??= await opened();
    const batch = ahead.length > 0 ? ahead : outbox.next(name, maxRecords, maxBytes);
    ahead = [];
    const last = batch.at(-1);
    if (last === undefined) return false;
    const [refused, following] = await Promise.all([handOver(sink, batch), lookAhead(sink, last.sequence)]);
    owed = { sent: batch.map(({ sequence }) => sequence), refused };
    ahead = following;
    settle();
    return true;
  }

  /** What follows is read while the far side is waited for. It is only kept when that answers. */
  async function lookAhead(sink: Sink, after: number): Promise<readonly Envelope[]> {
    try {
      // The sending gets going first.
      await nextTurn();
      const following = outbox.next(name, maxRecords, maxBytes, after);
      for (let at = 0; at < following.length && !out.signal.aborted; at += atOnce) {
        sink.prepare?.(following.slice(at, at + atOnce));
        await nextTurn();
      }
      return following;
    } catch {
      // Whatever it is, whoever reads it in its turn meets it again and tells.
      return [];
    }
  }

  /** An answer is never asked for twice: while the disk refuses to note it, nothing is sent. */
  function settle(): void {
    if (owed === null) return;
    const { sent, refused } = owed;
    if (refused !== null) {
      const dead = demand(outbox.bury(name, refused.ids, refused.reason));
      if (dead > 0) log.error('a sink will never take these alerts: kept as dead letters', { sink: name, count: dead, reason: refused.reason });
      buried += dead;
    }
    demand(outbox.confirm(name, sent.at(-1) ?? 0, sent));
    owed = null;
    delivered += sent.length - (refused?.ids.length ?? 0);
    moved();
  }

  /** A heartbeat costs alerts no back-off: it has one of its own, gives way to a stop, and its failure is told. */
  async function pulse(): Promise<void> {
    const sent = beat;
    if (sent === null || sink === undefined || stopping.signal.aborted || performance.now() < beatDue) return;
    const to = sink;
    try {
      await limited(signal => to.send([sent], signal), { ms: sendTimeoutMs, graceMs, cancel: AbortSignal.any([out.signal, stopping.signal]), abandoned: discard });
      beatAt = Date.now();
      answered();
    } catch (error) {
      if (error instanceof RejectedError) refused(error);
      else {
        // Its end is ours, and says nothing of the sink.
        if (stopping.signal.aborted) return;
        isBeatFailing = true;
        const failure = failureOf(error);
        failed(failure);
        // What asks to be tried again is, when it may be; for all else the next heartbeat is early enough.
        if (error instanceof RetryableError) { again(failure); return; }
      }
    }
    if (beat === sent) beat = null;
  }

  /** Whatever it said: it is there. */
  function answered(): void {
    if (isBeatFailing) succeeded();
    isBeatFailing = false;
    beatTries = 0;
  }

  function again(failure: Failure): void {
    beatTries += 1;
    const ms = waitMs(failure, beatTries, pace);
    beatDue = performance.now() + ms;
    setTimeout(work.ring, Math.ceil(ms) + 1).unref();
  }

  /** It takes alerts all the same. */
  function refused(error: RejectedError): void {
    answered();
    if (!isBeatRefused) log.warn('a sink refuses heartbeats', { sink: name, reason: oneLine(error) });
    isBeatRefused = true;
  }

  const opened = (): Promise<Sink> => limited(() => open(), {
    ms: sendTimeoutMs, graceMs: 0, cancel: out.signal,
    abandoned(late) { late.then(close, () => { /* Given up already; the failure that counts was the silence. */ }); },
  });

  async function handOver(sink: Sink, batch: readonly Envelope[]): Promise<Owed['refused']> {
    inFlight = batch.length;
    try {
      await limited(signal => sink.send(batch, signal), { ms: sendTimeoutMs, graceMs, cancel: out.signal, abandoned: discard });
      return null;
    } catch (error) {
      const ids = error instanceof RejectedError ? batch.map(({ id }) => id).filter(id => error.ids.includes(id)) : [];
      // Naming nothing we sent, it does not say what became of the batch.
      if (ids.length === 0) throw error;
      return { ids, reason: oneLine(error) };
    } finally { inFlight = 0; }
  }

  function succeeded(): void {
    const { state, tries } = health;
    health = { state: 'healthy', reason: null, tries: 0 };
    if (state !== 'healthy' && state !== 'starting') log.info('a sink takes alerts again', { sink: name, tries });
  }

  function failed({ state, reason }: Failure): void {
    const before = health;
    health = { state, reason, tries: before.tries + 1 };
    if (state !== before.state) {
      if (state === 'faulty') log.error('delivery met a bug; its alerts wait', { sink: name, reason });
      else log.warn('a sink takes no alerts; they wait', { sink: name, state, reason });
    }
    // A new object has not got into whatever state this one is in.
    if (state === 'faulty') discard();
    if (reason !== before.reason) complain(reason);
  }

  /** Only for the eye of `status`: when the outbox cannot take it either, that is told by what waits for it. */
  function complain(reason: string): void {
    try { outbox.complain(name, reason); } catch (error) { log.error('the outbox is not usable', { sink: name, reason: oneLine(error) }); }
  }

  function discard(): void {
    if (sink !== undefined) void close(sink);
    sink = undefined;
  }

  async function close(sink: Sink): Promise<void> {
    try {
      await limited(async () => sink[Symbol.asyncDispose](), { ms: closeMs, graceMs: 0, cancel: new AbortController().signal, abandoned() {} });
    } catch (error) { log.warn('a sink did not close in order', { sink: name, reason: oneLine(error) }); }
  }

  const ended = run();
  return {
    notify: work.ring,
    beat(envelope) {
      beat = envelope;
      // Its interval is pace enough for the first try.
      beatDue = Number.NEGATIVE_INFINITY;
      work.ring();
    },
    status: () => ({ sink: name, ...health, inFlight, delivered, buried, beatAt }),
    async stop(deadline) {
      stopping.abort();
      work.ring();
      const end = () => out.abort();
      if (deadline.aborted) end(); else deadline.addEventListener('abort', end, { once: true });
      await ended;
      deadline.removeEventListener('abort', end);
      if (sink !== undefined) await close(sink);
      sink = undefined;
    },
  };
}

function demand<T>(stored: Stored<T>): T {
  if (!stored.stored) throw stored.error;
  return stored.value;
}
