import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openDatabase } from '../../agent/store/database.ts';
import { openOutbox } from '../../agent/store/outbox.ts';
import { draft, notebook, value } from '../agent/store/drafts.ts';

/*
 * A small run is recorded: its file, its log, and after each commit how long the log was and what was acknowledged by then.
 * Then the file and the log are cut at one offset after the other, and opened.
 */

const every = process.env['MXWARDEN_EVERY_OFFSET'] === '1';
const frameHead = 24;
const logHead = 32;
const page = 4_096;
const sink = 'file';

/** `waits`: ids that the sink waits for, in order; `dead`: those that it refused. */
interface Account { readonly logBytes: number; readonly waits: readonly string[]; readonly dead: readonly string[] }
interface Recorded { readonly file: Buffer; readonly log: Buffer; readonly accounts: readonly Account[] }

function workshop(t: ExecutionContext): string {
  const made = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mxwarden-cuts-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const known = new Map(Array.from({ length: 60 }, (_, index) => [`e${index}`, draft(`e${index}`, 'medium', index % 7 === 0 ? 6_000 : 0)]));
const take = (from: number, count: number) => [...known.values()].slice(from, from + count);

/** The file has the schema and `before` alerts when the log begins. */
function recorded(directory: string, before: number): Recorded {
  { using state = openDatabase(directory, notebook()); value(openOutbox(state, [sink]).append(take(0, before))); }
  const path = join(directory, 'state.db');
  using state = openDatabase(directory, notebook());
  const outbox = openOutbox(state, [sink]);
  const accounts: Account[] = [];
  const logBytes = () => existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0;
  const note = () => { accounts.push({ logBytes: logBytes(), ...stateOf(outbox) }); };
  note();
  for (let at = before; at < before + 12; at += 4) { value(outbox.append(take(at, 4))); note(); }
  value(outbox.bury(sink, ['e1'], 'not wanted'));
  note();
  value(outbox.confirm(sink, 3));
  note();
  value(outbox.prune());
  note();
  value(outbox.append(take(before + 12, 1)));
  note();
  return { file: readFileSync(path), log: readFileSync(`${path}-wal`), accounts };
}

const stateOf = (outbox: ReturnType<typeof openOutbox>) => ({
  waits: outbox.next(sink, 1_000, 1e9).map(({ id }) => id), dead: outbox.list({ state: 'dead' }).map(({ id }) => id),
});

interface Opened extends Omit<Account, 'logBytes'> { readonly damage: ReturnType<typeof openDatabase>['damage']; readonly next: number }

function reopened(t: ExecutionContext, directory: string, file: Uint8Array | null, log: Uint8Array | null, place: string): Opened {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) if (name !== 'state.lock') rmSync(join(directory, name), { recursive: true });
  if (file !== null) writeFileSync(join(directory, 'state.db'), file);
  if (log !== null) writeFileSync(join(directory, 'state.db-wal'), log);
  using state = openDatabase(directory, notebook());
  const outbox = openOutbox(state, [sink]);
  const found = outbox.next(sink, 1_000, 1e9);
  for (const { sequence, ...envelope } of found) t.deepEqual(envelope as unknown, known.get(envelope.id), `${place}: nothing is invented, ${sequence}`);
  const told = { ...stateOf(outbox), damage: state.damage };
  value(outbox.append([draft('new')]));
  return { ...told, next: outbox.next(sink, 1_000, 1e9).at(-1)?.sequence ?? 0 };
}

/** All of them, or those at both ends of each piece and some between. */
function* offsets(length: number, pieces: (offset: number) => boolean, step: number): Generator<number> {
  for (let at = 0; at < length; at += 1) if (every || at % step === 0 || pieces(at) || pieces(at + 1) || pieces(at - 1) || at === length - 1) yield at;
}

async function inTurn(t: ExecutionContext, count: { value: number }): Promise<void> {
  count.value += 1;
  // Ava hears of a long test only between turns of the event loop.
  if (count.value % 50 === 0) { await nextTurn(); t.timeout(3_600_000); }
}

test('the log cut at any byte: what was committed before it is there, in order, and nothing else', async t => {
  t.timeout(3_600_000);
  const root = workshop(t);
  const { file, log, accounts } = recorded(join(root, 'run'), 8);
  const directory = join(root, 'cut');
  const count = { value: 0 };
  for (const length of offsets(log.length, at => (at - logHead) % (frameHead + page) === 0, 1_499)) {
    const expected = accounts.findLast(({ logBytes }) => logBytes <= length);
    const { waits, dead, damage } = reopened(t, directory, file, log.subarray(0, length), `log of ${length}`);
    t.is(damage, null, `log of ${length}`);
    t.deepEqual({ waits, dead }, { waits: expected?.waits, dead: expected?.dead }, `log of ${length}`);
    await inTurn(t, count);
  }
  t.log(`${count.value} of ${log.length} offsets${every ? '' : '; MXWARDEN_EVERY_OFFSET=1 for all of them'}`);
});

test('the file cut at any byte: it is told, what is whole stays in order, nothing is invented, and every row is saved or lost', async t => {
  t.timeout(3_600_000);
  const root = workshop(t);
  const directory = join(root, 'cut');
  const run = join(root, 'run');
  recorded(run, 24);
  // Closed in order, it has everything and no log.
  const file = readFileSync(join(run, 'state.db'));
  t.false(existsSync(join(run, 'state.db-wal')));
  const whole = reopened(t, directory, file, null, 'whole');
  const rows = whole.waits.length + whole.dead.length;
  const count = { value: 0 };
  let fewest = rows;
  for (const length of offsets(file.length, at => at % page === 0, 1_499)) {
    const { waits, dead, damage, next } = reopened(t, directory, file.subarray(0, length), null, `file of ${length}`);
    t.not(damage, null, `file of ${length}`);
    const saved = damage?.alerts.saved ?? 0;
    const lost = damage?.alerts.lost ?? null;
    t.true(waits.length + dead.length <= saved && saved <= rows, `file of ${length}`);
    t.deepEqual(waits, [...waits].sort((one, other) => Number(one.slice(1)) - Number(other.slice(1))), `file of ${length}`);
    if (lost !== null) t.is(saved + Object.values(lost).reduce((sum, each) => sum + each, 0), rows, `file of ${length}`);
    else t.is(damage?.lost, null);
    t.true(next > Number(waits.at(-1)?.slice(1) ?? 0), `file of ${length}: numbers go on`);
    fewest = Math.min(fewest, saved);
    if (length === file.length - 1) t.true(saved >= rows - 8, `only the last page is gone, and ${rows - saved} rows`);
    await inTurn(t, count);
  }
  t.is(fewest, 0);
  t.log(`${count.value} of ${file.length} offsets${every ? '' : '; MXWARDEN_EVERY_OFFSET=1 for all of them'}`);
});

test('the file cut at any page while its log is whole: what the log has is there', async t => {
  t.timeout(3_600_000);
  const root = workshop(t);
  const { file, log, accounts } = recorded(join(root, 'run'), 8);
  const directory = join(root, 'cut');
  const count = { value: 0 };
  const last = accounts.at(-1);
  for (const length of offsets(file.length, at => at % page === 0, every ? 1 : 8_191)) {
    const { waits, damage } = reopened(t, directory, file.subarray(0, length), log, `file of ${length} and its log`);
    if (damage === null) t.deepEqual(waits, last?.waits, `file of ${length} and its log`);
    else t.true(waits.every(id => known.has(id)));
    await inTurn(t, count);
  }
  const gone = reopened(t, directory, null, log, 'no file');
  t.not(gone.damage, null);
  t.log(`${count.value} of ${file.length} offsets${every ? '' : '; MXWARDEN_EVERY_OFFSET=1 for all of them'}`);
});
