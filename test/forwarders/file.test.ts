import { spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';
import type { Sink } from '../../agent/contract/forwarder.ts';
import file from '../../forwarders/file.ts';
import { openJournal } from '../../forwarders/wire/journal.ts';
import { detectionFinding } from '../../forwarders/encode/ocsf-schema.ts';
import { testWith } from '../services/require.ts';
import { envelope, envelopes, heartbeat, host, memoryLog } from './builders.ts';

const calm = new AbortController().signal;

async function folder(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mxwarden-file-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function sinkOn(t: ExecutionContext, path: string, change: object = {}): Promise<Sink & { lines: readonly string[] }> {
  const log = memoryLog();
  const sink = await file.open(file.config.parse({ path, fsync: false, ...change }), { log, host });
  t.teardown(async () => { await sink[Symbol.asyncDispose](); });
  return Object.assign(sink, { lines: log.lines });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await delay(10);
}

const uids = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8')).trimEnd().split('\n').map(line => detectionFinding.parse(JSON.parse(line)).metadata.uid);

test('each alert is a line of its own, in a file and a folder that only its owner may read', async t => {
  const path = join(await folder(t), 'state/alerts.jsonl');
  const sink = await sinkOn(t, path, { fsync: true });
  await sink.send(envelopes(3), calm);
  await sink.send([envelope()], calm);
  t.deepEqual(await uids(path), ['env-0', 'env-1', 'env-2', 'env-1']);
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is((await stat(join(path, '..'))).mode & 0o777, 0o700);
});

test('a file that grew enough becomes path.1, the oldest beyond maxFiles goes', async t => {
  const at = await folder(t);
  const path = join(at, 'alerts.jsonl');
  const sink = await sinkOn(t, path, { maxBytes: 8_192, maxFiles: 2 });
  for (const one of envelopes(5)) await sink.send([one], calm);
  t.deepEqual((await readdir(at)).sort(), ['alerts.jsonl', 'alerts.jsonl.1', 'alerts.jsonl.2']);
  t.deepEqual([await uids(path), await uids(`${path}.1`), await uids(`${path}.2`)], [['env-4'], ['env-3'], ['env-2']]);
});

test('a file that is old enough becomes path.1 at the next alert, however small it is', async t => {
  const at = await folder(t);
  const path = join(at, 'alerts.jsonl');
  let now = Date.now();
  const journal = openJournal({ path, maxBytes: 1e9, maxAgeMs: 3_600_000, maxFiles: 2, fsync: false }, memoryLog(), () => now);
  t.teardown(() => journal[Symbol.asyncDispose]());
  await journal.append('one\n');
  now = Date.now() + 3_500_000;
  await journal.append('two\n');
  now = Date.now() + 3_700_000;
  await journal.append('three\n');
  t.is(await readFile(`${path}.1`, 'utf8'), 'one\ntwo\n');
  t.is(await readFile(path, 'utf8'), 'three\n');
  now = 0;
  await journal.append('four\n');
  t.is(await readFile(path, 'utf8'), 'three\nfour\n', 'a clock that was set back makes nothing old');
});

test('the age is that of the file, not of this run of the agent', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  await (await sinkOn(t, path)).send(envelopes(1), calm);
  await until(async () => Date.now() - (await stat(path)).birthtimeMs > 50);
  await (await sinkOn(t, path, { maxAgeHours: 0.01 / 3_600 })).send([envelope()], calm);
  t.deepEqual([await uids(`${path}.1`), await uids(path)], [['env-0'], ['env-1']]);
});

test('a heartbeat is a line too', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  await (await sinkOn(t, path)).send([heartbeat()], calm);
  t.like(JSON.parse(await readFile(path, 'utf8')), { class_uid: 6002, metadata: { uid: 'beat-1' } });
});

test('a line torn by a crash is ended before the next alert, which stands whole', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  await (await sinkOn(t, path)).send(envelopes(2), calm);
  await truncate(path, (await stat(path)).size - 100);
  const sink = await sinkOn(t, path);
  await sink.send([envelope()], calm);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  t.is(lines.length, 3);
  t.throws(() => { JSON.parse(lines[1] ?? ''); });
  t.is((JSON.parse(lines[2] ?? '') as { metadata: { uid: string } }).metadata.uid, 'env-1');
  t.regex(sink.lines.join('\n'), /warn .*torn/);
});

test('a file moved away or removed by others is begun anew', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  const sink = await sinkOn(t, path);
  await sink.send([envelope()], calm);
  await rename(path, `${path}-20261124`);
  await sink.send(envelopes(1), calm);
  t.deepEqual([await uids(`${path}-20261124`), await uids(path)], [['env-1'], ['env-0']]);
  await rm(path);
  await sink.send(envelopes(1), calm);
  t.deepEqual(await uids(path), ['env-0']);
});

test('a file emptied in place (copytruncate) is written on from its new end', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  const sink = await sinkOn(t, path);
  await sink.send(envelopes(2), calm);
  await truncate(path, 0);
  await sink.send([envelope()], calm);
  t.deepEqual(await uids(path), ['env-1']);
});

test('what an operator must repair is told with the path and the reason, and heals by itself once it is', async t => {
  const at = await folder(t);
  await writeFile(join(at, 'plain'), '');
  const path = join(at, 'plain/alerts.jsonl');
  const sink = await sinkOn(t, path);
  const error = await t.throwsAsync(sink.send([envelope()], calm), { instanceOf: MisconfiguredError });
  t.true(error.message.includes(path) && /ENOTDIR|EEXIST/.test(error.message), error.message);
  await rm(join(at, 'plain'));
  await sink.send([envelope()], calm);
  t.deepEqual(await uids(path), ['env-1']);
});

test('neither a link nor a pipe nor a folder is written to', async t => {
  const at = await folder(t);
  await writeFile(join(at, 'victim'), 'untouched');
  await symlink(join(at, 'victim'), join(at, 'link'));
  await mkdir(join(at, 'folder'));
  t.is(spawnSync('mkfifo', [join(at, 'pipe')]).status, 0);
  for (const [name, reason] of [['link', /symbolic link/], ['pipe', /no regular file/], ['folder', /directory/]] as const) {
    const error = await t.throwsAsync((await sinkOn(t, join(at, name))).send([envelope()], calm), { instanceOf: MisconfiguredError });
    t.regex(error.message, reason);
  }
  t.is(await readFile(join(at, 'victim'), 'utf8'), 'untouched');
});

async function mounted(t: ExecutionContext, options: string): Promise<string> {
  const at = await folder(t);
  t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at]).status, 0);
  t.teardown(() => { spawnSync('umount', ['-l', at]); });
  return at;
}

testWith(['root'], 'a full disk asks for another try, leaves no half line, and once there is room the alerts follow in order', async t => {
  const at = await mounted(t, 'size=64k');
  const path = join(at, 'alerts.jsonl');
  const sink = await sinkOn(t, path, { fsync: true });
  await sink.send(envelopes(1), calm);
  const before = (await stat(path)).size;
  await writeFile(join(at, 'ballast'), Buffer.alloc(48 * 1_024));
  await t.throwsAsync(sink.send(envelopes(4), calm), { instanceOf: RetryableError, message: /disk is full/ });
  t.is((await stat(path)).size, before);
  await rm(join(at, 'ballast'));
  await sink.send(envelopes(4), calm);
  t.deepEqual(await uids(path), ['env-0', 'env-0', 'env-1', 'env-2', 'env-3']);
});

testWith(['root'], 'a read-only file system is named as what it is', async t => {
  const at = await mounted(t, 'ro');
  await t.throwsAsync((await sinkOn(t, join(at, 'alerts.jsonl'))).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /read-only \(EROFS\)/ });
});

test('an agent that is stopping writes nothing', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  await t.throwsAsync((await sinkOn(t, path)).send([envelope()], AbortSignal.abort()), { instanceOf: RetryableError });
  await t.throwsAsync(stat(path), { code: 'ENOENT' });
});

test('a file of others is neither narrowed nor widened in its rights', async t => {
  const path = join(await folder(t), 'alerts.jsonl');
  await appendFile(path, '');
  await chmod(path, 0o640);
  await (await sinkOn(t, path)).send([envelope()], calm);
  t.is((await stat(path)).mode & 0o777, 0o640);
});
