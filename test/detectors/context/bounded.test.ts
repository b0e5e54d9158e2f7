import fc from 'fast-check';
import test from 'ava';
import { bounded, createOnce, createTally } from '../../../detectors/context/bounded.ts';

test('it never holds more than its cap, and forgets who was set longest ago', t => {
  fc.assert(fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 10 }), (keys, cap) => {
    const map = bounded<number, number>(cap);
    for (const [at, key] of keys.entries()) map.set(key, at);
    const expected = [...new Set([...keys].reverse())].slice(0, cap);
    return map.size === expected.length && expected.every(key => map.get(key) === keys.lastIndexOf(key));
  }));
  t.pass();
});

test('reading does not refresh, deleting makes room', t => {
  const map = bounded<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  t.false(map.has('a'));
  map.delete('b');
  map.set('d', 4);
  t.is(map.get('c'), 3);
});

test('a tally tells so many times and marks the last', t => {
  const tally = createTally(2);
  t.deepEqual([tally('a'), tally('a'), tally('a'), tally('b')], [
    { tell: true, last: false }, { tell: true, last: true }, { tell: false, last: false }, { tell: true, last: false },
  ]);
});

test('once is once per key', t => {
  const once = createOnce();
  t.deepEqual([once('a'), once('a'), once('b')], [true, false, true]);
});
