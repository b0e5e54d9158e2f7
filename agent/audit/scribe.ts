import type { Log } from '../contract/component.ts';
import { RetryableError } from '../contract/errors.ts';
import type { Event } from '../contract/event.ts';
import { storeFailure } from '../store/failure.ts';
import type { Checkpoint } from './checkpoint.ts';
import { createClock } from './clock.ts';
import { type AuditRecord, timeText } from './entry.ts';
import { type Notices, takeNotices } from './notices.ts';
import { createObserver } from './observer.ts';
import type { Broken, Trail } from './trail.ts';

export interface ScribeOptions {
  readonly directory: string;
  readonly checkpointMs: number;
  readonly retentionMs: number;
  readonly log: Log;
  /** Opens the trail, again after it had to be given up. */
  open(): Trail;
  /** A checkpoint that must leave the host. */
  signed(checkpoint: Checkpoint): void;
  /** The trail cannot be written; null when it can again. */
  failed(reason: string | null): void;
  broke(broken: Broken): void;
}

/**
 * Carries what the agent sees into the trail: records wait in memory for at most a second, and longer only while the
 * disk refuses them. Beyond 5,000 they are counted, and the count becomes a record as soon as one can be written.
 */
export interface Scribe extends Disposable {
  see(event: Event): void;
  write(...records: readonly AuditRecord[]): void;
  /** Does what is due. */
  tick(): void;
  /** Puts all that waits on disk; false when the disk refuses. `urgent`: a checkpoint follows within about a second. */
  flush(urgent?: boolean): boolean;
  /** The same, and signs it at once. */
  seal(): void;
  readonly failure: string | null;
  readonly waiting: number;
  /** Null while the trail cannot be used. */
  readonly head: Pick<Trail, 'epoch' | 'size'> | null;
}

const mostWaiting = 5_000;
const flushMs = 1_000;
const noticeMs = 5_000;
const expireMs = 3_600_000;

/** Opens the trail at once; throws ConfigError when it cannot be used at all. A disk that refuses now is asked again. */
export function createScribe({ directory, checkpointMs, retentionMs, log, open, signed, failed, broke }: ScribeOptions): Scribe {
  const observer = createObserver();
  const clock = createClock();
  const due = { flush: clock.every(flushMs), notices: clock.every(noticeMs), checkpoint: clock.every(checkpointMs), hurry: clock.every(flushMs), expire: clock.every(expireMs) };
  let trail: Trail | null = null;
  let waiting: AuditRecord[] = [];
  let missed = { records: 0, since: 0 };
  let failure: string | null = null;
  let signedNote = '';
  let keptDay = '';
  let hurried = false;
  let unnoticed = false;

  /** False when it could not be done now. A trail that failed in any way but for want of room is opened anew. */
  function attempt(work: (trail: Trail) => void): boolean {
    try {
      trail ??= open();
      work(trail);
      recovered();
      return true;
    } catch (error) {
      const reason = storeFailure(error, directory);
      if (!(reason instanceof RetryableError)) giveUp();
      refused(reason);
      return false;
    } finally {
      for (const broken of trail?.takeBroken() ?? []) broke(broken);
    }
  }

  function giveUp(): void {
    const old = trail;
    trail = null;
    try { old?.[Symbol.dispose](); } catch (error) { log.warn('the audit trail did not close in order', { error }); }
  }

  function refused(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (failure === null) {
      log.error('the audit trail cannot be written; records wait in memory until it can', { reason, waiting: waiting.length });
      failed(reason);
    }
    failure = reason;
  }

  function recovered(): void {
    if (failure === null) return;
    log.warn('the audit trail is written again', { waiting: waiting.length, missed: missed.records });
    const reason = failure;
    failure = null;
    failed(null);
    if (missed.records === 0) return;
    waiting.push({ action: 'trail.gap', at: Date.now(), actor: 'agent', object: 'trail', outcome: 'not written', detail: { records: missed.records, since: timeText(missed.since), reason } });
    missed = { records: 0, since: 0 };
  }

  function write(...records: readonly AuditRecord[]): void {
    for (const record of records) {
      if (waiting.length < mostWaiting) waiting.push(record);
      else missed = { records: missed.records + 1, since: missed.since || record.at };
    }
  }

  function append(last = false): boolean {
    write(...observer.losses());
    return attempt(trail => {
      const notices = last || due.notices() ? noticed() : null;
      const queue = waiting;
      if (queue.length > 0 || notices?.records.length) trail.append([...queue, ...notices?.records ?? []], count => { waiting = queue.slice(count); });
      notices?.taken();
    });
  }

  /** That nobody can tell who reads the trail must not keep the trail from being written. */
  function noticed(): Notices | null {
    try { return takeNotices(directory); } catch (error) {
      if (!unnoticed) log.error('who reads the audit trail cannot be recorded', { error });
      unnoticed = true;
      return null;
    }
  }

  function sign(): void {
    attempt(trail => {
      const today = timeText(Date.now()).slice(0, 10);
      const checkpoint = trail.sign(today !== keptDay);
      keptDay = today;
      hurried = false;
      if (checkpoint.note === signedNote) return;
      signedNote = checkpoint.note;
      signed(checkpoint);
    });
  }

  function expire(): void {
    attempt(trail => {
      const removed = trail.expire(clock.now() - retentionMs);
      if (removed > 0) log.info('old records left the audit trail', { records: removed });
    });
  }

  try { trail = open(); } catch (error) {
    const reason = storeFailure(error, directory);
    if (!(reason instanceof RetryableError)) throw reason;
    refused(reason);
  }
  return {
    see(event) { write(...observer.see(event)); },
    write,
    tick() {
      const jumpedMs = clock.jump();
      if (jumpedMs !== 0) write({ action: 'clock.jumped', at: Date.now(), actor: 'agent', object: 'clock', outcome: jumpedMs > 0 ? 'forward' : 'back', detail: { byMs: jumpedMs } });
      if (due.flush()) append();
      if (failure !== null) return;
      if (due.checkpoint() || (hurried && due.hurry())) sign();
      if (due.expire()) expire();
    },
    flush(urgent = false) {
      hurried ||= urgent;
      return append();
    },
    seal() { if (append(true)) sign(); },
    get failure() { return failure; },
    get waiting() { return waiting.length; },
    get head() { return trail && { epoch: trail.epoch, size: trail.size }; },
    [Symbol.dispose]() {
      if (append()) sign();
      giveUp();
    },
  };
}
