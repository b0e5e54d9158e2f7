import test from 'ava';
import { assembleKernel, weightKernel } from '../../../../detectors/formats/weights/kernel.ts';
import { blockBytes, candidates, rawBase, readings, results } from '../../../../detectors/formats/weights/layout.ts';
import { allows, signatures } from '../../../../detectors/formats/weights/signatures.ts';
import { emptySummary, join } from '../../../../detectors/formats/weights/summary.ts';
import { gaussian, floats, random } from './families.ts';

test('the assembled module is valid, and small', t => {
  const bytes = assembleKernel();
  t.true((globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } }).WebAssembly.validate(bytes));
  t.true(bytes.length < 16_384, String(bytes.length));
});

test('its sums over a block are those of plain arithmetic', t => {
  const kernel = weightKernel();
  const bytes = floats(16_384, gaussian(1));
  const values = new Float32Array(bytes.buffer);
  kernel.memory.set(bytes, rawBase);
  kernel.summarise(rawBase, rawBase + blockBytes);
  const total = (place: number) => [0, 4, 8, 12].reduce((sum, lane) => sum + kernel.view.getUint32(place + lane, true), 0);
  const plain = (index: number) => bytes.reduce((sum, byte, at) => sum + (at % 4 === index ? byte : 0), 0);
  t.is(total(results.top), plain(2));
  t.is(total(results.topSquares), bytes.reduce((sum, byte, at) => sum + (at % 4 === 2 ? byte * byte : 0), 0));
  const pair = (place: number) => kernel.view.getFloat64(place, true) + kernel.view.getFloat64(place + 8, true);
  t.true(Math.abs(pair(results.sum) - values.reduce((sum, value) => sum + value, 0)) < 1e-9);
  t.is(Math.min(...[0, 4, 8, 12].map(lane => kernel.view.getFloat32(results.least + lane, true))), Math.min(...values));
});

const matching = ([one = 0, two = 0, three = 0, four = 0, second = 0, third = 0, fourth = 0]: readonly number[]): number => signatures.filter(signature =>
  [one, two, three, four].every((byte, place) => allows(signature, place, byte)) && (signature.starts !== 'MZ' || (second <= 16 && third + fourth === 0))).length;

/** Noise in which many a signature begins, in every lane. */
function seeded(length: number, seed: number): Uint8Array {
  const next = random(seed);
  const bytes = Uint8Array.from({ length: length + 256 }, () => Math.floor(next() * 256));
  for (let count = 0; count < 300; count++) {
    const starts = signatures[Math.floor(next() * signatures.length)]?.starts ?? '';
    const reading = readings[Math.floor(next() * readings.length)];
    const start = 4 * Math.floor(next() * (length / 4 - 8));
    Array.from(starts).forEach((letter, index) => { bytes[start + (reading?.offsets[index] ?? index)] = letter.charCodeAt(0); });
    if (starts === 'MZ' && next() < 0.7) for (const index of [4, 5, 6]) bytes[start + (reading?.offsets[index] ?? index)] = 0;
  }
  return bytes;
}

function candidatesOf(run: (from: number, end: number) => void, bytes: Uint8Array, length: number): readonly (readonly [number, number])[] {
  const kernel = weightKernel();
  kernel.memory.set(bytes, rawBase);
  run(rawBase, rawBase + length);
  return Array.from({ length: kernel.view.getUint32(results.found, true) }, (_, index) => {
    const slot = candidates.at + candidates.bytes * index;
    return [kernel.view.getUint32(slot, true) - rawBase, kernel.view.getUint32(slot + 4, true)] as const;
  });
}

test('it finds the beginnings that a plain search finds, in all lanes of floats', t => {
  for (let seed = 0; seed < 10; seed++) {
    const length = 8_192;
    const bytes = seeded(length, seed);
    const expected: string[] = [];
    for (let start = 0; start < length; start += 4) {
      readings.forEach(({ offsets }, number) => {
        for (let times = matching(offsets.map(offset => bytes[start + offset] ?? 0)); times > 0; times--) expected.push(`${start + (offsets[0] ?? 0)} ${number}`);
      });
    }
    const found = candidatesOf(weightKernel().sift, bytes, length).map(([place, reading]) => `${place} ${reading}`);
    t.true(expected.length > 150);
    t.deepEqual(found.sort(), expected.sort());
  }
});

test('it finds the beginnings that a plain search finds, in bytes', t => {
  for (let seed = 20; seed < 30; seed++) {
    const length = 8_192;
    const bytes = seeded(length, seed);
    const expected = Array.from({ length }, (_, at) => at).flatMap(at => Array.from({ length: matching([0, 1, 2, 3, 61, 62, 63].map(offset => bytes[at + offset] ?? 0)) }, () => at));
    t.deepEqual(candidatesOf(weightKernel().scan, bytes, length).map(([place]) => place), expected);
  }
});

test('joined parts are as the whole', t => {
  const one = { ...emptySummary, count: 2, least: 1, most: 3, mean: 2, deviations: 2, nan: 1 };
  const two = { ...emptySummary, count: 1, least: 8, most: 8, mean: 8, deviations: 0, infinite: 2 };
  t.deepEqual(join(one, two), { count: 3, least: 1, most: 8, mean: 4, deviations: 26, nan: 1, infinite: 2 });
  t.deepEqual(join(emptySummary, two), two);
  t.deepEqual(join(two, emptySummary), two);
});
