import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { bootId, hostIdentity, ownProcess } from '../../../../collectors/kernel/procfs/identity.ts';
import { folder, here } from './tree.ts';

test('this host has a name, a kernel, a system, and an id that stays', async t => {
  const state = folder(t);
  const one = await hostIdentity(here, state);
  t.deepEqual(await hostIdentity(here, state), one);
  t.regex(one.id, /^[0-9a-f]{32}$/);
  t.is(one.name, hostname());
  t.is(one.kernel, release());
  t.not(one.os, '');
  t.regex(bootId(here), /^[0-9a-f-]{36}$/);
});

test('the agent itself is named as /proc numbers it, and not at all where /proc is of no such process', t => {
  t.is(ownProcess(here)?.pid, process.pid);
  t.is(ownProcess({ ...here, proc: folder(t) }), null);
});

test('the machine id is that of the watched host, and a hostile system name is escaped', async t => {
  const root = folder(t);
  const host = { ...here, proc: join(root, 'proc') };
  mkdirSync(join(host.proc, '1'), { recursive: true });
  mkdirSync(join(root, 'image/etc'), { recursive: true });
  symlinkSync(join(root, 'image'), join(host.proc, '1/root'));
  writeFileSync(join(root, 'image/etc/machine-id'), `${'0a'.repeat(16)}\n`);
  writeFileSync(join(root, 'image/etc/os-release'), 'NAME=x\nPRETTY_NAME="Some \x1b[2JLinux 1"\n');
  const identity = await hostIdentity(host, root);
  t.like(identity, { id: '0a'.repeat(16), os: 'Some \\x1b[2JLinux 1' });
  t.throws(() => bootId(host), { instanceOf: RangeError });
});

test('without a machine id a random one is kept, for the agent alone to read', async t => {
  const root = folder(t);
  const host = { ...here, proc: join(root, 'proc') };
  const state = join(root, 'state');
  const { id } = await hostIdentity(host, state);
  t.regex(id, /^[0-9a-f]{32}$/);
  t.is((await hostIdentity(host, state)).id, id);
  t.is(readFileSync(join(state, 'host-id'), 'utf8').trim(), id);
  t.is(statSync(join(state, 'host-id')).mode & 0o777, 0o600);
});
