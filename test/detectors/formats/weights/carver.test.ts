import test from 'ava';
import { elf, payloads, source } from './payloads.ts';
import { families, floats, gaussian, hide, random } from './families.ts';
import { observe } from './inspect-values.ts';
import { recognise } from '../../../../detectors/formats/weights/recognise.ts';

const count = 40_000;
const normal = floats(count, gaussian(3));

for (const { name, bytes, rule } of payloads) {
  test(`${name} is found in the values, wherever it begins`, t => {
    for (const at of [0, 1, 4_097, 65_535, 65_536 - 30, 131_072 - 2, normal.length - bytes.length]) {
      const file = Uint8Array.from(normal);
      file.set(bytes, at);
      const found = observe(file, 'float32', 24).find(observation => observation.rule === rule);
      t.truthy(found, `at ${at}`);
      if (rule !== 'weights.text') t.is(found?.where?.offset, at + 24);
    }
  });

  test(`${name} is found in the low bytes of float32`, t => {
    for (const [taken, swapped] of [[1, false], [2, false], [2, true], [3, false], [3, true]] as const) {
      for (const first of [0, 5, 16_384 - 7, count - Math.ceil(bytes.length / taken)]) {
        const found = observe(hide(normal, bytes, 4, taken, swapped, first), 'float32').find(observation => observation.rule === rule);
        t.truthy(found, `${taken} bytes, swapped ${swapped}, from value ${first}`);
        if (rule !== 'weights.text') t.is(found?.where?.offset, first * 4);
      }
    }
  });
}

test('an ELF is found behind a length of four bytes in the low bytes', t => {
  const framed = Uint8Array.from([elf.length & 255, elf.length >> 8, 0, 0, ...elf]);
  for (const [taken, swapped] of [[1, false], [2, false], [2, true], [3, false], [3, true]] as const) {
    t.true(observe(hide(normal, framed, 4, taken, swapped, 9), 'float32').some(({ rule }) => rule === 'weights.elf'), `${taken} ${swapped}`);
  }
});

test('an ELF is found in the low bytes of float64, float16, bfloat16, and of integers', t => {
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

test('programs are high, packed data medium, and each has evidence and techniques', t => {
  for (const { bytes, rule } of payloads) {
    const file = Uint8Array.from(normal);
    file.set(bytes, 1_000);
    const found = observe(file, 'float32').find(observation => observation.rule === rule);
    t.is(found?.severity, /elf|pe|pickle|script/.test(rule) ? 'high' : 'medium', rule);
    t.true((found?.evidence?.length ?? 0) > 10 && (found?.techniques.length ?? 0) > 0);
  }
});

test('a bare MZ, PK, ELF magic or gzip magic is no evidence', t => {
  for (const start of ['MZ\x90\0', 'PK\x03\x04', '\x7fELF', '\x1f\x8b\x08\0', '\x80\x02}q\0', '#!/', 'BZh9', '\xfd7zXZ']) {
    const file = Uint8Array.from(normal);
    file.set(Uint8Array.from(start, letter => letter.charCodeAt(0)), 1_001);
    t.deepEqual(observe(file, 'float32'), [], start);
  }
});

test('sixteen megabytes of noise hold nothing', t => {
  const next = random(77);
  const words = new Uint32Array(4_000_000).map(() => next() * 2 ** 32);
  t.deepEqual(observe(new Uint8Array(words.buffer), 'float32'), []);
  t.deepEqual(observe(new Uint8Array(words.buffer), 'uint8'), []);
});

test('a file made of false beginnings is told, not searched for ever', t => {
  const start = Uint8Array.from([0x80, 2, 0x7d, 0x71]);
  const file = Uint8Array.from({ length: 2_000_000 }, (_, index) => start[index % 4] ?? 0);
  t.deepEqual(observe(file, 'uint8').map(({ rule }) => rule), ['weights.decoys']);
});

test('text is told in floats, not in tensors of bytes', t => {
  const file = Uint8Array.from(normal);
  file.set(source, 5_000);
  t.deepEqual(observe(file, 'float32').map(({ rule }) => rule), ['weights.text']);
  t.deepEqual(observe(file, 'uint8'), []);
});

test('a header cut by the end is nothing', t => {
  for (const { bytes, rule } of payloads.filter(({ rule }) => rule === 'weights.elf' || rule === 'weights.pe')) t.is(recognise(bytes.subarray(0, 40)), null, rule);
});

for (const [name, family] of Object.entries(families)) {
  test(`${name}: no finding`, t => {
    for (let seed = 0; seed < 8; seed++) t.deepEqual(observe(floats(50_000, family(seed)), 'float32'), [], `seed ${seed}`);
  });
}
