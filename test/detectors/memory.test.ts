import test from 'ava';
import type { EventOf } from '../../agent/contract/event.ts';
import memory from '../../detectors/memory.ts';
import { kernelUsed, memory as kept, memoryProtected, mxnetCalled, mxnetMapped, noon, process } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = (entries = kept()) => memory.create(memory.config.parse({}), entries);
const made = (change: Partial<EventOf<'memory.protected'>>) => memoryProtected({ id: 'made', at: soon, ...change });

const rules: readonly (readonly [string, EventOf<'memory.protected'> | EventOf<'kernel.used'>])[] = [
  ['memory.flipped medium', made({ change: 'protected', backing: 'anonymous', writable: false, wasWritable: true })],
  ['memory.flipped medium', made({ change: 'protected', backing: null, writable: false, wasWritable: null })],
  ['memory.flipped medium', made({ change: 'protected', backing: 'file', writable: false, wasWritable: true })],
  ['memory.patched-code high', made({ change: 'protected', backing: 'file', writable: true, wasWritable: false })],
  ['memory.unlinked-code high', made({ change: 'mapped', backing: 'unlinked', writable: false, wasWritable: null, bytes: null })],
  ['memory.anonymous-code medium', made({ change: 'mapped', backing: 'anonymous', writable: true, wasWritable: null, bytes: 65_536 })],
  ['memory.anonymous-code medium', made({ change: 'mapped', backing: 'anonymous', writable: false, wasWritable: null, bytes: null })],
  ['memory.anonymous-code medium', made({ change: 'protected', backing: null, writable: true, wasWritable: null, bytes: 4_096 })],
  ['memory.memory-file low', kernelUsed({ id: 'made', at: soon, interface: 'memfd', detail: 'payload' })],
];
for (const [expected, event] of rules) {
  const shown = event.kind === 'kernel.used' ? 'a memory file' : `${event.change} ${event.backing}, ${event.writable ? 'writable' : 'not writable'}, ${event.bytes} bytes`;
  test(`${expected} after a load: ${shown}`, t => {
    const found = afterLoad(start())(event);
    t.deepEqual(told(found), [expected]);
    t.deepEqual(found[0]?.because, ['made', 'load']);
    t.deepEqual(unnamed(found), []);
  });
}

const habits: readonly (readonly [string, Partial<EventOf<'memory.protected'>>])[] = [
  ['the page that libffi maps for closures of ctypes', { change: 'mapped', backing: 'anonymous', writable: true, wasWritable: null, bytes: 4_096 }],
  ['the same where the sensor does not know the size', { change: 'mapped', backing: 'anonymous', writable: true, wasWritable: null, bytes: null }],
  ...[20_480, 65_536, 100_000, 262_144, 327_680].map(bytes => [`a kernel of oneDNN of ${bytes} bytes`, { change: 'protected', backing: 'anonymous', writable: true, wasWritable: true, bytes }] as const),
  ['a kernel of oneDNN as system calls show it', { change: 'protected', backing: null, writable: true, wasWritable: null, bytes: 262_144 }],
];
for (const [title, change] of habits) {
  test(`${title} is MXNet's own habit`, t => { t.deepEqual(afterLoad(start())(made(change)), []); });
}

test('what a compiler does before the first load is its habit, also after a restart', t => {
  const flip = { change: 'protected', backing: 'anonymous', writable: false, wasWritable: true } as const;
  const entries = kept();
  const see = beforeLoad(start(entries));
  t.deepEqual(told(see(made({ ...flip, at: noon - 2_000 }))), ['memory.flipped low']);
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(see(made(flip)), []);
  t.deepEqual(afterLoad(start(kept(entries.entries)))(made(flip)), []);
});

test('what begins inside the very first load is no habit: it is told in full when the call returns', t => {
  const flip = { change: 'protected', backing: 'anonymous', writable: false, wasWritable: true } as const;
  const see = beforeLoad(start());
  see(made({ ...flip, at: noon + 200 }));
  t.deepEqual(told(see(mxnetCalled({ id: 'load', at: noon, durationMs: 500 }))), ['memory.flipped medium']);
  see(mxnetCalled({ id: 'second', at: noon + 1_000 }));
  t.deepEqual(told(see(made({ ...flip, at: noon + 2_000 }))), ['memory.flipped medium']);
});

test('an hour after the load it is one step less, without any load two', t => {
  const patch = made({ backing: 'file', writable: true, wasWritable: false });
  t.deepEqual(told(afterLoad(start())({ ...patch, at: later })), ['memory.patched-code medium']);
  t.deepEqual(told(beforeLoad(start())({ ...patch, at: noon - 1_000 })), ['memory.patched-code low']);
});

test('a child that compiles while it runs is left out, one that should not is told', t => {
  const see = afterLoad(start());
  const flip = (path: string) => made({ process: tool(path), writable: false });
  t.deepEqual(see(flip('/usr/bin/node')), []);
  t.deepEqual(told(see(flip('/usr/bin/dash'))), ['memory.flipped medium']);
});

test('the same is told once after each load, and what the operator has excepted not at all', t => {
  const see = afterLoad(start());
  const flip = made({ writable: false });
  t.is(see(flip).length, 1);
  t.deepEqual(see({ ...flip, at: soon + 1 }), []);
  see(mxnetCalled({ id: 'second', at: soon + 2 }));
  t.deepEqual(see({ ...flip, at: soon + 3 })[0]?.because, ['made', 'second']);
  const silenced = afterLoad(memory.create(memory.config.parse({}), kept(), rule => rule === 'memory.flipped'));
  t.deepEqual(silenced(flip), []);
});

test('a process that only has MXNet mapped elsewhere says nothing about this tree', t => {
  const see = start();
  see(mxnetMapped({ process: process({ pid: 9 }) }));
  see(mxnetCalled({ process: process({ pid: 9 }) }));
  t.deepEqual(told(see(made({ writable: false }))), ['memory.flipped low']);
});
