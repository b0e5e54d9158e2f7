import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { elf, payloads, source } from './payloads.ts';
import { floats, gaussian, hide, random } from './families.ts';
import { observe } from './inspect-values.ts';
import { recognise } from '../../../../detectors/formats/weights/recognise.ts';

/** On a machine that does much else. */
const patienceMs = 60_000;
const count = 40_000;
const normal = floats(count, gaussian(3));

for (const { name, bytes, rule } of payloads) {
  test(`${name} is found in the values, wherever it begins`, async t => {
    t.timeout(patienceMs);
    await setImmediate();
    for (const at of [0, 1, 4_097, 65_535, 65_536 - 30, 131_072 - 2, normal.length - bytes.length]) {
      const file = Uint8Array.from(normal);
      file.set(bytes, at);
      const found = observe(file, 'float32', 24).find(observation => observation.rule === rule);
      t.truthy(found, `at ${at}`);
      if (rule !== 'weights.text') t.is(found?.where?.offset, at + 24);
    }
  });

  test(`${name} is found in the low bytes of float32`, async t => {
    t.timeout(patienceMs);
    await setImmediate();
    for (const [taken, swapped] of [[1, false], [2, false], [2, true], [3, false], [3, true]] as const) {
      for (const first of [0, 5, 16_384 - 7, count - Math.ceil(bytes.length / taken)]) {
        const found = observe(hide(normal, bytes, 4, taken, swapped, first), 'float32').find(observation => observation.rule === rule);
        t.truthy(found, `${taken} bytes, swapped ${swapped}, from value ${first}`);
        if (rule !== 'weights.text') t.is(found?.where?.offset, first * 4);
      }
    }
  });
}

test('an ELF is found behind a length of four bytes in the low bytes', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  const framed = Uint8Array.from([elf.length & 255, elf.length >> 8, 0, 0, ...elf]);
  for (const [taken, swapped] of [[1, false], [2, false], [2, true], [3, false], [3, true]] as const) {
    t.true(observe(hide(normal, framed, 4, taken, swapped, 9), 'float32').some(({ rule }) => rule === 'weights.elf'), `${taken} ${swapped}`);
  }
});

test('an ELF is found in the low bytes of float64, float16, bfloat16, and of integers', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  const noise = Uint8Array.from({ length: 300_000 }, (next => () => Math.floor(next() * 256))(random(8)));
  const tries = [
    ['float64', 8, [[1, false], [2, false], [4, false], [6, false]]],
    ['float16', 2, [[1, false]]], ['bfloat16', 2, [[1, false]]], ['int32', 4, [[1, false]]], ['int64', 8, [[1, false]]],
  ] as const;
  for (const [dtype, width, lanes] of tries) {
    for (const [taken, swapped] of lanes) {
      t.true(observe(hide(noise, elf, width, taken, swapped, 1_000), dtype).some(({ rule }) => rule === 'weights.elf'), `${dtype} ${taken} ${swapped}`);
    }
  }
});

test('programs are high, packed data medium, and each has evidence and techniques', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  for (const { bytes, rule } of payloads) {
    const file = Uint8Array.from(normal);
    file.set(bytes, 1_000);
    const found = observe(file, 'float32').find(observation => observation.rule === rule);
    t.is(found?.severity, /elf|pe|pickle|script/.test(rule) ? 'high' : 'medium', rule);
    t.true((found?.evidence?.length ?? 0) > 10 && (found?.techniques.length ?? 0) > 0);
  }
});

test('a bare MZ, PK, ELF magic or gzip magic is no evidence', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  for (const start of ['MZ\x90\0', 'PK\x03\x04', '\x7fELF', '\x1f\x8b\x08\0', '\x80\x02}q\0', '#!/', 'BZh9', '\xfd7zXZ']) {
    const file = Uint8Array.from(normal);
    file.set(Uint8Array.from(start, letter => letter.charCodeAt(0)), 1_001);
    t.deepEqual(observe(file, 'float32'), [], start);
  }
});

test('four megabytes of noise hold nothing', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  const next = random(77);
  const words = new Uint32Array(1_000_000).map(() => next() * 2 ** 32);
  t.deepEqual(observe(new Uint8Array(words.buffer), 'float32'), []);
  t.deepEqual(observe(new Uint8Array(words.buffer), 'uint8'), []);
});

test('a file made of false beginnings is told, not searched for ever', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  const start = Uint8Array.from(`\x80\x02}q\0${'N0'.repeat(40)}`, letter => letter.charCodeAt(0));
  const file = Uint8Array.from({ length: 600_000 }, (_, index) => start[index % start.length] ?? 0);
  t.deepEqual(observe(file, 'uint8').map(({ rule }) => rule), ['weights.decoys']);
});

test('text is told in floats, not in tensors of bytes', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  const file = Uint8Array.from(normal);
  file.set(source, 5_000);
  t.deepEqual(observe(file, 'float32').map(({ rule }) => rule), ['weights.text']);
  t.deepEqual(observe(file, 'uint8'), []);
});

test('a header cut by the end is nothing', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  for (const { bytes, rule } of payloads.filter(({ rule }) => rule === 'weights.elf' || rule === 'weights.pe')) t.is(recognise(bytes.subarray(0, 40)), null, rule);
});

test('a tensor of one value, or of a few, is no finding because their bytes look like a beginning', async t => {
  t.timeout(patienceMs);
  await setImmediate();
  for (const bits of [0x3c5a4d00, 0x5a4d0000, 0x00005a4d, 0x3c7d0280, 0x3c088b1f, 0x3c2f2123, 0x3f02804d]) {
    const words = Uint32Array.from({ length: 100_000 }, (_, index) => bits + (index % 3) * 0x01000000);
    t.deepEqual(observe(new Uint8Array(words.buffer), 'float32'), [], bits.toString(16));
    t.deepEqual(observe(new Uint8Array(words.buffer), 'int32'), [], bits.toString(16));
    t.deepEqual(observe(new Uint8Array(words.fill(bits).buffer), 'float32'), [], bits.toString(16));
  }
});
