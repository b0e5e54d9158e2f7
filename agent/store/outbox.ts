import { severities, type Severity } from '../contract/finding.ts';
import type { CheckpointEnvelope, Envelope, IncidentEnvelope } from '../contract/forwarder.ts';
import type { Database } from './database.ts';
import type { Stored } from './failure.ts';
import { cursors, enrol } from './outbox-cursor.ts';
import { type Letters, letters } from './outbox-letters.ts';
import { type Dropped, roomKeeper } from './outbox-room.ts';
import { type OutboxView, viewOutbox } from './outbox-view.ts';

/** An envelope before the outbox has given it its place. */
export type EnvelopeDraft = Unplaced<IncidentEnvelope> | Unplaced<CheckpointEnvelope>;
type Unplaced<Whole extends Envelope> = Omit<Whole, 'sequence'>;

export interface Appended {
  /** How many were new; an id that is still here is not taken twice. */
  readonly added: number;
  /** What had to go for want of room or for its age, lowest severity first: the caller states it as `events.lost`. */
  readonly dropped: readonly Dropped[];
}

/**
 * What has not reached every sink yet. Each sink has a cursor of its own, up to which it has confirmed or refused all.
 * A sink named for the first time begins with everything still here; one no longer named holds nothing back, and goes on
 * from its cursor should it be named again. A sink that was not given to `openOutbox` is a RangeError.
 */
export interface Outbox extends OutboxView, Letters {
  readonly sinks: readonly string[];
  /** One transaction: when it says stored, all of them are on disk for good. */
  append(drafts: readonly EnvelopeDraft[]): Stored<Appended>;
  /** The newest number that was given; 0 when none was. Throws RetryableError. */
  lastSequence(): number;
  /**
   * The next in order: at least one if there is any, however large. `after`: a look ahead, beyond what is under way; it
   * finds nothing while something is to be sent again, which goes first. Throws RetryableError.
   */
  next(sink: string, maxCount: number, maxBytes: number, after?: number): readonly Envelope[];
  /**
   * The sink has all up to and with this sequence. `sent`: just these were under way, so that what an operator had sent
   * again meanwhile, which lies behind them, still waits.
   */
  confirm(sink: string, throughSequence: number, sent?: readonly number[]): Stored<void>;
  /**
   * The sink will never take these: kept as dead letters, with the reason, until age or want of room ends them.
   * Ids it does not wait for are passed over. Tells how many it buried.
   */
  bury(sink: string, ids: readonly string[], reason: string): Stored<number>;
  /** Why a try failed, for `depth()`. */
  complain(sink: string, reason: string): Stored<void>;
  /** Removes what every enabled sink has confirmed and none buried, at most `limit` rows; tells how many. */
  prune(limit?: number): Stored<number>;
}

export interface OutboxOptions {
  /** Of all envelopes as JSON; 1 GiB unless told. When it overflows, a hundredth of it is made free at once. */
  readonly maxBytes?: number;
  /** 30 days unless told. */
  readonly maxAgeMs?: number;
}

interface Row { sequence: number; id: string; bytes: number; draft: string }

/** Throws RetryableError when the disk does not let it note the sinks now. */
export function openOutbox(database: Database, sinks: readonly string[], { maxBytes = 2 ** 30, maxAgeMs = 30 * 86_400_000 }: OutboxOptions = {}): Outbox {
  enrol(database, sinks);
  const cursor = cursors(database, sinks);
  const view = viewOutbox(database);
  const room = roomKeeper(database, { maxBytes, maxAgeMs });

  const last = database.prepare('SELECT last_sequence FROM outbox_total');
  const insert = database.prepare('INSERT INTO outbox (sequence, id, severity, at, bytes, draft) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING');
  const count = database.prepare('UPDATE outbox_total SET last_sequence = ?, bytes = bytes + ?');
  const expectMore = database.prepare('UPDATE outbox_sink SET pending = pending + ?, bytes = bytes + ? WHERE enabled');
  const waiting = database.prepare(`
    SELECT sequence, id, bytes, draft FROM outbox WHERE sequence > max(:after, (SELECT cursor FROM outbox_sink WHERE name = :sink))
      AND NOT EXISTS (SELECT 1 FROM outbox_dead WHERE sink = :sink AND outbox_dead.sequence = outbox.sequence)
    ORDER BY sequence`);

  function insertAll(drafts: readonly EnvelopeDraft[]): Appended {
    const before = (last.get() as { last_sequence: number }).last_sequence;
    const at = Date.now();
    const refused = [];
    let sequence = before;
    let bytes = 0;
    for (const draft of drafts) {
      const text = JSON.stringify(draft);
      const size = Buffer.byteLength(text);
      const severity = severities.indexOf(severityOf(draft));
      if (size > room.largest) refused.push({ severity, bytes: size });
      else if (insert.run(sequence + 1, draft.id, severity, at, size, text).changes === 1) {
        sequence += 1;
        bytes += size;
      }
    }
    if (sequence > before) {
      count.run(sequence, bytes);
      expectMore.run(sequence - before, bytes);
    }
    return { added: sequence - before, dropped: room.make(refused) };
  }

  const again = database.prepare('SELECT sequence, id, bytes, draft FROM outbox JOIN outbox_again USING (sequence) WHERE sink = :sink ORDER BY sequence');

  /** What was sent again goes first and by itself: its numbers lie behind the cursor. */
  function* rowsFor(sink: string, after: number): Generator<Row> {
    let any = false;
    for (const row of again.iterate({ sink }) as Iterable<unknown> as Iterable<Row>) {
      if (after > 0) return;
      any = true;
      yield row;
    }
    if (!any) yield* waiting.iterate({ sink, after }) as Iterable<unknown> as Iterable<Row>;
  }

  function* read(sink: string, maxCount: number, maxBytes: number, after: number): Generator<Row> {
    let count = 0;
    let bytes = 0;
    for (const row of rowsFor(sink, after)) {
      count += 1;
      bytes += row.bytes;
      if (count > 1 && (count > maxCount || bytes > maxBytes)) return;
      yield row;
    }
  }

  function next(sink: string, maxCount: number, maxBytes: number, after = 0): readonly Envelope[] {
    cursor.expect(sink);
    const rows = database.read(() => [...read(sink, maxCount, maxBytes, after)]);
    const envelopes: Envelope[] = [];
    const unreadable: string[] = [];
    for (const row of rows) {
      const envelope = envelopeOf(row);
      if (envelope === null) unreadable.push(row.id); else envelopes.push(envelope);
    }
    if (unreadable.length === 0) return envelopes;
    // A row that the disk has spoilt must not hold up those behind it.
    const buried = cursor.bury(sink, unreadable, 'unreadable in the outbox');
    if (!buried.stored) throw buried.error;
    return envelopes.length > 0 ? envelopes : next(sink, maxCount, maxBytes, after);
  }

  return {
    sinks,
    ...view,
    ...letters(database, view, sinks),
    append(drafts) {
      return drafts.length === 0 ? { stored: true, value: { added: 0, dropped: [] } } : database.transaction(() => insertAll(drafts));
    },
    lastSequence: () => database.read(() => (last.get() as { last_sequence: number }).last_sequence),
    next,
    confirm: cursor.confirm,
    bury: cursor.bury,
    complain: cursor.complain,
    prune: room.prune,
  };
}

function envelopeOf({ id, sequence, draft }: Row): Envelope | null {
  try {
    const envelope: Envelope = { ...JSON.parse(draft), sequence };
    return envelope.id === id ? envelope : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Decides who goes first when there is no room. */
export function severityOf(draft: EnvelopeDraft): Severity {
  switch (draft.type) {
    case 'incident': return draft.body.severity;
    // The next one says all that this one does.
    case 'checkpoint': return 'info';
    default: return draft satisfies never;
  }
}
