import { type Severity, severities } from '../contract/finding.ts';
import type { Reader } from './database.ts';

/** How far one sink has come. Times in epoch milliseconds. */
export interface Depth {
  readonly sink: string;
  /** Envelopes it still waits for, and their bytes as JSON. */
  readonly pending: number;
  readonly bytes: number;
  /** When the oldest of them came in. */
  readonly oldestAt: number | null;
  readonly dead: number;
  readonly lastSuccessAt: number | null;
  /** Stays after a success: compare the times. */
  readonly lastError: { readonly at: number; readonly reason: string } | null;
}

/** One envelope as one sink sees it. */
export interface Entry {
  readonly sink: string;
  readonly state: 'pending' | 'dead';
  readonly sequence: number;
  readonly id: string;
  readonly severity: Severity;
  readonly at: number;
  readonly bytes: number;
  /** The incident's title; null when the row cannot be read. */
  readonly title: string | null;
  /** Of a dead letter: why and when it was buried. */
  readonly buried: { readonly at: number; readonly reason: string } | null;
}

export interface Filter {
  readonly sink?: string | undefined;
  readonly state?: Entry['state'] | undefined;
  /** And above. */
  readonly severity?: Severity | undefined;
  /** Came in before, epoch milliseconds. */
  readonly before?: number | undefined;
  /** Only these. */
  readonly ids?: readonly string[] | undefined;
  /** At most this many, oldest first; 1,000 unless told. */
  readonly limit?: number;
}

export interface OutboxView {
  /** For each enabled sink, by name. Throws RetryableError. */
  depth(): readonly Depth[];
  /** What has not reached an enabled sink, in order. Throws RetryableError. */
  list(filter?: Filter): readonly Entry[];
  /** One envelope whole; null when it is not here, or cannot be read. Throws RetryableError. */
  draft(id: string): unknown;
}

interface SinkRow { name: string; cursor: number; pending: number; bytes: number; last_success_at: number | null; last_error: string | null; last_error_at: number | null }
interface EntryRow { sink: string; sequence: number; id: string; severity: number; at: number; bytes: number; title: string | null; reason: string | null; buried_at: number | null }

/** The outbox for the eye: reads only, so it also serves another process while the agent runs. */
export function viewOutbox(reader: Reader): OutboxView {
  const sinks = reader.prepare('SELECT name, cursor, pending, bytes, last_success_at, last_error, last_error_at FROM outbox_sink WHERE enabled ORDER BY name');
  const oldest = reader.prepare(`
    SELECT min(at) AS at FROM (
      SELECT * FROM (SELECT at FROM outbox WHERE sequence > :cursor
        AND NOT EXISTS (SELECT 1 FROM outbox_dead WHERE sink = :sink AND outbox_dead.sequence = outbox.sequence)
        ORDER BY sequence LIMIT 1)
      UNION ALL SELECT at FROM outbox JOIN outbox_again USING (sequence) WHERE sink = :sink)`);
  const dead = reader.prepare("SELECT count(*) AS count FROM outbox_dead WHERE sink = ? AND reason <> ''");
  const entries = reader.prepare(`
    SELECT name AS sink, outbox.sequence, id, severity, outbox.at, outbox.bytes, reason, outbox_dead.at AS buried_at,
      CASE WHEN json_valid(draft) THEN draft ->> '$.body.title' END AS title
    FROM outbox JOIN outbox_sink LEFT JOIN outbox_dead ON sink = name AND outbox_dead.sequence = outbox.sequence
    WHERE enabled AND (reason IS NULL OR reason <> '') AND (reason IS NOT NULL OR outbox.sequence > cursor OR EXISTS (SELECT 1 FROM outbox_again WHERE sink = name AND outbox_again.sequence = outbox.sequence))
      AND (:sink IS NULL OR name = :sink)
      AND (:state IS NULL OR (reason IS NOT NULL) = (:state = 'dead'))
      AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
      AND severity >= :severity AND (:before IS NULL OR outbox.at < :before)
    ORDER BY outbox.sequence, name LIMIT :limit`);

  const whole = reader.prepare('SELECT draft FROM outbox WHERE id = ? AND json_valid(draft)');

  const depthOf = (row: SinkRow): Depth => ({
    sink: row.name, pending: row.pending, bytes: row.bytes,
    oldestAt: (oldest.get({ sink: row.name, cursor: row.cursor }) as { at: number | null }).at,
    dead: (dead.get(row.name) as { count: number } | undefined)?.count ?? 0,
    lastSuccessAt: row.last_success_at,
    lastError: row.last_error === null ? null : { at: row.last_error_at ?? 0, reason: row.last_error },
  });

  return {
    draft: id => reader.read(() => {
      const row = whole.get(id);
      return row === undefined ? null : JSON.parse(String(row['draft']));
    }),
    depth: () => reader.read(() => (sinks.all() as unknown as SinkRow[]).map(depthOf)),
    list: ({ sink, state, severity = 'info', before, ids, limit = 1_000 } = {}) => reader.read(() => (entries.all({
      sink: sink ?? null, state: state ?? null, severity: severities.indexOf(severity), before: before ?? null, ids: ids ? JSON.stringify(ids) : null, limit,
    }) as unknown as EntryRow[]).map(entryOf)),
  };
}

function entryOf(row: EntryRow): Entry {
  const { sink, sequence, id, at, bytes, title, reason, buried_at } = row;
  return {
    sink, state: reason === null ? 'pending' : 'dead', sequence, id, severity: severities[row.severity] ?? 'critical', at, bytes, title,
    buried: reason === null ? null : { at: buried_at ?? 0, reason },
  };
}
