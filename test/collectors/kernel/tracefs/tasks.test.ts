import test from 'ava';
import { createTasks, type Outcome } from '../../../../collectors/kernel/tracefs/tasks.ts';
import type { Signalled } from '../../../../collectors/kernel/tracefs/wire.ts';

const ref = (pid: number) => ({ pid, startTicks: pid * 10 });
const cloned = (tid: number, child: number, flags = 0) => ({ kind: 'cloned' as const, at: 1, tid, child, flags });
const exited = (tid: number, at = 5, last: boolean | null = null, status: number | null = null) => ({ kind: 'exited' as const, at, tid, last, status });
const signalled = (tid: number, signal: number, at = 4, status: number | null = null): Signalled => ({ kind: 'signalled', at, tid, signal, code: 0, byDefault: true, status });
const statusOf = (outcome: Outcome | null) => (outcome?.type === 'ended' ? outcome.status : 'lives');
const watched = () => { const tasks = createTasks(); tasks.adopt(1, [{ ref: ref(1), parent: null, tids: [1, 2] }]); return tasks; };

test('a clone belongs to the tree of its maker, also a grandchild whose maker is gone', t => {
  const tasks = watched();
  tasks.cloned(cloned(2, 30), ref(30));
  tasks.cloned(cloned(30, 31), ref(31));
  t.is(statusOf(tasks.exited(exited(30))), null);
  t.like(tasks.of(31), { root: ref(1), parent: ref(30) });
});

test('a thread is no process, and its process ends with its last thread', t => {
  const tasks = watched();
  tasks.cloned(cloned(1, 3, 0x10000), ref(3));
  t.is(tasks.of(3)?.ref.pid, 1);
  t.is(tasks.exited(exited(1))?.type, 'thread-ended');
  t.is(tasks.exited(exited(2))?.type, 'thread-ended');
  t.is(tasks.exited(exited(3))?.type, 'ended');
  t.is(tasks.of(3)?.ref.pid, 1, 'what it sent in its last second is still known to be of this process');
});

test('what was found in /proc before its clone was told keeps its maker', t => {
  const tasks = watched();
  tasks.adopt(30, [{ ref: ref(30), parent: ref(999), tids: [30] }]);
  tasks.cloned(cloned(1, 30), ref(30));
  t.like(tasks.of(30), { parent: ref(1), root: ref(1) });
});

test('a process that turns out to have MXNet itself is the root of what it starts', t => {
  const tasks = watched();
  tasks.cloned(cloned(1, 30), ref(30));
  t.true(tasks.promote(30));
  tasks.cloned(cloned(30, 31), ref(31));
  t.is(tasks.of(31)?.root.pid, 30);
  t.false(tasks.promote(555));
});

test('how a process ended: by what /proc said, else by its signals, else unknown', t => {
  t.deepEqual(statusOf(watched().exited(exited(1, 5, true, 255 << 8))), { code: 255 });
  t.deepEqual(statusOf(watched().exited(exited(1, 5, true, 15))), { signal: 'SIGTERM' });
  t.is(statusOf(watched().exited(exited(1, 5, true))), null);

  const crashed = watched();
  crashed.signalled(signalled(2, 11));
  crashed.signalled(signalled(1, 9));
  crashed.exited(exited(2));
  t.deepEqual(statusOf(crashed.exited(exited(1, 5, true))), { signal: 'SIGSEGV' });

  const killed = watched();
  for (const tid of [1, 2]) killed.signalled(signalled(tid, 9));
  killed.exited(exited(2));
  t.deepEqual(statusOf(killed.exited(exited(1, 5, true))), { signal: 'SIGKILL' });
});

test('one thread calls exit(): the SIGKILL of the others is not what ended the process', t => {
  const tasks = watched();
  tasks.exited(exited(1, 3, false));
  tasks.signalled(signalled(2, 9, 4));
  t.is(statusOf(tasks.exited(exited(2, 5, true))), null);
});

test('execve by another thread: it goes on under the number of the process', t => {
  const tasks = watched();
  tasks.exited(exited(1, 3, false));
  const outcome = tasks.executed({ kind: 'executed', at: 4, tid: 2, pid: 1, file: '/bin/sh', serial: null });
  t.is(outcome?.type, 'executed');
  t.is(tasks.exited(exited(1, 9))?.type, 'ended');
});

test('a number that is used again is another process', t => {
  const tasks = watched();
  tasks.cloned(cloned(1, 30), ref(30));
  tasks.exited(exited(30));
  tasks.cloned(cloned(1, 30), { pid: 30, startTicks: 999 });
  t.is(tasks.of(30)?.ref.startTicks, 999);
});
