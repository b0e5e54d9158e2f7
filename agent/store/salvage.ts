import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type Severity, severities } from '../contract/finding.ts';
import { isUnfit, isUnreadable, storeFailure } from './failure.ts';
import { readTable, type Table, tableOf, type Taker } from './salvage-table.ts';
import type { Wreck } from './wreck.ts';

/** What came over from a damaged file. Counts are rows; null: some, and nobody knows how many. */
export interface Salvage {
  readonly saved: number;
  readonly lost: number | null;
  /** Of those, alerts that had not reached every sink, as far as their loss is known by severity. */
  readonly alerts: { readonly saved: number; readonly lost: Readonly<Partial<Record<Severity, number>>> | null };
}

/** In this order: what other rows refer to comes first, and alerts before what is only remembered. */
const tables = ['outbox_total', 'outbox_sink', 'outbox', 'outbox_dead', 'outbox_again', 'note', 'correlation', 'incident', 'memory', 'artifact'] as const;
type Name = (typeof tables)[number];

/** What a row must be beyond what its table demands. */
const conditions: Partial<Record<Name, string>> = {
  outbox_total: 'last_sequence <= 4503599627370496',
  outbox: "CASE WHEN json_valid(draft) THEN draft ->> '$.id' = id END",
  correlation: 'json_valid(value)', incident: 'json_valid(body)', artifact: 'json_valid(record)',
};

const rowsAtOnce = 1_000;

/**
 * Brings every row that can be read into `fresh`, a new file, in at most `budgetMs`. Envelopes keep their sequence, sinks
 * their cursor; a cursor that the file itself does not bear out is begun anew: rather twice than never.
 * Throws RetryableError when the disk refuses.
 */
export function salvage(wreck: Wreck, fresh: DatabaseSync, path: string, budgetMs: number): Salvage {
  const deadline = performance.now() + budgetMs;
  const late = () => performance.now() > deadline;
  try {
    const counts = new Map(tables.map(name => [name, rescue(wreck.sqlite, fresh, name, path, late)]));
    settle(fresh);
    const of = (name: Name) => counts.get(name) ?? { saved: 0, lost: null };
    const lost = [...counts.values()].map(each => each.lost);
    return {
      saved: [...counts.values()].reduce((sum, each) => sum + each.saved, 0),
      lost: lost.every(each => each !== null) ? lost.reduce((sum, each) => sum + each, 0) : null,
      alerts: { saved: of('outbox').saved, lost: of('outbox').lost === 0 ? {} : alertsLost(wreck.sqlite, fresh, of('outbox').lost) },
    };
  } catch (error) { throw storeFailure(error, path); }
}

interface Count { readonly saved: number; readonly lost: number | null }

function rescue(wreck: DatabaseSync, fresh: DatabaseSync, name: Name, path: string, late: () => boolean): Count {
  if (isOlderThan(wreck, name)) return { saved: 0, lost: 0 };
  const table = tableOf(fresh, name);
  // The one row that a new file has already.
  if (name === 'outbox_total') fresh.exec('DELETE FROM outbox_total');
  const taker = takerOf(fresh, table, name, path, late);
  fresh.exec('BEGIN IMMEDIATE');
  try {
    const reach = readTable(wreck, table, taker, lastSequence(fresh));
    fresh.exec('COMMIT');
    if (reach.whole) return { saved: taker.saved, lost: taker.refused };
    return { saved: taker.saved, lost: reach.known === null ? null : Math.max(0, reach.known - taker.saved) };
  } finally { if (fresh.isTransaction) fresh.exec('ROLLBACK'); }
}

/** Whether the file was written before there was this table. */
const isOlderThan = (wreck: DatabaseSync, name: Name): boolean =>
  wreck.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) === undefined;

function takerOf(fresh: DatabaseSync, { columns, key }: Table, name: Name, path: string, late: () => boolean): Taker & { readonly saved: number; readonly refused: number } {
  const names = columns.map(column => `"${column}"`).join(', ');
  const values = `SELECT ${columns.map(column => `? AS "${column}"`).join(', ')}`;
  const insert = fresh.prepare(`INSERT INTO "${name}" (${names}) SELECT * FROM (${values}) WHERE ${conditions[name] ?? 'TRUE'}`);
  const known = fresh.prepare(`SELECT 1 FROM "${name}" WHERE ${key.map(each => `${each} = ?`).join(' AND ')}`);
  let saved = 0;
  let refused = 0;
  let sinceCommit = 0;
  return {
    get saved() { return saved; },
    get refused() { return refused; },
    put(row) {
      if (inserted(insert, columns.map(column => row[column] ?? null), path)) saved += 1; else refused += 1;
      sinceCommit += 1;
      if (sinceCommit < rowsAtOnce) return;
      sinceCommit = 0;
      fresh.exec('COMMIT; BEGIN IMMEDIATE');
    },
    has: values => known.get(...values) !== undefined,
    late,
  };
}

function inserted(insert: StatementSync, values: SQLInputValue[], path: string): boolean {
  try { return insert.run(...values).changes === 1; } catch (error) {
    if (isUnfit(error)) return false;
    // Not the damaged file's fault, and not to be taken for it.
    throw storeFailure(error, path);
  }
}

const lastSequence = (fresh: DatabaseSync): bigint => BigInt(Number(fresh.prepare('SELECT max(last_sequence) AS last FROM outbox_total').get()?.['last'] ?? 0));

/** What is counted anew when the outbox is opened is left to that. */
function settle(fresh: DatabaseSync): void {
  fresh.exec(`
    BEGIN IMMEDIATE;
    UPDATE outbox_sink SET cursor = 0 WHERE cursor > coalesce((SELECT last_sequence FROM outbox_total), (SELECT max(sequence) FROM outbox), 0);
    INSERT INTO outbox_total (one, last_sequence, bytes) SELECT 1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM outbox_total);
    UPDATE outbox_total SET last_sequence = max(last_sequence, (SELECT coalesce(max(sequence), 0) FROM outbox));
    COMMIT`);
}

/** By severity, where its index still tells of all that there was. */
function alertsLost(wreck: DatabaseSync, fresh: DatabaseSync, lost: number | null): Salvage['alerts']['lost'] {
  if (lost === null) return null;
  const count = (sqlite: DatabaseSync) => new Map(sqlite.prepare('SELECT severity, count(*) AS count FROM outbox INDEXED BY outbox_by_severity GROUP BY severity').all().map(row => [Number(row['severity']), Number(row['count'])]));
  try {
    const [before, after] = [count(wreck), count(fresh)];
    const told = severities.flatMap((severity, rank): [Severity, number][] => {
      const gone = (before.get(rank) ?? 0) - (after.get(rank) ?? 0);
      return gone > 0 ? [[severity, gone]] : [];
    });
    return told.reduce((sum, [, gone]) => sum + gone, 0) === lost ? Object.fromEntries(told) : null;
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

