import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Checkpoint } from '../../../agent/audit/checkpoint.ts';
import { headText } from '../../../agent/audit/checkpoint.ts';
import { createKey } from '../../../agent/audit/key.ts';
import { leaveNotice } from '../../../agent/audit/notices.ts';
import { createScribe } from '../../../agent/audit/scribe.ts';
import { type Broken, openTrail } from '../../../agent/audit/trail.ts';
import { ConfigError } from '../../../agent/contract/errors.ts';
import { eventsLost, sensorChanged } from '../../builders.ts';
import { testWith } from '../../services/require.ts';
import { folder } from '../store/drafts.ts';
import { faults, found, numbers, type Place, place, record, records, written } from './trails.ts';

function desk(at: Place) {
  const told = { signed: [] as Checkpoint[], failed: [] as (string | null)[], broke: [] as Broken[] };
  const remembered = () => { const last = told.signed.at(-1); return last === undefined ? null : headText(last); };
  const scribe = createScribe({
    directory: at.directory, checkpointMs: 60_000, retentionMs: 400 * 86_400_000, log: at.log, open: () => openTrail({ ...at, remembered: remembered() }),
    signed: checkpoint => { told.signed.push(checkpoint); }, failed: reason => { told.failed.push(reason); }, broke: broken => { told.broke.push(broken); },
  });
  return Object.assign(scribe, { told });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('what is written is in the trail after a flush, and signed when it stops', t => {
  const at = place(t);
  {
    using scribe = desk(at);
    scribe.write(...records(0, 3));
    t.is(scribe.waiting, 3);
    t.true(scribe.flush());
    t.is(scribe.waiting, 0);
    t.deepEqual(numbers(at), [0, 1, 2]);
    scribe.see(sensorChanged());
  }
  t.is(found(at).at(-1)?.entry.action, 'sensor.changed');
  t.deepEqual(faults(at), []);
});

test('each checkpoint is handed on once, and each signs more than the one before', t => {
  const at = place(t);
  using scribe = desk(at);
  for (const number of [0, 1]) { scribe.write(record(number)); scribe.seal(); scribe.seal(); }
  t.deepEqual(scribe.told.signed.map(({ size }) => size), [2, 3]);
});

test('losses are summed up by where, what and severity', t => {
  const at = place(t);
  using scribe = desk(at);
  for (const count of [3, 4]) scribe.see(eventsLost({ count }));
  scribe.see(eventsLost({ where: 'kernel', count: null }));
  for (const severity of ['high', 'low', 'high'] as const) scribe.see(eventsLost({ where: 'outbox', count: 2, severity }));
  scribe.flush();
  t.deepEqual(found(at).slice(1).map(({ entry }) => [entry.action, entry.outcome, entry.detail['count'], entry.detail['severity']]), [
    ['events.lost', 'stream', 7, null], ['events.lost', 'kernel', null, null], ['events.lost', 'outbox', 4, 'high'], ['events.lost', 'outbox', 2, 'low'],
  ]);
});

function disk(t: ExecutionContext, size: string): { readonly root: string; remount(how: string): void } {
  const root = folder(t);
  const mount = (options: string) => { const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', root], { encoding: 'utf8' }); if (done.status !== 0) throw new Error(done.stderr); };
  mount(`size=${size},mode=0700`);
  t.teardown(() => { spawnSync('umount', ['-l', root]); });
  return { root, remount: how => mount(`remount,${how}`) };
}

testWith(['root'], 'a full disk is told once, records wait, what is too much is counted, and all else is there once there is room', t => {
  const { root } = disk(t, '1m');
  const at = place(t, { directory: join(root, 'audit') });
  using scribe = desk(at);
  scribe.write(...records(0, 10));
  t.true(scribe.flush());
  const filler = join(root, 'filler');
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
  scribe.write(...records(10, 300));
  for (let tries = 0; tries < 3; tries++) t.false(scribe.flush());
  t.regex(scribe.failure ?? '', /ENOSPC/);
  scribe.seal();
  scribe.write(...records(310, 5_000));
  t.is(scribe.waiting, 5_000);
  rmSync(filler);
  spawnSync('mount', ['-o', 'remount,size=16m', root]);
  t.true(scribe.flush());
  t.is(scribe.failure, null);
  scribe.seal();
  t.deepEqual(scribe.told.failed.map(reason => reason === null), [false, true]);
  const kept = numbers(at);
  t.deepEqual(kept, range(0, kept.length), 'nothing twice, nothing left out in between');
  t.like(found(at).find(({ entry }) => entry.action === 'trail.gap')?.entry, { detail: { records: 5_310 - kept.length } });
  t.deepEqual(faults(at), []);
  t.deepEqual(scribe.told.broke, []);
});

testWith(['root'], 'a disk that is read-only at the start is told, and survived once it can be written', t => {
  const { root, remount } = disk(t, '4m');
  const at = place(t, { directory: join(root, 'audit') });
  written(at, 300);
  remount('ro');
  using scribe = desk(at);
  scribe.write(...records(300, 5));
  t.false(scribe.flush());
  t.regex(scribe.failure ?? '', /EROFS/);
  remount('rw');
  t.true(scribe.flush());
  scribe.seal();
  t.deepEqual(numbers(at), range(0, 305));
  t.deepEqual(faults(at), []);
});

testWith(['root'], 'a disk that is full at the start is asked again', t => {
  const { root } = disk(t, '64k');
  const filler = join(root, 'filler');
  mkdirSync(join(root, 'audit'), { mode: 0o700 });
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
  const at = place(t, { directory: join(root, 'audit') });
  using scribe = desk(at);
  t.not(scribe.failure, null);
  scribe.write(record(0));
  t.false(scribe.flush());
  rmSync(filler);
  spawnSync('mount', ['-o', 'remount,size=1m', root]);
  t.true(scribe.flush());
  t.deepEqual(numbers(at), [0]);
});

test('a directory that cannot be used is a matter of the configuration', t => {
  const at = place(t);
  using _ = openTrail(at);
  t.throws(() => desk(at), { instanceOf: ConfigError });
});

test('a trail that is taken away while the agent runs is told and goes on as the next epoch', t => {
  const at = place(t);
  using scribe = desk(at);
  scribe.write(...records(0, 3));
  scribe.seal();
  rmSync(at.directory, { recursive: true });
  scribe.write(...records(3, 3));
  for (let tries = 0; tries < 3 && scribe.told.broke.length === 0; tries++) scribe.seal();
  t.is(scribe.told.broke.length, 1);
  scribe.write(...records(6, 1));
  scribe.seal();
  t.is(found(at)[0]?.epoch, 2);
  t.deepEqual(numbers(at).at(-1), 6);
});

test('who reads the trail is told, once, under the name of who did it', async t => {
  const at = place(t);
  using scribe = desk(at);
  leaveNotice(at.directory, 'export --format csv');
  leaveNotice(at.directory, 'a\u202e\n'.repeat(900));
  const notices = join(at.directory, 'notices');
  writeFileSync(join(notices, '1-0123456789ab'), '{"at": 5');
  symlinkSync('/etc/passwd', join(notices, '2-0123456789ab'));
  writeFileSync(join(notices, 'stray'), '');
  await delay(5_200);
  scribe.flush();
  const told = found(at).filter(({ entry }) => entry.action === 'trail.read').map(({ entry }) => entry);
  t.is(told.length, 4);
  t.deepEqual(told.map(({ outcome }) => outcome).sort(), ['a notice that cannot be read', 'a notice that cannot be read', 'read', 'read']);
  t.true(told.some(({ actor, detail }) => actor.startsWith(`uid:${process.getuid?.()}`) && detail['what'] === 'export --format csv'));
  t.false(JSON.stringify(told).includes('\u202e'));
  t.deepEqual(readdirSync(notices), ['stray']);
});

testWith(['root'], 'what root leaves in the folder of an agent that is not root belongs to that agent', t => {
  const at = place(t);
  mkdirSync(at.directory, { mode: 0o700 });
  chownSync(at.directory, 65_534, 65_534);
  leaveNotice(at.directory, 'verify');
  const notices = join(at.directory, 'notices');
  createKey(join(at.directory, 'keys/audit.key'));
  for (const path of [notices, join(notices, readdirSync(notices)[0] ?? ''), join(at.directory, 'keys'), join(at.directory, 'keys/audit.key')]) t.is(statSync(path).uid, 65_534, path);
});

test('a folder of notices that is none stops nothing', async t => {
  const at = place(t);
  using scribe = desk(at);
  writeFileSync(join(at.directory, 'notices'), '');
  await delay(5_200);
  scribe.write(record(0));
  t.true(scribe.flush());
  renameSync(join(at.directory, 'notices'), join(at.directory, '..', 'was'));
  t.deepEqual(numbers(at), [0]);
});
