import test from 'ava';
import fc from 'fast-check';
import { createTimeline } from '../../../../collectors/kernel/tracefs/timeline.ts';
import type { Executed, Exited } from '../../../../collectors/kernel/tracefs/wire.ts';

const exited = (at: number): Exited => ({ kind: 'exited', at, tid: 1, last: null, status: null });
const executed = (at: number, serial: number | null, pid = 1): Executed => ({ kind: 'executed', at, tid: pid, pid, file: '/bin/sh', serial });

test('records that come in any order within the hold are told in the order of their time', t => {
  fc.assert(fc.property(fc.array(fc.nat(1_000), { maxLength: 50 }), times => {
    const line = createTimeline();
    for (const at of times) line.add(exited(at), 0);
    t.deepEqual(line.take(1), []);
    t.deepEqual(line.take(1_000).map(record => record.at), times.toSorted((one, other) => one - other));
    t.is(line.length, 0);
  }));
});

test('one that waits for what is read from its process holds up what comes after, but not for ever', t => {
  const line = createTimeline();
  line.add(executed(1, 5), 0);
  line.add(exited(2), 0);
  t.is(line.take(100).length, 0);
  line.amend({ kind: 'amended', serial: 5, at: 3, bytes: 'sh\0' });
  const [first] = line.take(100);
  t.true(first?.kind === 'executed' && first.late?.bytes === 'sh\0');
  line.add(executed(10, 6), 1_000);
  t.is(line.take(1_500).length, 1);
});

test('arguments read after the next program had begun are not those of the first', t => {
  for (const order of ['program first', 'arguments first']) {
    const line = createTimeline();
    const first = executed(1, 5);
    line.add(first, 0);
    if (order === 'arguments first') line.amend({ kind: 'amended', serial: 5, at: 9, bytes: 'second\0' });
    line.add(executed(4, 6), 0);
    if (order === 'program first') line.amend({ kind: 'amended', serial: 5, at: 9, bytes: 'second\0' });
    t.true(first.overtaken, order);
    const early = executed(20, 7);
    line.add(early, 0);
    line.amend({ kind: 'amended', serial: 7, at: 21, bytes: 'own\0' });
    line.add(executed(22, 8), 0);
    t.is(early.overtaken, undefined);
  }
});
