import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import type { Severity } from '../../../agent/contract/finding.ts';
import { type Database, openDatabase } from '../../../agent/store/database.ts';
import { openIncidents, viewIncidents } from '../../../agent/store/incidents.ts';
import { openOutbox } from '../../../agent/store/outbox.ts';
import { salvage } from '../../../agent/store/salvage.ts';
import { openSound } from '../../../agent/store/sound.ts';
import { openState } from '../../../agent/store/state.ts';
import { openWreck } from '../../../agent/store/wreck.ts';
import { incident } from '../../builders.ts';
import { database, draft, drafts, folder, notebook, value } from './drafts.ts';

const page = 4_096;
const severityOf = (index: number): Severity => index % 10 === 0 ? 'critical' : 'low';

/** A closed state with 400 alerts, of which the sink `file` has 10, `kafka` none, and refused one. */
function filled(t: ExecutionContext): string {
  const directory = folder(t);
  using state = openDatabase(directory, notebook());
  const outbox = openOutbox(state, ['file', 'kafka']);
  value(outbox.append(Array.from({ length: 400 }, (_, index) => draft(`e${index}`, severityOf(index)))));
  value(outbox.confirm('file', 10));
  value(outbox.bury('kafka', ['e5'], 'not wanted'));
  const memory = openState(state);
  value(state.transaction(() => {
    memory.saveCorrelation(new Map([['case:host', { revision: 7 }]]));
    memory.saveMemory('child', Array.from({ length: 300 }, (_, index) => [`key ${index} ${'x'.repeat(100)}`, index] as const), []);
    memory.saveNote('aliveAt', 5);
    openIncidents(state).save([incident({ id: 'kept' })]);
  }));
  return directory;
}

/** Page numbers, from 1, of the leaves of a table in order. */
function leavesOf(directory: string, name: string): number[] {
  using sqlite = new DatabaseSync(join(directory, 'state.db'));
  return sqlite.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path").all(name).map(row => Number(row['pageno']));
}

const rootOf = (directory: string, name: string): number => {
  using sqlite = new DatabaseSync(join(directory, 'state.db'));
  return Number(sqlite.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.['rootpage']);
};

function ruin(directory: string, pages: readonly number[]): void {
  const path = join(directory, 'state.db');
  const bytes = readFileSync(path);
  for (const number of pages) bytes.fill(0xa5, (number - 1) * page, number * page);
  writeFileSync(path, bytes);
}

const waiting = (state: Database, sink = 'kafka') => openOutbox(state, ['file', 'kafka']).next(sink, 10_000, 1e9);

test('two damaged pages cost the rows on them and no others; those keep their order, cursors and dead letters stay', t => {
  const directory = filled(t);
  const leaves = leavesOf(directory, 'outbox');
  ruin(directory, [leaves[10] ?? 0, leaves.at(-10) ?? 0]);
  const state = database(t, directory);
  const found = waiting(state);
  const { alerts, saved, lost } = state.damage ?? {};
  t.is(alerts?.saved, found.length + 1, 'and the dead letter');
  t.true(found.length > 370 && found.length < 399, `${found.length}`);
  t.is(lost, 400 - (alerts?.saved ?? 0));
  t.is(Object.values(alerts?.lost ?? {}).reduce((sum, count) => sum + count, 0), lost ?? -1);
  t.true((saved ?? 0) > (alerts?.saved ?? 0) + 300);
  t.deepEqual(found.map(({ sequence }) => sequence), found.map(({ id }) => Number(id.slice(1)) + 1), 'each under its own number');
  t.deepEqual(found.map(({ sequence }) => sequence), found.map(({ sequence }) => sequence).sort((one, other) => one - other));
  t.is(waiting(state, 'file')[0]?.sequence, 11);
  t.deepEqual(openOutbox(state, ['file', 'kafka']).list({ state: 'dead' }).map(({ id }) => id), ['e5']);
  t.deepEqual([...openState(state).correlation()], [['case:host', { revision: 7 }]]);
  t.is(openState(state).note('aliveAt'), 5);
  t.is(viewIncidents(state).find('kept').length, 1);
  value(openOutbox(state, ['file', 'kafka']).append([draft('next')]));
  t.is(waiting(state).at(-1)?.sequence, 401);
});

test('what was lost is told by severity', t => {
  const directory = filled(t);
  ruin(directory, leavesOf(directory, 'outbox').slice(20, 30));
  const state = database(t, directory);
  const kept = waiting(state).map(({ id }) => Number(id.slice(1)));
  const gone = Array.from({ length: 400 }, (_, index) => index).filter(index => index !== 5 && !kept.includes(index));
  const critical = gone.filter(index => severityOf(index) === 'critical').length;
  t.true(critical > 0);
  t.deepEqual(state.damage?.alerts.lost, { low: gone.length - critical, critical });
});

test('without a readable index rows between several holes are found by their number, and nobody says how many are lost', t => {
  const directory = filled(t);
  const leaves = leavesOf(directory, 'outbox');
  ruin(directory, [leaves[0] ?? 0, leaves[30] ?? 0, leaves.at(-1) ?? 0, rootOf(directory, 'outbox_by_severity'), rootOf(directory, 'sqlite_autoindex_outbox_1')]);
  const state = database(t, directory);
  t.true((state.damage?.alerts.saved ?? 0) > 365, `${state.damage?.alerts.saved}`);
  t.is(state.damage?.lost, null);
  t.is(state.damage?.alerts.lost, null);
});

test('sinks whose cursors are lost get everything that was salvaged', t => {
  const directory = filled(t);
  ruin(directory, [rootOf(directory, 'outbox_sink')]);
  const state = database(t, directory);
  t.is(waiting(state, 'file').length, 400);
  t.is(waiting(state, 'kafka').length, 400, 'also what was refused: it may be refused again');
});

test('a cursor beyond what was ever sent is not believed', t => {
  const directory = filled(t);
  { using sqlite = new DatabaseSync(join(directory, 'state.db')); sqlite.exec("UPDATE outbox_sink SET cursor = 4000000 WHERE name = 'file'"); }
  ruin(directory, [rootOf(directory, 'outbox_total')]);
  t.is(waiting(database(t, directory), 'file').length, 400);
});

test('where the count is lost, numbers go on behind the last one that is known', t => {
  const directory = filled(t);
  ruin(directory, [rootOf(directory, 'outbox_total')]);
  const state = database(t, directory);
  value(openOutbox(state, ['file', 'kafka']).append([draft('next')]));
  t.is(waiting(state, 'file').at(-1)?.sequence, 401);
});

test('a row whose text the disk has spoilt is counted as lost, not delivered', t => {
  const directory = filled(t);
  const path = join(directory, 'state.db');
  const bytes = readFileSync(path);
  const at = bytes.indexOf('"id":"e77"');
  bytes.write('{', at, 'latin1');
  writeFileSync(path, bytes);
  ruin(directory, [rootOf(directory, 'incident')]);
  const state = database(t, directory);
  t.false(waiting(state).some(({ sequence }) => sequence === 78));
  t.is(state.damage?.alerts.saved, 399);
});

test('the damage is told until somebody says that it was, also after a restart', t => {
  const directory = filled(t);
  ruin(directory, [rootOf(directory, 'incident')]);
  const told = (() => { using state = openDatabase(directory, notebook()); return state.damage; })();
  t.regex(told?.reason ?? '', /\w/);
  {
    using state = openDatabase(directory, notebook());
    t.deepEqual(state.damage, told);
    value(state.damageTold());
    t.is(state.damage, null);
  }
  t.is(database(t, directory).damage, null);
});

test('whoever is killed while the file is replaced goes on at the next start; the third time nothing is salvaged, and that is told', t => {
  for (const [mark, saved] of [['0', 400], ['1', 400], ['2', 0], ['3', 0]] as const) {
    const directory = filled(t);
    ruin(directory, [rootOf(directory, 'incident')]);
    renameSync(join(directory, 'state.db'), join(directory, 'state.db.damaged-20261124T120000.000Z'));
    writeFileSync(join(directory, 'state.db.damaged-20200101T000000.000Z'), 'of another day');
    writeFileSync(join(directory, `state.db.salvage-${mark}`), '');
    writeFileSync(join(directory, 'state.db.new'), 'half of it');
    const state = database(t, directory);
    t.like(state.damage, { setAside: 'state.db.damaged-20261124T120000.000Z', alerts: { saved } }, mark);
    t.deepEqual(readdirSync(directory).filter(name => name.includes('salvage') || name.endsWith('.new')), []);
  }
});

test('a log without its database gives what it holds', t => {
  const directory = folder(t);
  const other = folder(t);
  {
    using state = openDatabase(directory, notebook());
    value(openOutbox(state, ['file']).append(drafts(0, 20)));
    writeFileSync(join(other, 'state.db-wal'), readFileSync(join(directory, 'state.db-wal')));
  }
  const state = database(t, other);
  t.not(state.damage, null);
  t.true(existsSync(join(other, `${state.damage?.setAside}-wal`)));
  t.deepEqual(openOutbox(state, ['file']).next('file', 100, 1e9).map(({ id }) => id), drafts(0, 20).map(({ id }) => id));
});

test('reading ends when its time is up, and what was not read is told as lost', t => {
  const directory = filled(t);
  const made = join(directory, 'state.db.made');
  const first = openSound(made);
  if ('sqlite' in first) first.sqlite.close();
  const fresh = openSound(made);
  if (!('sqlite' in fresh)) { t.fail(fresh.damage); return; }
  using wreck = openWreck(join(directory, 'state.db'), made);
  if (wreck === null) { t.fail(); return; }
  const { saved, lost } = salvage(wreck, fresh.sqlite, made, -1);
  fresh.sqlite.close();
  t.is(lost, null);
  t.true(saved <= 10, `${saved}`);
});

test('a file whose schema is of a format that SQLite refuses is replaced, and does not keep the agent from starting', t => {
  const directory = filled(t);
  const path = join(directory, 'state.db');
  const bytes = readFileSync(path);
  bytes.writeUInt32BE(5, 44);
  writeFileSync(path, bytes);
  using state = openDatabase(directory, notebook());
  t.is(state.damage?.reason, 'it is of a file format that is not ours');
  t.is(waiting(state).length, 399);
});

test('pages that lead to the same page again and again do not keep the agent at a cut file for ever', t => {
  const directory = filled(t);
  const path = join(directory, 'state.db');
  const root = rootOf(directory, 'memory');
  const bytes = readFileSync(path);
  const first = bytes.length / page + 1;
  // Each of these leads 580 times to the next: 580⁴ ways to the last.
  const knots = [root, first, first + 1, first + 2].map((_, index) => knot(index === 3 ? first + 3 : first + index));
  knots[0]?.copy(bytes, (root - 1) * page);
  const all = Buffer.concat([bytes, ...knots.slice(1), leaf(), Buffer.alloc(100)]);
  all.writeUInt32BE(Math.ceil(all.length / page), 28);
  all.copy(all, 92, 24, 28);
  writeFileSync(path, all);
  // It is only examined here: what may be read of such a file takes all of the time that there is.
  t.truthy(((openSound(path) as { readonly damage?: string }).damage));
});

/** An interior page of a table, all of whose cells lead to one page: https://www.sqlite.org/fileformat2.html#b_tree_pages */
function knot(child: number): Buffer {
  const out = Buffer.alloc(page);
  const cells = 580;
  out[0] = 5;
  out.writeUInt16BE(cells, 3);
  out.writeUInt16BE(page - 5 * cells, 5);
  out.writeUInt32BE(child, 8);
  for (let cell = 0; cell < cells; cell += 1) {
    const at = page - 5 * (cell + 1);
    out.writeUInt32BE(child, at);
    out[at + 4] = 1;
    out.writeUInt16BE(at, 12 + 2 * cell);
  }
  return out;
}

/** A leaf of a table with one row of one NULL. */
function leaf(): Buffer {
  const out = Buffer.alloc(page);
  out.set([13, 0, 0, 0, 1, 0x0f, 0xfa, 0, 0x0f, 0xfa]);
  out.set([2, 1, 2, 0], page - 6);
  return out;
}
