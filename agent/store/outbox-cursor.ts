import { escapeText } from '../contract/text.ts';
import type { Database } from './database.ts';
import type { Stored } from './failure.ts';

const maxReason = 1_000;

/** What `sink` waits for beyond its cursor, as a condition on a row of `outbox`. */
const ahead = `outbox.sequence > outbox_sink.cursor
  AND NOT EXISTS (SELECT 1 FROM outbox_dead WHERE sink = outbox_sink.name AND outbox_dead.sequence = outbox.sequence)`;
/** All that it waits for: what was sent again lies behind the cursor. */
const awaited = `((${ahead}) OR EXISTS (SELECT 1 FROM outbox_again WHERE sink = outbox_sink.name AND outbox_again.sequence = outbox.sequence))`;

/** What was sent again and has arrived: of all up to `:through`, those of `:sent` where that is told. */
const settled = `sequence <= :through AND (:sent IS NULL OR sequence IN (SELECT value FROM json_each(:sent)))`;

/** Notes which sinks count from now on, and counts anew what each waits for. Writes nothing when all is as it was. */
export function enrol(database: Database, sinks: readonly string[]): void {
  if (new Set(sinks).size !== sinks.length) throw new RangeError(`a sink is named twice: ${sinks.join(', ')}`);
  const retire = database.prepare('UPDATE outbox_sink SET enabled = 0 WHERE enabled AND name NOT IN (SELECT value FROM json_each(?))');
  const enable = database.prepare(`
    INSERT INTO outbox_sink (name, enabled, cursor, pending, bytes) VALUES (?, 1, 0, 0, 0)
    ON CONFLICT (name) DO UPDATE SET enabled = 1 WHERE NOT enabled`);
  const recount = database.prepare(`
    UPDATE outbox_sink SET pending = found.count, bytes = found.bytes
    FROM (SELECT name, count(outbox.sequence) AS count, coalesce(sum(outbox.bytes), 0) AS bytes
          FROM outbox_sink LEFT JOIN outbox ON ${awaited} GROUP BY name) AS found
    WHERE outbox_sink.enabled AND found.name = outbox_sink.name AND (outbox_sink.pending, outbox_sink.bytes) IS NOT (found.count, found.bytes)`);
  const total = database.prepare(`
    UPDATE outbox_total SET bytes = found.bytes, last_sequence = max(last_sequence, found.last)
    FROM (SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(max(sequence), 0) AS last FROM outbox) AS found
    WHERE outbox_total.bytes <> found.bytes OR last_sequence < found.last`);

  const enrolled = database.transaction(() => {
    retire.run(JSON.stringify(sinks));
    for (const sink of sinks) enable.run(sink);
    recount.run();
    total.run();
  });
  if (!enrolled.stored) throw enrolled.error;
}

interface Cursors {
  confirm(sink: string, throughSequence: number, sent?: readonly number[]): Stored<void>;
  bury(sink: string, ids: readonly string[], reason: string): Stored<number>;
  complain(sink: string, reason: string): Stored<void>;
  /** Throws RangeError for a sink nobody named. */
  expect(sink: string): void;
}

/** Where each sink is. `pending` and `bytes` are kept in step, so that a look at the depth costs nothing. */
export function cursors(database: Database, sinks: readonly string[]): Cursors {
  const advance = database.prepare(`
    UPDATE outbox_sink SET cursor = :through, pending = pending - passed.count, bytes = outbox_sink.bytes - passed.bytes
    FROM (SELECT count(outbox.sequence) AS count, coalesce(sum(outbox.bytes), 0) AS bytes
          FROM outbox_sink JOIN outbox ON ${ahead} WHERE name = :sink AND outbox.sequence <= :through) AS passed
    WHERE name = :sink AND cursor < :through`);
  const arrived = database.prepare(`
    UPDATE outbox_sink SET pending = pending - passed.count, bytes = outbox_sink.bytes - passed.bytes
    FROM (SELECT count(*) AS count, coalesce(sum(outbox.bytes), 0) AS bytes FROM outbox_again JOIN outbox USING (sequence) WHERE sink = :sink AND ${settled}) AS passed
    WHERE name = :sink AND passed.count > 0`);
  const settle = database.prepare(`DELETE FROM outbox_again WHERE sink = :sink AND ${settled}`);
  const succeed = database.prepare('UPDATE outbox_sink SET last_success_at = ? WHERE name = ?');
  const last = database.prepare('SELECT last_sequence FROM outbox_total');
  const find = database.prepare(`SELECT outbox.sequence, outbox.bytes FROM outbox JOIN outbox_sink ON ${awaited} WHERE id = ? AND name = ?`);
  const kill = database.prepare('INSERT INTO outbox_dead (sink, sequence, at, reason) VALUES (?, ?, ?, ?)');
  const forgo = database.prepare('UPDATE outbox_sink SET pending = pending - 1, bytes = bytes - ? WHERE name = ?');
  const forget = database.prepare('DELETE FROM outbox_again WHERE sink = ? AND sequence = ?');
  const complain = database.prepare('UPDATE outbox_sink SET last_error = ?, last_error_at = ? WHERE name = ?');

  const expect = (sink: string): void => { if (!sinks.includes(sink)) throw new RangeError(`the outbox knows no sink ${sink}`); };
  const written = (reason: string): string => escapeText(reason.slice(0, maxReason));

  function buryOne(sink: string, id: string, reason: string): number {
    const row = find.get(id, sink) as { sequence: number; bytes: number } | undefined;
    if (row === undefined) return 0;
    forget.run(sink, row.sequence);
    kill.run(sink, row.sequence, Date.now(), reason);
    forgo.run(row.bytes, sink);
    return 1;
  }

  return {
    expect,
    confirm(sink, throughSequence, sent) {
      expect(sink);
      const those = sent === undefined ? null : JSON.stringify(sent);
      return database.makingRoom(() => {
        // Beyond the last, rows yet to come would count as confirmed.
        const through = Math.min(throughSequence, (last.get() as { last_sequence: number }).last_sequence);
        arrived.run({ sink, through, sent: those });
        settle.run({ sink, through, sent: those });
        advance.run({ sink, through });
        succeed.run(Date.now(), sink);
      });
    },
    bury(sink, ids, reason) {
      expect(sink);
      return database.makingRoom(() => ids.reduce((count, id) => count + buryOne(sink, id, written(reason)), 0));
    },
    complain(sink, reason) {
      expect(sink);
      return database.transaction(() => { complain.run(written(reason), Date.now(), sink); });
    },
  };
}
