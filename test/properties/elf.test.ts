import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import test from 'ava';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { elf } from '../../detectors/formats/elf/elf.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { carrier, honestElves, hostileElves } from '../fixtures/hostile/elf.ts';
import { type ImageOptions, libraryImage } from '../fixtures/hostile/elf-image.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const limits = { deadlineMs: 10_000, unpackBytes: 2 ** 20, depth: 4, notes: 200 };
const inspect = (bytes: Uint8Array) => inspectSource('a.so', sourceOf(bytes), [elf], limits);

function holds(bytes: Uint8Array): boolean {
  const { coverage, verdict, observations } = inspect(bytes);
  return coverage.parsed <= bytes.length && (verdict !== 'clean' || (coverage.parsed === bytes.length && coverage.skipped.length === 0 && observations.every(({ severity }) => severity === 'info')));
}

const name = fc.string({ unit: fc.constantFrom(...'abcdefgh_XYZ019'), minLength: 1, maxLength: 30 });
const options: fc.Arbitrary<ImageOptions> = fc.record({
  wide: fc.boolean(), little: fc.boolean(), machine: fc.constantFrom(62, 183, 21, 8, 43), exports: fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
  imports: fc.uniqueArray(name.map(text => `f${text}`), { maxLength: 6 }), needed: fc.array(name.map(text => `lib${text}.so`), { maxLength: 4 }), soname: name,
  code: fc.uint8Array({ minLength: 2, maxLength: 300 }).map(bytes => Buffer.from(bytes)),
});

test('whatever library is built honestly is clean to its last byte', t => {
  fc.assert(fc.property(options, fc.integer({ min: 0, max: 5 }), (each, count) => {
    const { bytes } = libraryImage({ ...each, ...each.wide === true && [62, 183, 21].includes(each.machine ?? 0) ? { constructors: Array.from({ length: count }, () => 'code' as const) } : {} });
    const { verdict, observations, coverage } = inspect(Uint8Array.from(bytes));
    t.deepEqual({ verdict, told: observations.filter(({ severity }) => severity !== 'info') }, { verdict: 'clean', told: [] });
    t.is(coverage.parsed, bytes.length);
  }), { numRuns: 300 });
});

const seeds = [...honestElves.map(([, bytes]) => bytes), ...hostileElves.map(({ bytes }) => bytes), carrier].filter(bytes => bytes.length < 8_000);
/** Numbers at which sizes, counts and places turn. */
const edges = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom('byte', 'edge', 'cut', 'put', 'copy'), fc.nat(255), fc.constantFrom(...edges));

function changed(bytes: Uint8Array, [share, kind, byte, edge]: readonly [number, string, number, bigint]): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = Math.floor(share * bytes.length);
  const made = Uint8Array.from(bytes);
  switch (kind) {
    case 'byte': return made.fill(byte, at, at + 1);
    case 'cut': return made.subarray(0, at);
    case 'put': return Uint8Array.from(Buffer.concat([made.subarray(0, at), Buffer.alloc(1 + byte % 9, byte), made.subarray(at)]));
    case 'copy': made.copyWithin(at, Math.floor(at / 2), Math.floor(at / 2) + byte); return made;
    default: {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(edge);
      made.set(number.subarray(0, Math.min(8, made.length - at)), at);
      return made;
    }
  }
}

test('changed libraries and random bytes give a verdict within bounds, and are clean only when read to the end', async t => {
  t.timeout(600_000);
  await setImmediate();
  const header = Buffer.from('7f454c46020101', 'hex');
  const mutant = fc.tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 })).map(([seed, changes]) => changes.reduce(changed, seed));
  const random = fc.uint8Array({ maxLength: 400 }).map(bytes => Uint8Array.from(Buffer.concat([header, bytes])));
  t.notThrows(() => fc.assert(fc.property(fc.oneof({ arbitrary: mutant, weight: 9 }, { arbitrary: random, weight: 1 }), holds), { numRuns: runs }));
});
