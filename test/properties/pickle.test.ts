import fc from 'fast-check';
import test from 'ava';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { opcodes } from '../../detectors/formats/pickle/opcodes.ts';
import { pickle } from '../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { hostilePickles } from '../fixtures/hostile/pickle.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const limits = { deadlineMs: 10_000, unpackBytes: 2 ** 26, depth: 8, notes: 200 };
const latin = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

/** inspectSource lets out whatever is neither RangeError nor BudgetError. */
function inspect(bytes: Uint8Array) {
  let reads = 0;
  const source = { size: bytes.length, read: (offset: number, length: number) => { reads += 1; return sourceOf(bytes).read(offset, length); } };
  const inspection = inspectSource('a.states', source, [pickle], limits);
  // Work grows with the file, never with what it claims.
  if (reads > 2_000 + bytes.length * 30) throw new Error(`${reads} reads of ${bytes.length} bytes`);
  if (inspection.coverage.parsed > bytes.length) throw new Error('more parsed than there is');
  return inspection;
}

const record = '\xc9\xfa\x93\xf9\0\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x80?\0\0\0@';
const array = `cmxnet.ndarray.ndarray\nNDArray\nN\x85R}X\x06\0\0\0handle\x96\x28\0\0\0\0\0\0\0${record}sb`;
const seeds: readonly Uint8Array[] = [
  latin(`\x80\x05}(K\0${array}K\x01${array}u.`),
  latin(`\x80\x04\x95\x1a\0\0\0\0\0\0\0}\x94(K\0\x8c\x03abcq\x01N\x85q\x02K\x01h\x02]q\x03u.`),
  latin(`\x80\x02}K\0${array}scmxnet.optimizer.optimizer\nSGD\n)\x81}(X\x02\0\0\0lrG?\xb9\x99\x99\x99\x99\x99\x9aX\x02\0\0\0wdI0\nub\x86.`),
  latin(`(dp0\nI0\n(lp1\nF0.5\naL5L\naV\\u0100b\np2\naI01\nasS'x'\nNs.`),
  ...hostilePickles.filter(({ bytes }) => bytes.length < 2_000).map(({ bytes }) => bytes),
];

const flip = fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => (bytes: Uint8Array) => bytes.length === 0 ? bytes : bytes.with(at % bytes.length, value));
const cut = fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => (bytes: Uint8Array) => bytes.slice(from % (bytes.length + 1), from % 3 === 0 ? undefined : to % (bytes.length + 1)));
const insert = fc.tuple(fc.nat(), fc.constantFrom(...opcodes.map(({ code }) => code))).map(([at, code]) => (bytes: Uint8Array) => Uint8Array.from([...bytes.slice(0, at % (bytes.length + 1)), code, ...bytes.slice(at % (bytes.length + 1))]));
const splice = fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat()).map(([other, at, from]) => (bytes: Uint8Array) => Uint8Array.from([...bytes.slice(0, at % (bytes.length + 1)), ...other.slice(from % (other.length + 1))]));
const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.oneof(flip, flip, insert, splice, cut), { minLength: 1, maxLength: 5 }))
  .map(([seed, changes]) => changes.reduce((bytes, change) => change(bytes).slice(0, 8_192), seed));

const fromOpcodes = fc.array(fc.oneof(
  fc.constantFrom(...opcodes.map(({ code }) => [code])),
  fc.tuple(fc.constantFrom(...opcodes.map(({ code }) => code)), fc.uint8Array({ maxLength: 9 })).map(([code, rest]) => [code, ...rest]),
), { maxLength: 40 }).map(parts => Uint8Array.from(parts.flat()));

test('mutated pickles give a verdict, in bounded work', t => {
  t.timeout(600_000);
  fc.assert(fc.property(mutated, bytes => { inspect(bytes); }), { numRuns: Math.ceil(runs * 0.6) });
  t.pass();
});

test('random opcodes and random bytes give a verdict', t => {
  t.timeout(600_000);
  fc.assert(fc.property(fc.oneof(fromOpcodes, fc.uint8Array({ maxLength: 200 })), bytes => { inspect(bytes); }), { numRuns: Math.ceil(runs * 0.4) });
  t.pass();
});

test('no import beyond the list is ever clean, wherever it is put', t => {
  t.timeout(600_000);
  const call = latin('cos\nsystem\nX\x02\0\0\0id\x85R0');
  fc.assert(fc.property(fc.nat(3), fc.nat(), (index, at) => {
    const seed = seeds[index] ?? new Uint8Array(0);
    const place = at % (seed.length + 1);
    const bytes = Uint8Array.from([...seed.slice(0, place), ...call, ...seed.slice(place)]);
    // Inside of a constant the call is data: then a length no longer fits, and even that is told.
    return inspect(bytes).verdict !== 'clean';
  }), { numRuns: 500 });
  t.pass();
});
