import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, realpathSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { accessOf, describeProcess, fileIdentity, refOf, resolvePath } from '../../../../collectors/kernel/procfs/describe.ts';
import { testWith } from '../../../services/require.ts';
import { folder, here, madeHost, patience, run, until } from './tree.ts';

test.beforeEach(t => { t.timeout(patience); });

test('a real process: who, what, where, and whose child', async t => {
  const where = folder(t);
  const child = run(t, 'sleep', ['301'], {}, where);
  await until(() => describeProcess(here, child.pid)?.argv.includes('301'));
  const described = describeProcess(here, child.pid);
  t.like(described, { pid: child.pid, argv: ['sleep', '301'], cwd: where, uid: process.getuid?.() });
  t.true(described?.executable.path.startsWith('/'));
  t.deepEqual(described?.executable.file, fileIdentity(statSync(`/proc/${child.pid}/exe`, { bigint: true })));
  t.like(described?.ancestors[0], { pid: process.pid, startTicks: refOf(here, process.pid)?.startTicks });
  t.deepEqual(refOf(here, child.pid), { pid: child.pid, startTicks: described?.startTicks ?? 0 });
});

test('a process that is not there is null', t => {
  const host = madeHost(folder(t), []);
  t.is(describeProcess(host, 12), null);
  t.is(refOf(host, 12), null);
  t.is(resolvePath(host, 12, '/etc/passwd'), null);
});

test('a made-up process: escaped names, a forged mark of deletion, container, login', t => {
  const root = folder(t);
  const host = madeHost(root, [
    { pid: 1, parent: 0, name: 'init', executable: '/sbin/init' },
    { pid: 5, argv: ['py\nthon', '\u202eevil'], executable: '/srv/py (deleted)', cwd: '/srv/a\nb', uid: 77, cgroup: `0::/docker/${'ab'.repeat(32)}\n` },
  ]);
  t.deepEqual(describeProcess(host, 5), {
    pid: 5, startTicks: 500, executable: { path: '/srv/py (deleted)', file: null }, argv: ['py\\x0athon', '\\u{202e}evil'], cwd: '/srv/a\\x0ab', uid: 77,
    loginUid: null, container: { id: 'ab'.repeat(32), runtime: 'docker', podUid: null }, ancestors: [{ pid: 1, startTicks: 500, path: '/sbin/init' }],
  });
});

test('ancestors end after 16, also when they go round', t => {
  const host = madeHost(folder(t), [{ pid: 5, parent: 6, executable: '/bin/a' }, { pid: 6, parent: 5, executable: '/bin/b' }]);
  t.is(describeProcess(host, 5)?.ancestors.length, 16);
});

test('a device number is printed as the kernel prints it in maps', t => {
  const stat = statSync(process.execPath, { bigint: true });
  const line = readFileSync('/proc/self/maps', 'latin1').split('\n').find(each => each.endsWith(process.execPath));
  t.regex(line ?? '', new RegExp(` ${fileIdentity(stat).device} ${fileIdentity(stat).inode} `));
  t.is(fileIdentity(Object.defineProperty(Object.create(stat), 'dev', { value: 0x0000_1000_0012_3f45n })).device, '123f:145');
});

test('a path is resolved as the process means it', async t => {
  const root = folder(t);
  mkdirSync(join(root, 'work/sub'), { recursive: true });
  mkdirSync(join(root, 'models'));
  writeFileSync(join(root, 'models/m.params'), 'x');
  symlinkSync('../models', join(root, 'work/link'));
  symlinkSync('m.params', join(root, 'models/latest'));
  const child = run(t, 'sleep', ['300'], {}, join(root, 'work'));
  const { pid } = child;
  await until(() => describeProcess(here, pid)?.cwd === join(root, 'work'));
  const file = join(root, 'models/m.params');
  for (const raw of ['link/latest', './sub/../link/./m.params', 'link/../models/m.params', file, `file://${file}`, `file://host${file}`, Buffer.from(`${file}\0ignored`), `/proc/self/cwd/link/m.params`, `/proc/self/root${file}`]) {
    const found = resolvePath(here, pid, raw);
    t.is(found?.place.path, file, String(raw));
    t.is(statSync(found?.openPath ?? '', { bigint: true }).ino, statSync(file, { bigint: true }).ino);
  }
  t.is(resolvePath(here, pid, 'sub/none.params')?.place.path, join(root, 'work/sub/none.params'));
  t.is(resolvePath(here, pid, 'file://m.params')?.openPath, '/');
  t.is(resolvePath(here, pid, ''), null);
  t.is(resolvePath(here, pid, 'x'.repeat(9_000)), null);
});

test('/proc/self in a path is the process, not the agent', async t => {
  const child = run(t, 'sh', ['-c', 'exec 7</etc/passwd; exec sleep 300']);
  await until(() => resolvePath(here, child.pid, '/proc/self/fd/7')?.place.path === '/etc/passwd');
  t.is(resolvePath(here, child.pid, '/proc/self/fd/7')?.openPath, `/proc/${child.pid}/fd/7`);
  t.is(resolvePath(here, child.pid, '/dev/fd/7')?.place.path, '/etc/passwd');
  t.is(resolvePath(here, child.pid, 'stdin')?.openPath, `/proc/${child.pid}/fd/0`);
});

test('a loop of links, and one of four thousand names, end', t => {
  const root = folder(t);
  symlinkSync('b', join(root, 'a'));
  symlinkSync('a', join(root, 'b'));
  const found = resolvePath(here, process.pid, join(root, 'a'));
  t.truthy(found);
  t.is(accessOf(found?.openPath ?? ''), null);
  t.truthy(resolvePath(here, process.pid, '/tmp/..'.repeat(1_100)));
  for (let count = 0; count < 39; count++) symlinkSync(`${'up/../'.repeat(600)}l${count + 1}`, join(root, `l${count}`));
  mkdirSync(join(root, 'up'));
  t.true((resolvePath(here, process.pid, join(root, 'l0'))?.place.path.length ?? Number.POSITIVE_INFINITY) <= 8_192);
});

test('a file name that is not UTF-8 can be opened all the same, and two hundred of them leave no descriptors behind', t => {
  const root = folder(t);
  const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x6d, 0xff, 0xfe])]);
  writeFileSync(name, 'hidden');
  const before = statSync('/proc/self/fd').size;
  for (let count = 0; count < 200; count++) {
    const found = resolvePath(here, process.pid, name);
    t.is(found?.place.path, `${root}/m\\xff\\xfe`);
    t.is(readFileSync(found?.openPath ?? '', 'utf8'), 'hidden');
  }
  t.true(statSync('/proc/self/fd').size <= before + 60);
});

test('who may change a file: the nearest folder that others may write into, sticky or not', t => {
  const root = folder(t);
  mkdirSync(join(root, 'open/closed'), { recursive: true });
  const file = join(root, 'open/closed/m.params');
  writeFileSync(file, 'x');
  chmodSync(file, 0o4640);
  chmodSync(join(root, 'open'), 0o1777);
  t.deepEqual(accessOf(file), { uid: process.getuid?.() ?? -1, mode: 0o4640, openFolder: join(root, 'open') });
  chmodSync(join(root, 'open'), 0o755);
  t.not(accessOf(file)?.openFolder, join(root, 'open'));
  chmodSync(join(root, 'open/closed'), 0o775);
  t.is(accessOf(file)?.openFolder, join(root, 'open/closed'));
  t.is(accessOf(join(root, 'none')), null);
  t.is(accessOf('/etc/passwd')?.openFolder, null);
});

test('who may change a file that has no name any more: its owner and mode, no folder', t => {
  const file = join(folder(t), 'gone');
  writeFileSync(file, 'x', { mode: 0o600 });
  const descriptor = openSync(file, 'r');
  unlinkSync(file);
  t.deepEqual(accessOf(`/proc/self/fd/${descriptor}`), { uid: process.getuid?.() ?? -1, mode: 0o600, openFolder: null });
  closeSync(descriptor);
});

test('a made-up process in another root: links lead into it, never out', t => {
  const root = folder(t);
  const jail = join(root, 'jail');
  mkdirSync(join(jail, 'models'), { recursive: true });
  mkdirSync(join(jail, 'etc'));
  writeFileSync(join(jail, 'etc/secret'), 'inside');
  symlinkSync('/etc/secret', join(jail, 'models/absolute'));
  symlinkSync('../../../../../etc/secret', join(jail, 'models/dots'));
  const host = madeHost(root, [{ pid: 8, root: jail, cwd: join(jail, 'models'), executable: join(jail, 'bin/x') }]);
  for (const raw of ['absolute', 'dots', '/models/absolute']) {
    const found = resolvePath(host, 8, raw);
    t.deepEqual(found, { place: { path: join(jail, 'etc/secret'), inside: '/etc/secret' }, openPath: `${host.proc}/8/root/etc/secret` }, raw);
    t.is(readFileSync(found?.openPath ?? '', 'utf8'), 'inside');
    t.is(accessOf(found?.openPath ?? '')?.uid, process.getuid?.());
  }
});

testWith(['root'], 'a process in another mount namespace: its file is found below its root, and where the host has it', async t => {
  const root = folder(t);
  mkdirSync(join(root, 'host-models'));
  mkdirSync(join(root, 'models'));
  writeFileSync(join(root, 'host-models/m.params'), 'x');
  const child = run(t, 'unshare', ['-m', 'sh', '-c', `mount --bind ${root}/host-models ${root}/models && mount -t tmpfs none /mnt && echo y > /mnt/only && cd ${root}/models && exec sleep 300`]);
  await until(() => describeProcess(here, child.pid)?.argv[0] === 'sleep');
  const found = resolvePath(here, child.pid, 'm.params');
  t.deepEqual(found?.place, { path: `${root}/host-models/m.params`, inside: `${root}/models/m.params` });
  t.is(found?.openPath, `/proc/${child.pid}/root${root}/models/m.params`);
  t.is(readFileSync(found?.openPath ?? '', 'utf8'), 'x');
  t.is(accessOf(found?.openPath ?? '')?.openFolder, realpathSync(tmpdir()));
  t.deepEqual(resolvePath(here, child.pid, '/mnt/only')?.place, { path: `/proc/${child.pid}/root/mnt/only`, inside: '/mnt/only' });
});
