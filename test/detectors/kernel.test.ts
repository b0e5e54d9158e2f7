import test from 'ava';
import type { EventOf } from '../../agent/contract/event.ts';
import kernel from '../../detectors/kernel.ts';
import { kernelUsed, memory, mxnetCalled, noon } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = () => kernel.create(kernel.config.parse({}), memory());
const used = (name: EventOf<'kernel.used'>['interface'], change: Partial<EventOf<'kernel.used'>> = {}) => kernelUsed({ id: 'use', at: soon, interface: name, detail: '', ...change });

for (const [name, expected] of [['module', 'kernel.module critical'], ['bpf', 'kernel.bpf high'], ['perf', 'kernel.perf medium'], ['io_uring', 'kernel.io-uring medium']] as const) {
  test(`${name} after a load is ${expected}`, t => {
    const found = afterLoad(start())(used(name));
    t.deepEqual(told(found), [expected]);
    t.deepEqual(found[0]?.because, ['use', 'load']);
    t.deepEqual(unnamed(found), []);
  });
}

test('a profiler in the tree is low, a program of its name that has MXNet itself is not', t => {
  t.deepEqual(told(afterLoad(start())(used('perf', { process: tool('/usr/bin/perf') }))), ['kernel.perf low']);
  t.deepEqual(told(afterLoad(start())(used('io_uring', { process: tool('/usr/bin/node') }))), ['kernel.io-uring low']);
  t.deepEqual(told(afterLoad(start())(used('bpf', { process: tool('/usr/bin/node') }))), ['kernel.bpf high']);
});

test('a ring that the program makes before its first load is its habit', t => {
  const see = beforeLoad(start());
  see(used('io_uring', { at: noon - 1_000 }));
  see(mxnetCalled());
  t.deepEqual(see(used('io_uring')), []);
  t.deepEqual(told(see(used('bpf'))), ['kernel.bpf high']);
});

test('interfaces of which other detectors speak are not told here', t => {
  for (const name of ['memfd', 'mount', 'namespace', 'capability'] as const) t.deepEqual(afterLoad(start())(used(name)), []);
});

test('what was refused says so, and later it is one step less', t => {
  t.regex(afterLoad(start())(used('bpf', { allowed: false }))[0]?.summary ?? '', /which the kernel refused, 1\.0 s after "\/srv\/models\/model-0000\.params" was loaded$/);
  t.deepEqual(told(afterLoad(start())(used('module', { at: later }))), ['kernel.module high']);
});
