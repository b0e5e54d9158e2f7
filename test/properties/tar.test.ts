import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import test from 'ava';
import { readPax } from '../../detectors/formats/archive/tar-pax.ts';
import { expand, flawOf } from '../../detectors/formats/archive/tar-sparse.ts';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../detectors/formats/list.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { archive, extended, file, header, hostileTars, link, long, pax, record } from '../fixtures/hostile/tar.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const formats = formatsFor({ customAllow: [] });
const inspect = (bytes: Uint8Array) => inspectSource('a.tar', sourceOf(bytes), formats, { deadlineMs: 10_000, unpackBytes: 2 ** 22, depth: 4, notes: 200 });

const name = fc.array(fc.constantFrom('a', 'b', 'code', 'model', 'é', 'with space'), { minLength: 1, maxLength: 6 }).map(parts => `${parts.join('/')}`);
const entries = fc.uniqueArray(name, { minLength: 1, maxLength: 8 }).map(names => names.map((each, index) => `d${index}/${each}.json`));
const document = fc.nat(2_000).map(length => Buffer.from(`{"a": "${'x'.repeat(length)}"}`));

test('whatever a writer writes is clean', async t => {
  t.timeout(600_000);
  await setImmediate();
  fc.assert(fc.property(entries, document, fc.constantFrom('ustar', 'gnu', 'pax'), fc.nat(20), (names, content, form, blocks) => {
    const parts = names.map(each => form === 'pax' ? Buffer.concat([pax({ path: Buffer.from(each), mtime: '1.5' }), file('x.json', {}, content)])
      : form === 'gnu' ? Buffer.concat([long('L', Buffer.from(each).toString('latin1')), file('x.json', { magic: 'ustar  \0' }, content)])
        : file(Buffer.from(each), {}, content));
    const bytes = Uint8Array.from(Buffer.concat([archive(...parts), Buffer.alloc(blocks * 512)]));
    const { verdict, observations, inventory } = inspect(bytes);
    t.deepEqual({ verdict, observations }, { verdict: 'clean', observations: [] });
    t.like(inventory['archive'], { file: names.length, bytes: names.length * content.length });
  }), { numRuns: 500 });
});

test('records of an extended header are read as they were written', async t => {
  t.timeout(600_000);
  await setImmediate();
  const keyword = fc.constantFrom('path', 'comment', 'SCHILY.xattr.user.a', 'mtime', 'other');
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(keyword, fc.uint8Array({ maxLength: 1_100 })), { selector: ([word]) => word }), pairs => {
    const { values, remarks } = readPax(Buffer.concat(pairs.map(([word, value]) => record(word, value))), false, { spend() {}, unpack() {} });
    t.deepEqual([...values].map(([word, value]) => [word, [...value]]), pairs.map(([word, value]) => [word, [...value]]));
    t.false(remarks.some(({ flaw }) => flaw === 'pax-record'));
  }), { numRuns: 500 });
});

test('a file with holes is read as it is unpacked', async t => {
  t.timeout(600_000);
  await setImmediate();
  const piece = fc.record({ gap: fc.nat(40), size: fc.nat(40) });
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(40), fc.nat(300), fc.nat(300), (pieces, rest, offset, length) => {
    let at = 0;
    const extents = pieces.map(({ gap, size }) => { const start = at + gap; at = start + size; return { offset: start, size }; });
    const realSize = at + rest;
    const data = Uint8Array.from({ length: extents.reduce((sum, { size }) => sum + size, 0) }, (_, index) => 1 + index % 255);
    const whole = new Uint8Array(realSize);
    let used = 0;
    for (const extent of extents) { whole.set(data.subarray(used, used + extent.size), extent.offset); used += extent.size; }
    t.is(flawOf({ realSize, extents }, data.length), null);
    t.deepEqual([...expand(sourceOf(Uint8Array.from([0, 0, ...data])), 2, { realSize, extents }).read(offset, length)], [...whole.subarray(offset, offset + length)]);
  }), { numRuns: 500 });
});

/** Sets the sums right again in blocks that may be headers, so that changes reach what lies behind them. */
function mend(bytes: Uint8Array) {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes[at + 155] !== 0x20 || bytes[at + 154] !== 0) continue;
    bytes.fill(0x20, at + 148, at + 156);
    const sum = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
    bytes.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  }
}

test('mutated archives and random bytes give a verdict', async t => {
  t.timeout(1_200_000);
  await setImmediate();
  const seeds = [
    ...hostileTars.map(({ bytes }) => bytes).filter(bytes => bytes.length < 20_000),
    archive(header({ name: 'a/', type: '5' }), file('a/b.json'), link('c', 'a/b.json'), link('d', 'a/b.json', '1')),
    archive(extended(Buffer.concat([record('path', 'b.json'), record('size', '8'), record('mtime', '1')])), file('a.json'), file('c.json')),
  ];
  const value = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789-+ /.gxLKS\\', 'latin1'), 0, 0x80, 0xff));
  const flipped = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), value), { maxLength: 5 }), fc.nat(), fc.boolean()).map(([seed, flips, end, mending]) => {
    const bytes = Uint8Array.from(seed.subarray(0, end % 4 === 0 ? end % (seed.length + 1) : undefined));
    for (const [at, byte] of flips) if (bytes.length > 0) bytes[at % 3 === 0 ? at % bytes.length : at % Math.min(bytes.length, 2_048)] = byte;
    if (mending) mend(bytes);
    return bytes;
  });
  const spliced = fc.tuple(fc.constantFrom(...seeds), fc.constantFrom(...seeds), fc.nat(20), fc.nat(20)).map(([first, second, before, from]) =>
    Uint8Array.from(Buffer.concat([first.subarray(0, before * 512), second.subarray(from * 512)])));
  fc.assert(fc.property(fc.oneof({ arbitrary: flipped, weight: 6 }, { arbitrary: spliced, weight: 2 }, { arbitrary: fc.uint8Array({ maxLength: 700 }), weight: 1 }), bytes => {
    const { coverage, verdict } = inspect(bytes);
    return coverage.parsed <= bytes.length && (verdict !== 'clean' || (coverage.parsed === bytes.length && coverage.skipped.length === 0));
  }), { numRuns: runs });
  t.pass();
});
