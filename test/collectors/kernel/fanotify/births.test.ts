import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import type { Process } from '../../../../agent/contract/process.ts';
import { createActors } from '../../../../collectors/kernel/fanotify/actors.ts';
import { bornIn } from '../../../../collectors/kernel/fanotify/births.ts';
import { openProcess } from '../../../../collectors/kernel/fanotify/libc.ts';
import { host } from '../inotify/watching.ts';

function message(what: number, tgid: number): Buffer {
  const bytes = Buffer.alloc(76);
  bytes.writeUInt32LE(what, 36);
  bytes.writeInt32LE(tgid + 1, 52);
  bytes.writeInt32LE(tgid, 56);
  return bytes;
}

test('only a program that starts is a birth, by the pid of its process, not of its thread', t => {
  t.is(bornIn(message(2, 77), 76), 77);
  t.deepEqual([1, 4, 0x8000_0000].map(what => bornIn(message(what, 77), 76)), [null, null, null]);
  t.is(bornIn(message(2, 77), 40), null);
  t.is(bornIn(message(2, -1), 76), null);
});

test('no bytes break the reading of a message', t => {
  t.notThrows(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(120), (bytes, length) => { bornIn(Buffer.from(bytes), length); })));
});

function actors() {
  const told = new Map<number, Process>();
  const all = createActors(host, (number, process) => { told.set(number, process); }, 60_000);
  const finish = (number: number | null): Process | undefined => { while (all.finishOne()); return number === null ? undefined : told.get(number); };
  return { all, told, finish };
}
const sleeper = async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  await once(child, 'spawn');
  return { pid: child.pid ?? 0, async end() { child.kill('SIGKILL'); await once(child, 'exit'); } };
};
const pidfdOf = (pid: number): number => { const opened = openProcess(pid); return 'value' in opened ? opened.value : -1; };

test('a program that was looked at when it started is known after it is gone', async t => {
  const { all, told, finish } = actors();
  const child = await sleeper();
  all.expect(child.pid);
  await child.end();
  t.is(told.size, 0, 'nobody has asked for it yet');
  const process = finish(all.find(child.pid, -1));
  t.like(process, { pid: child.pid, argv: ['sleep', '600'] });
  t.is(process?.executable.path, realpathSync('/bin/sleep'));
});

test('a program that nobody looked at is not known after it is gone, and no other is taken for it', async t => {
  const { all } = actors();
  const [one, other] = [await sleeper(), await sleeper()];
  all.expect(other.pid);
  await one.end();
  t.is(all.find(one.pid, -1), null);
  await other.end();
});

test('what is known of a pid is forgotten when another process has it', async t => {
  const { all, finish } = actors();
  const [one, other] = [await sleeper(), await sleeper()];
  t.teardown(other.end);
  all.expect(one.pid);
  await one.end();
  // As if the kernel had given the number out again: the descriptor that comes with it is another process's.
  t.is(finish(all.find(other.pid, pidfdOf(other.pid)))?.pid, other.pid);
  t.is(all.find(one.pid, pidfdOf(other.pid)), null);
});

test('the same process is one actor as long as it is the same program and user', async t => {
  const { all, told, finish } = actors();
  const child = await sleeper();
  t.teardown(child.end);
  const numbers = Array.from({ length: 5 }, () => { all.next(); return all.find(child.pid, pidfdOf(child.pid)); });
  t.is(new Set(numbers).size, 1);
  t.is(finish(numbers[0] ?? null)?.ancestors[0]?.pid, process.pid);
  t.is(told.size, 1);
});
