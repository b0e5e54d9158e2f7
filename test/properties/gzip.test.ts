import { setImmediate } from 'node:timers/promises';
import { crc32, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import test from 'ava';
import { join } from '../../detectors/formats/archive/gzip-stream.ts';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../detectors/formats/list.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { document, hostileGzips, member } from '../fixtures/hostile/gzip.ts';
import { archive, file } from '../fixtures/hostile/tar.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const formats = formatsFor({ customAllow: [] });
const inspect = (bytes: Uint8Array, name = 'a.json.gz') => inspectSource(name, sourceOf(bytes), formats, { deadlineMs: 10_000, unpackBytes: 2 ** 22, depth: 4, notes: 200 });

test('whatever is packed is clean, and of the size that it had', async t => {
  t.timeout(600_000);
  await setImmediate();
  fc.assert(fc.property(fc.nat(5_000), fc.integer({ min: 0, max: 9 }), fc.option(fc.constantFrom('a.json', 'b')), (length, level, name) => {
    const content = Buffer.from(`{"a": "${'xyz'.repeat(length)}"}`);
    const bytes = name === null ? gzipSync(content, { level }) : member(content, { name });
    const { verdict, observations, inventory } = inspect(bytes);
    t.deepEqual({ verdict, observations }, { verdict: 'clean', observations: [] });
    t.deepEqual(inventory['gzip'], { members: 1, bytes: content.length });
  }), { numRuns: 300 });
});

test('several members are one content', async t => {
  t.timeout(600_000);
  await setImmediate();
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), contents => {
    const packed = contents.map(content => member(content));
    const source = sourceOf(Buffer.concat(packed));
    let at = 0;
    const segments = contents.map((content, index) => { const data = at + 10; at += packed[index]?.length ?? 0; return { data, size: content.length }; });
    const whole = join(source, segments, { spend() {}, unpack() {} });
    t.deepEqual([...whole.read(0, whole.size)], contents.flatMap(content => [...content]));
  }), { numRuns: 300 });
});

test('mutated members and random bytes give a verdict', async t => {
  t.timeout(1_200_000);
  await setImmediate();
  const seeds = [...hostileGzips.map(({ bytes }) => bytes).filter(bytes => bytes.length < 5_000), Uint8Array.from(member(document)), Uint8Array.from(gzipSync(archive(file('a.json'), file('b.json'))))];
  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), fc.nat(40)).map(([seed, flips, end, behind]) => {
    const bytes = Uint8Array.from(seed.subarray(0, end % 4 === 0 ? end % (seed.length + 1) : undefined));
    for (const [at, byte] of flips) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return behind > 30 ? Uint8Array.from(Buffer.concat([bytes, seed.subarray(0, behind)])) : bytes;
  });
  // The sum is made to fit, so that changes reach the content.
  const fitting = fc.uint8Array({ maxLength: 60 }).map(packed => Uint8Array.from(member(document, { packed, sum: crc32(document) })));
  fc.assert(fc.property(fc.oneof({ arbitrary: mutated, weight: 6 }, { arbitrary: fitting, weight: 1 }, { arbitrary: fc.uint8Array({ maxLength: 100 }), weight: 1 }), bytes => {
    const { coverage, verdict } = inspect(bytes);
    return coverage.parsed <= bytes.length && (verdict !== 'clean' || (coverage.parsed === bytes.length && coverage.skipped.length === 0));
  }), { numRuns: runs });
  t.pass();
});
