import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { inspectSource, usualLimits } from '../../detectors/formats/dispatch.ts';
import { ndarrayContainer } from '../../detectors/formats/ndarray/container.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import type { Source } from '../../detectors/formats/source.ts';
import { container, csr, dense, hostileContainers, honestContainers, join, oldest, rowSparse } from '../fixtures/hostile/ndarray.ts';

/** In all, over the properties of this file. */
const runs = Number(process.env.MXWARDEN_FUZZ_RUNS ?? 20_000);

const corpus: readonly Uint8Array[] = [...honestContainers, ...hostileContainers].map(({ bytes }) => bytes)
  .concat(container([dense(), oldest([2]), rowSparse(), csr(), dense({ layout: 'V1' })]));

/** Small and remarkable numbers, in every width that a field has. */
const interesting = fc.constantFrom(0n, 1n, 2n, 32n, 33n, 0x7fn, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn, 0xf993fac9n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n);

type Change = (bytes: Uint8Array) => Uint8Array;
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Uint8Array, share: number): number => Math.floor(share * bytes.length);
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(([share, bit]): Change => bytes => { const copy = Uint8Array.from(bytes); copy[at(copy, share)] = (copy[at(copy, share)] ?? 0) ^ 1 << bit; return copy; }),
  fc.tuple(place, fc.nat(255)).map(([share, value]): Change => bytes => { const copy = Uint8Array.from(bytes); copy[at(copy, share)] = value; return copy; }),
  fc.tuple(place, interesting, fc.constantFrom(4, 8)).map(([share, value, width]): Change => bytes => {
    const copy = Uint8Array.from(bytes);
    const start = at(copy, share) & ~3;
    for (let index = 0; index < width && start + index < copy.length; index++) copy[start + index] = Number(value >> BigInt(8 * index) & 255n);
    return copy;
  }),
  place.map((share): Change => bytes => bytes.slice(0, at(bytes, share))),
  fc.tuple(place, place, fc.constantFrom(...corpus)).map(([one, two, other]): Change => bytes => join(bytes.slice(0, at(bytes, one)), other.slice(at(other, two)))),
  fc.tuple(place, fc.uint8Array({ maxLength: 40 })).map(([share, more]): Change => bytes => join(bytes.slice(0, at(bytes, share)), more, bytes.slice(at(bytes, share)))),
);

/** How much was read, and whether ever beyond what may be. */
function watched(bytes: Uint8Array): { readonly source: Source; readonly read: () => number } {
  const inner = sourceOf(bytes);
  let total = 0;
  return {
    source: { size: bytes.length, read(offset, length) { const part = inner.read(offset, length); total += part.length; return part; } },
    read: () => total,
  };
}

/** Anything thrown but RangeError and BudgetError comes out of `inspectSource`, and fails the property. */
function holds(bytes: Uint8Array): boolean {
  const { source, read } = watched(bytes);
  const { verdict, coverage, observations, inventory } = inspectSource('f', source, [ndarrayContainer]);
  const honest = verdict !== 'clean' || (coverage.parsed === bytes.length && observations.every(({ severity }) => severity === 'info'));
  return honest && observations.length <= usualLimits.notes + 1 && JSON.stringify(inventory).length < 70_000 && read() < 600_000 + 200 * bytes.length;
}

test('changed containers are read within bounds, and are clean only when read to the end', async t => {
  t.timeout(600_000);
  await setImmediate();
  t.notThrows(() => fc.assert(fc.property(fc.constantFrom(...corpus), fc.array(changes, { minLength: 1, maxLength: 4 }), (bytes, list) => holds(list.reduce((changed, change) => change(changed), bytes))), { numRuns: Math.ceil(runs * 0.8) }));
});

test('any bytes after the magic are read within bounds', async t => {
  t.timeout(600_000);
  await setImmediate();
  const magic = Uint8Array.of(0x12, 1, 0, 0, 0, 0, 0, 0);
  t.notThrows(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => holds(join(magic, bytes))), { numRuns: Math.ceil(runs * 0.1) }));
});

test('records of any fields are read within bounds', async t => {
  t.timeout(600_000);
  await setImmediate();
  const dims = fc.array(fc.oneof(fc.bigInt({ min: 0n, max: 5n }), interesting), { maxLength: 4 });
  const record = fc.tuple(fc.constantFrom(0xf993fac8, 0xf993fac9, 0xf993faca), fc.integer({ min: 0, max: 3 }), dims, fc.integer({ min: -1, max: 13 }), fc.uint8Array({ maxLength: 60 }))
    .map(([magic, storage, list, dtype, data]) => {
      const view = new DataView(new ArrayBuffer(24 + 8 * list.length));
      [magic, storage, list.length].forEach((value, index) => { view.setUint32(4 * index, value, true); });
      list.forEach((dimension, index) => { view.setBigUint64(12 + 8 * index, dimension, true); });
      [1, 0, dtype].forEach((value, index) => { view.setInt32(12 + 8 * list.length + 4 * index, value, true); });
      return join(new Uint8Array(view.buffer), data);
    });
  t.notThrows(() => fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), records => holds(container(records))), { numRuns: Math.ceil(runs * 0.1) }));
});
