import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ConfigError, RetryableError, UnavailableError } from '../../../agent/contract/errors.ts';
import { openDatabase, openReadOnly } from '../../../agent/store/database.ts';
import { openOutbox } from '../../../agent/store/outbox.ts';
import { testWith } from '../../services/require.ts';
import { database, draft, drafts, folder, notebook, value } from './drafts.ts';

const owner = fileURLToPath(new URL('../../fixtures/state-owner.ts', import.meta.url));

/** Another process that has the directory. */
async function occupy(t: ExecutionContext, directory: string, umask = '022'): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, owner, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

for (const umask of ['000', '777']) {
  test(`the directory and every file in it are private and usable under the umask ${umask}`, async t => {
    const directory = join(folder(t), 'state');
    await occupy(t, directory, umask);
    t.is(statSync(directory).mode & 0o777, 0o700);
    const names = readdirSync(directory);
    t.deepEqual(names.sort(), ['state.db', 'state.db-shm', 'state.db-wal', 'state.lock', 'state.reserve']);
    for (const name of names) t.is(statSync(join(directory, name)).mode & 0o777, 0o600, name);
  });
}

test('what was left open to all is closed', t => {
  const directory = filled(t);
  chmodSync(directory, 0o777);
  chmodSync(join(directory, 'state.db'), 0o666);
  database(t, directory);
  t.is(statSync(directory).mode & 0o777, 0o700);
  t.is(statSync(join(directory, 'state.db')).mode & 0o777, 0o600);
});

test('a directory that others use is not closed to them: the operator is told to choose another', t => {
  const directory = folder(t);
  writeFileSync(join(directory, 'theirs'), '');
  chmodSync(directory, 0o755);
  t.throws(() => openDatabase(directory, notebook()), { instanceOf: ConfigError, message: /holds other files/ });
  t.is(statSync(directory).mode & 0o777, 0o755);
});

test('a commit waits for the disk', t => {
  const state = database(t);
  t.is(state.prepare('PRAGMA synchronous').get()?.synchronous, 2);
  t.is(state.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  t.is(state.prepare('PRAGMA foreign_keys').get()?.foreign_keys, 1);
});

test('a second agent is turned away and told who has the directory; a killed one leaves it free and its commits kept', async t => {
  const directory = folder(t);
  const child = await occupy(t, directory);
  const error = t.throws(() => openDatabase(directory, notebook()), { instanceOf: ConfigError });
  t.true(error.message.includes(`pid ${child.pid}`), error.message);
  await killed(child);
  t.is(database(t, directory).prepare('SELECT last_sequence FROM outbox_total').get()?.last_sequence, 41);
});

test('a second try in the same process is turned away and does not break the first one\'s hold', async t => {
  const directory = folder(t);
  database(t, directory);
  t.throws(() => openDatabase(directory, notebook()), { instanceOf: ConfigError });
  const other = spawnSync(process.execPath, [owner, directory], { encoding: 'utf8', timeout: 60_000 });
  t.regex(other.stderr, /in use by another mxwarden/);
});

test('a closed one can be opened again', t => {
  const directory = folder(t);
  openDatabase(directory, notebook())[Symbol.dispose]();
  t.is(database(t, directory).damage, null);
});

test('a link in place of the file is refused and its target left alone', t => {
  const directory = folder(t);
  const target = join(folder(t), 'passwd');
  writeFileSync(target, 'root', { mode: 0o644 });
  symlinkSync(target, join(directory, 'state.db'));
  t.throws(() => openDatabase(directory, notebook()), { instanceOf: ConfigError });
  t.is(statSync(target).mode & 0o777, 0o644);
  t.is(readFileSync(target, 'utf8'), 'root');
});

test('a transaction is all or nothing', t => {
  const state = database(t);
  const read = () => state.prepare('SELECT last_sequence FROM outbox_total').get()?.last_sequence;
  const write = (n: number) => state.prepare('UPDATE outbox_total SET last_sequence = ?').run(n);
  t.throws(() => state.transaction(() => { write(7); throw new RangeError('mine'); }), { instanceOf: RangeError });
  t.is(read(), 0);
  t.deepEqual(state.transaction(() => { write(8); return 'done'; }), { stored: true, value: 'done' });
  t.is(read(), 8);
});

test('what fails inside another transaction undoes the whole, even when the failure is swallowed', t => {
  const state = database(t);
  const write = (n: number) => state.prepare('UPDATE outbox_total SET last_sequence = ?').run(n);
  t.throws(() => state.transaction(() => {
    write(9);
    try { state.transaction(() => { throw new RangeError('inner'); }); } catch { /* That is the point. */ }
  }), { message: 'inner' });
  t.is(state.prepare('SELECT last_sequence FROM outbox_total').get()?.last_sequence, 0);
});

test('another process reads beside the agent, and cannot write', t => {
  const directory = folder(t);
  t.throws(() => openReadOnly(directory), { instanceOf: UnavailableError });
  const state = database(t, directory);
  value(state.transaction(() => state.prepare('UPDATE outbox_total SET last_sequence = 3').run()));
  using reader = openReadOnly(directory);
  t.is(reader.prepare('SELECT last_sequence FROM outbox_total').get()?.last_sequence, 3);
  t.throws(() => reader.read(() => reader.prepare('UPDATE outbox_total SET last_sequence = 4').run()), { instanceOf: RetryableError });
});

test('a file of a newer version is not touched', t => {
  const directory = folder(t);
  {
    using state = openDatabase(directory, notebook());
    state.prepare('PRAGMA user_version = 4000').run();
  }
  const before = readFileSync(join(directory, 'state.db'));
  const error = t.throws(() => openDatabase(directory, notebook()), { instanceOf: ConfigError });
  t.regex(error.message, /newer mxwarden/);
  t.throws(() => openReadOnly(directory), { instanceOf: ConfigError });
  t.true(readFileSync(join(directory, 'state.db')).equals(before));
});

/** A closed outbox of some pages. */
function filled(t: ExecutionContext): string {
  const directory = folder(t);
  using state = openDatabase(directory, notebook());
  value(openOutbox(state, ['file']).append(drafts(0, 60)));
  return directory;
}

test('a damaged file is set aside under a dated name, whole, and a new one begins with what can be read of it', t => {
  const directory = filled(t);
  const path = join(directory, 'state.db');
  const bytes = readFileSync(path);
  bytes.fill(0xa5, 4_096 * 3, 4_096 * 4);
  writeFileSync(path, bytes);
  const log = notebook();
  using state = openDatabase(directory, log);
  t.regex(state.damage?.setAside ?? '', /^state\.db\.damaged-\d{8}T\d{6}\.\d{3}Z$/);
  t.true(readFileSync(join(directory, state.damage?.setAside ?? '')).equals(bytes));
  t.like(log.lines[0], { level: 'error' });
  t.deepEqual(readdirSync(directory).sort(), ['state.db', 'state.db-shm', 'state.db-wal', state.damage?.setAside, 'state.lock', 'state.reserve'].sort());
  t.is(value(openOutbox(state, ['file']).append([draft('after')])).added, 1);
});

/** What was done to the file, and how many of its 60 alerts are in the new one. */
const ruins: Record<string, readonly [ruin: (path: string) => void, saved: (count: number) => boolean]> = {
  'text': [path => writeFileSync(path, 'not a database, and longer than one hundred bytes '.repeat(100)), saved => saved === 0],
  'cut in the middle of a page': [path => truncateSync(path, statSync(path).size - 77), saved => saved > 40],
  'cut between two pages': [path => truncateSync(path, 4_096 * 5), saved => saved === 0],
  'a column has another name': [path => writeFileSync(path, Buffer.from(readFileSync(path, 'latin1').replaceAll('last_sequence', 'mast_sequence'), 'latin1')), saved => saved === 60],
  'its first page gone': [path => writeFileSync(path, readFileSync(path).fill(0, 0, 4_096)), saved => saved === 60],
  'an older version number than its tables': [path => { using sqlite = new DatabaseSync(path); sqlite.exec('PRAGMA user_version = 0'); }, saved => saved === 60],
  'gone, only a log that is none left': [path => { writeFileSync(`${path}-wal`, 'x'.repeat(4_200)); rmSync(path); }, saved => saved === 0],
  'emptied': [path => truncateSync(path, 0), saved => saved === 0],
};
for (const [what, [ruin, isRight]] of Object.entries(ruins)) {
  test(`a damaged file is set aside, and what can be read is salvaged: ${what}`, t => {
    const directory = filled(t);
    ruin(join(directory, 'state.db'));
    const state = database(t, directory);
    const found = openOutbox(state, ['file']).next('file', 100, 1e9).map(({ id }) => id);
    t.true(isRight(found.length), `${found.length} alerts`);
    t.like(state.damage?.alerts, { saved: found.length });
    const { lost } = state.damage ?? { lost: 0 };
    t.is(lost === 0, found.length === 60);
    t.true(found.every(id => drafts(0, 60).some(each => each.id === id)));
  });
}

test('one changed byte anywhere is survived: set aside, or read without an error of an unknown kind', t => {
  const directory = filled(t);
  const whole = join(folder(t), 'whole');
  const path = join(directory, 'state.db');
  copyFileSync(path, whole);
  const { size } = statSync(whole);
  fc.assert(fc.property(fc.nat({ max: size - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    for (const name of readdirSync(directory)) if (name !== 'state.lock') rmSync(join(directory, name));
    const bytes = readFileSync(whole);
    bytes[at] = (bytes[at] ?? 0) ^ flip;
    writeFileSync(path, bytes);
    try {
      using state = openDatabase(directory, notebook());
      const outbox = openOutbox(state, ['file']);
      const batch = outbox.next('file', 30, 1e9);
      value(outbox.append([draft('new')]));
      value(outbox.bury('file', batch.slice(0, 2).map(({ id }) => id), 'no'));
      value(outbox.confirm('file', batch.at(-1)?.sequence ?? 0));
      value(outbox.prune());
      outbox.list();
      outbox.depth();
    } catch (error) {
      // A version number from the future is the operator's to see.
      if (!(error instanceof ConfigError)) throw error;
    }
  }), { numRuns: 60 });
  t.pass();
});

function mounted(t: ExecutionContext, options: string): string {
  const path = folder(t);
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  t.teardown(() => { spawnSync('umount', ['-l', path]); });
  return path;
}

testWith(['root'], 'a full disk is told, keeps nothing by halves, and is survived once there is room', t => {
  const disk = mounted(t, 'size=2m,mode=0700');
  const directory = join(disk, 'state');
  const state = database(t, directory);
  const outbox = openOutbox(state, ['file']);
  value(outbox.append(drafts(0, 10)));
  const filler = join(disk, 'filler');
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']);
  const refused = outbox.append(drafts(10, 2_000));
  t.false(refused.stored);
  t.regex(refused.stored ? '' : refused.error.message, /disk full/);
  t.is(outbox.depth()[0]?.pending, 10);
  t.is(outbox.next('file', 100, 1e9).length, 10);
  rmSync(filler);
  t.is(value(outbox.append(drafts(10, 100))).added, 100);
  t.deepEqual(outbox.next('file', 1_000, 1e9).map(({ sequence }) => sequence), Array.from({ length: 110 }, (_, index) => index + 1));
});

testWith(['root'], 'a full disk at the start is told as something that passes', t => {
  const disk = mounted(t, 'size=64k,mode=0700');
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k']);
  t.throws(() => openDatabase(disk, notebook()), { instanceOf: RetryableError });
  rmSync(join(disk, 'filler'));
  t.throws(() => openDatabase(join(disk, 'state.lock'), notebook()), { instanceOf: ConfigError });
});

testWith(['root'], 'a read-only file system is told as something that passes', t => {
  const disk = mounted(t, 'size=1m,mode=0700');
  openDatabase(disk, notebook())[Symbol.dispose]();
  spawnSync('mount', ['-o', 'remount,ro', disk]);
  t.throws(() => openDatabase(disk, notebook()), { instanceOf: RetryableError });
  spawnSync('mount', ['-o', 'remount,rw', disk]);
  t.notThrows(() => database(t, disk));
});
