import fc from 'fast-check';
import test from 'ava';
import { baselineOf, createRing, createSustained, threshold } from '../../../detectors/statistics/hampel.ts';

const limits = { deviations: 6, ratio: 2, floor: 0.5 };

test('median and scaled deviation of a known sample', t => {
  const { median, sigma } = baselineOf([1, 1, 2, 2, 4, 6, 9]);
  t.is(median, 2);
  t.is(sigma, 1.4826);
  t.is(baselineOf([1, 3]).median, 2);
  t.throws(() => baselineOf([]), { instanceOf: RangeError });
});

test('for a normal sample the scaled deviation is near the standard deviation', t => {
  let state = 7;
  const random = () => { state = (state * 48_271) % 2_147_483_647; return state / 2_147_483_647; };
  const normal = () => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
  const { sigma } = baselineOf(Array.from({ length: 20_000 }, normal));
  t.true(Math.abs(sigma - 1) < 0.05, `${sigma}`);
});

test('fewer than half of the values, however wild, move the median no further than the others reach', t => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 11, maxLength: 60 }), fc.double({ min: 0, max: 1e12, noNaN: true }), (good, wild) => {
    const { median } = baselineOf([...good, ...new Array(good.length - 1).fill(wild)]);
    return median >= Math.min(...good) && median <= Math.max(...good);
  }));
  t.pass();
});

test('the threshold is the strictest of deviation, ratio, floor and the highest tenth', t => {
  t.is(threshold({ median: 1, sigma: 0.5, high: 0 }, limits), 4);
  t.is(threshold({ median: 10, sigma: 0.1, high: 0 }, limits), 20);
  t.is(threshold({ median: 0, sigma: 0, high: 0 }, limits), 0.5);
  t.is(threshold({ median: 1, sigma: 0.1, high: 8 }, limits), 10);
});

test('a ring keeps the last values', t => {
  const ring = createRing(3);
  t.is(ring.length, 0);
  for (const value of [1, 2, 3, 4]) ring.push(value);
  t.deepEqual([...ring.values()].sort(), [2, 3, 4]);
  t.is(ring.written, 4);
});

test('ten of twelve are sustained, nine are not, and old ones fall out', t => {
  const sustained = createSustained(10, 12);
  const nine = [1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1].map(each => sustained.push(each === 1));
  t.false(nine.includes(true));
  t.true(sustained.push(true));
  sustained.reset();
  t.false(sustained.push(true));
});
