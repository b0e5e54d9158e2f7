import fc from 'fast-check';
import test from 'ava';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { recordio } from '../../detectors/formats/recordio.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { hostileRecords, part } from '../fixtures/hostile/recordio.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const inspect = (bytes: Uint8Array) => inspectSource('a.rec', sourceOf(bytes), [recordio], { deadlineMs: 10_000, unpackBytes: 2 ** 20, depth: 4, notes: 200 });

/** As the writer of dmlc-core divides: at each magic number on a multiple of four. */
function write(content: Uint8Array): Buffer {
  const magic = Buffer.from([0x0a, 0x23, 0xd7, 0xce]);
  const cuts: number[] = [];
  for (let at = 0; at + 4 <= content.length; at += 4) if (magic.equals(content.subarray(at, at + 4))) cuts.push(at);
  if (cuts.length === 0) return part(0, content);
  const starts = [0, ...cuts.map(at => at + 4)];
  return Buffer.concat(starts.map((start, index) => part(index === 0 ? 1 : index === starts.length - 1 ? 3 : 2, content.subarray(start, cuts[index] ?? content.length))));
}

const word = fc.constantFrom([0x0a, 0x23, 0xd7, 0xce], [0x0a, 0x0a, 0x23, 0xd7], [1, 2, 3, 4], [0, 0, 0, 0]);
const content = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(word, { maxLength: 12 }).map(words => Uint8Array.from(words.flat())));

test('whatever a writer writes is clean', t => {
  fc.assert(fc.property(fc.array(content, { minLength: 1, maxLength: 8 }), contents => {
    const { verdict, observations, inventory } = inspect(Uint8Array.from(Buffer.concat(contents.map(write))));
    t.deepEqual({ verdict, observations }, { verdict: 'clean', observations: [] });
    t.like(inventory['records'], { records: contents.length });
  }), { numRuns: 500 });
});

test('mutated records and random bytes give a verdict', t => {
  t.timeout(600_000);
  const seeds = [...hostileRecords.map(({ bytes }) => bytes), Uint8Array.from(Buffer.concat([part(0, Buffer.from('one')), part(1, Buffer.from('abcd')), part(3, Buffer.from('e'))]))];
  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat()).map(([seed, flips, end]) =>
    flips.reduce((bytes, [at, value]) => bytes.length === 0 ? bytes : bytes.with(at % bytes.length, value), seed.slice(0, end % 4 === 0 ? end % (seed.length + 1) : undefined)));
  fc.assert(fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), bytes => {
    const { coverage, verdict } = inspect(bytes);
    return coverage.parsed <= bytes.length && (verdict !== 'clean' || coverage.parsed === bytes.length);
  }), { numRuns: runs });
  t.pass();
});
