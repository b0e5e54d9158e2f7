import { type Severity, severities } from '../contract/finding.ts';
import type { Database } from './database.ts';
import type { Stored } from './failure.ts';

/** Gone before every sink had it (or, as a dead letter, before anyone could have it sent again). */
export interface Dropped {
  readonly severity: Severity;
  readonly count: number;
  readonly bytes: number;
}

/** `severity`: where it stands among `severities`, 'info' is 0. */
interface Gone { readonly severity: number; readonly bytes: number }
interface Row extends Gone { readonly sequence: number }

interface RoomKeeper {
  /** More in one envelope is refused: it must not push out all others. */
  readonly largest: number;
  /** Makes room and tells what it cost, together with what was refused. Only inside a transaction. */
  make(refused: readonly Gone[]): readonly Dropped[];
  prune(limit?: number): Stored<number>;
}

// Dropping is told, what is told becomes an alert, and that needs room again: so it makes more room than it must.
const slack = 0.01;
const pruneStep = 2_000;
const agedStep = 5_000;
// Pages of 4 KiB given back to the file system at a time, and how many may lie idle.
const vacuumStep = 500;
const idlePages = 1_000;

/** Keeps the outbox within its bounds: delivered rows go for nothing, then the oldest of the lowest severity. */
export function roomKeeper(database: Database, { maxBytes, maxAgeMs }: { readonly maxBytes: number; readonly maxAgeMs: number }): RoomKeeper {
  const common = database.prepare(`
    SELECT coalesce((SELECT min(cursor) FROM outbox_sink WHERE enabled), last_sequence) AS through, bytes FROM outbox_total`);
  const remove = database.prepare(`
    DELETE FROM outbox WHERE sequence IN (
      SELECT sequence FROM outbox WHERE sequence > :after AND sequence <= :through AND NOT EXISTS (
        SELECT 1 FROM outbox_dead JOIN outbox_sink ON name = sink WHERE enabled AND reason <> '' AND outbox_dead.sequence = outbox.sequence)
        AND NOT EXISTS (SELECT 1 FROM outbox_again JOIN outbox_sink ON name = sink WHERE enabled AND outbox_again.sequence = outbox.sequence)
      ORDER BY sequence LIMIT :limit)
    RETURNING sequence, bytes`);
  const release = database.prepare('UPDATE outbox_total SET bytes = bytes - ?');
  const first = database.prepare('SELECT at FROM outbox ORDER BY sequence LIMIT 1');
  const aged = database.prepare(`
    SELECT sequence, severity, bytes FROM outbox
    WHERE sequence < coalesce((SELECT sequence FROM outbox WHERE at >= :since ORDER BY sequence LIMIT 1), 9e15)
    ORDER BY sequence LIMIT :limit`);
  const least = database.prepare('SELECT sequence, severity, bytes FROM outbox ORDER BY severity, sequence');
  const forgo = database.prepare(`
    UPDATE outbox_sink SET pending = pending - 1, bytes = bytes - :bytes
    WHERE enabled AND ((cursor < :sequence AND NOT EXISTS (SELECT 1 FROM outbox_dead WHERE sink = name AND sequence = :sequence))
      OR EXISTS (SELECT 1 FROM outbox_again WHERE sink = name AND sequence = :sequence))`);
  const drop = database.prepare('DELETE FROM outbox WHERE sequence = ?');
  const freePages = database.prepare('PRAGMA freelist_count');
  const vacuum = database.prepare(`PRAGMA incremental_vacuum(${vacuumStep})`);

  const clock = patientClock();
  const state = () => common.get() as { through: number; bytes: number };
  // Rows up to here are dead letters that stay; looking past them keeps pruning cheap.
  let prunedThrough = 0;

  function removeDelivered(limit: number): { readonly count: number; readonly through: number } {
    const { through } = state();
    const gone = remove.all({ after: prunedThrough, through, limit }) as unknown as Row[];
    if (gone.length > 0) release.run(gone.reduce((sum, row) => sum + row.bytes, 0));
    return { count: gone.length, through: gone.length === limit ? Math.max(...gone.map(row => row.sequence)) : through };
  }

  /** The oldest of the lowest severity, until so many bytes are free. */
  function cheapest(excess: number): readonly Row[] {
    const rows: Row[] = [];
    let missing = excess;
    for (const row of least.iterate() as Iterable<unknown> as Iterable<Row>) {
      rows.push(row);
      missing -= row.bytes;
      if (missing <= 0) break;
    }
    return rows;
  }

  function dropAll(rows: readonly Row[]): readonly Row[] {
    for (const { sequence, bytes } of rows) {
      forgo.run({ sequence, bytes });
      drop.run(sequence);
      release.run(bytes);
    }
    return rows;
  }

  return {
    largest: maxBytes / 10,
    make(refused) {
      const since = clock() - maxAgeMs;
      const oldest = first.get() as { at: number } | undefined;
      if ((oldest?.at ?? Infinity) >= since && state().bytes <= maxBytes) return summary(refused);
      removeDelivered(-1);
      const old = dropAll(aged.all({ since, limit: agedStep }) as unknown as Row[]);
      const { bytes } = state();
      const cheap = dropAll(bytes > maxBytes ? cheapest(bytes - maxBytes * (1 - slack)) : []);
      return summary([...refused, ...old, ...cheap]);
    },
    prune(limit = pruneStep) {
      const pruned = database.makingRoom(() => {
        const removed = removeDelivered(limit);
        if ((freePages.get() as { freelist_count: number }).freelist_count > idlePages) vacuum.all();
        return removed;
      });
      if (!pruned.stored) return pruned;
      prunedThrough = pruned.value.through;
      return { stored: true, value: pruned.value.count };
    },
  };
}

function summary(gone: readonly Gone[]): readonly Dropped[] {
  return severities.flatMap((severity, rank) => {
    const those = gone.filter(row => row.severity === rank);
    return those.length === 0 ? [] : [{ severity, count: those.length, bytes: those.reduce((sum, row) => sum + row.bytes, 0) }];
  });
}

/** The wall clock, but a step forward while we run ages nothing: what it jumps over did not pass. */
function patientClock(): () => number {
  const wall = Date.now();
  const steady = performance.now();
  return () => Math.min(Date.now(), wall + performance.now() - steady);
}
