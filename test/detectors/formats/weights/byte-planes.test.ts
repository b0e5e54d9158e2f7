import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { gzipSync } from 'node:zlib';
import { families, floats, gaussian, hide, random } from './families.ts';
import { observe } from './inspect-values.ts';

const count = 100_000;
const normal = floats(count, (gauss => () => gauss() * 0.05)(gaussian(5)));
const noise = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (next => () => Math.floor(next() * 256))(random(seed)));
/** Without a readable run or a header: only statistics can see it. */
const machineCode = Uint8Array.from({ length: 130_000 }, (next => () => next() < 0.4 ? Math.floor(next() * 256) : [0x00, 0x48, 0x8b, 0x89, 0xff, 0x0f, 0xe8, 0xc3, 0x83, 0x45][Math.floor(next() * 10)] ?? 0)(random(6)));

test('random data in the low three bytes is too uniform', async t => {
  t.timeout(60_000);
  await setImmediate();
  for (const swapped of [false, true]) {
    const [found, ...more] = observe(hide(normal, noise(180_000, 4), 4, 3, swapped, 20_000), 'float32');
    t.is(found?.rule, 'weights.uniform-bytes');
    t.is(found?.severity, 'medium');
    t.is(more.length, 0);
    t.true((found?.where?.offset ?? 0) >= 65_536 && (found?.where?.length ?? 0) >= 131_072);
  }
});

test('unpacked data in the low one, two or three bytes is not random enough', async t => {
  t.timeout(60_000);
  await setImmediate();
  for (const taken of [1, 2, 3]) {
    t.deepEqual(observe(hide(normal, machineCode.subarray(0, 40_000 * taken), 4, taken, false, 16_384), 'float32').map(({ rule }) => rule), ['weights.structured-bytes'], `${taken}`);
  }
});

test('a compressed payload in the lowest byte cannot be told from weights, and nothing is claimed', async t => {
  t.timeout(60_000);
  await setImmediate();
  const packed = gzipSync(noise(60_000, 9)).subarray(20);
  t.deepEqual(observe(hide(normal, packed, 4, 1, false, 16_384), 'float32'), []);
});

test('one NaN in each window does not hide it', async t => {
  t.timeout(60_000);
  await setImmediate();
  const bytes = hide(normal, noise(180_000, 4), 4, 3, false, 20_000);
  const view = new DataView(bytes.buffer);
  for (let index = 100; index < count; index += 10_000) view.setFloat32(4 * index, Number.NaN, true);
  t.deepEqual(observe(bytes, 'float32').map(({ rule }) => rule), ['weights.uniform-bytes']);
});

test('one odd window among ordinary ones is chance', async t => {
  t.timeout(60_000);
  await setImmediate();
  t.deepEqual(observe(hide(normal, noise(48_000, 4), 4, 3, false, 16_384), 'float32'), []);
});

test('no honest family has an odd pair of windows', async t => {
  t.timeout(60_000);
  await setImmediate();
  let windows = 0;
  for (const [name, family] of Object.entries(families)) {
    const bytes = floats(16_384 * 6, family(11));
    windows += 6;
    t.deepEqual(observe(bytes, 'float32'), [], name);
  }
  t.log(`${windows} windows, 0 findings`);
});
