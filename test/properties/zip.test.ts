import fc from 'fast-check';
import test from 'ava';
import { judgeName } from '../../detectors/formats/archive/member-name.ts';
import { createMemberSet } from '../../detectors/formats/archive/member-set.ts';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../detectors/formats/list.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { hostileZips, json, later, other, zipFile } from '../fixtures/hostile/zip.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const formats = formatsFor({});
const inspect = (bytes: Uint8Array, name = 'a.zip') => inspectSource(name, sourceOf(bytes), formats, { deadlineMs: 10_000, unpackBytes: 2 ** 20, depth: 4, notes: 200 });

const part = fc.stringMatching(/^[a-z]{1,8}$/);
const member = fc.record({ folders: fc.array(part, { maxLength: 3 }), content: fc.array(fc.integer(), { maxLength: 30 }).map(values => JSON.stringify(values)), deflate: fc.boolean() });

test('whatever a writer writes is clean to its last byte', t => {
  t.timeout(120_000);
  fc.assert(fc.property(fc.array(member, { maxLength: 8 }), fc.boolean(), fc.stringMatching(/^[a-z]{0,20}$/), (members, wide, comment) => {
    const specs = members.map(({ folders, content, deflate }, index) => ({ name: [...folders.map(folder => `${folder}${index}`), `${index}.json`].join('/'), content, deflate }));
    const { verdict, observations, coverage } = inspect(zipFile(specs, { comment, ...(wide ? { zip64: {} } : {}) }));
    t.deepEqual({ verdict, observations: observations.filter(({ severity }) => severity !== 'info') }, { verdict: 'clean', observations: [] });
    t.is(coverage.parsed, coverage.bytes);
  }), { numRuns: 500 });
});

test('names of any bytes are judged, alone and together', t => {
  t.timeout(120_000);
  const name = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.constantFrom('..', '.', '', 'a', 'B', '\\', 'C:', '\0', 'é', '\u202e'), { maxLength: 8 }).map(parts => Buffer.from(parts.join('/'))));
  fc.assert(fc.property(fc.array(fc.tuple(name, fc.constantFrom('file' as const, 'folder' as const, 'link' as const)), { maxLength: 10 }), members => {
    const set = createMemberSet();
    for (const [bytes, kind] of members) {
      for (const { message } of [...judgeName(bytes), ...set.add(bytes, kind)]) if (/[\0-\x1f\u202e]/.test(message)) return false;
    }
    return true;
  }), { numRuns: 2_000 });
  t.pass();
});

test('mutated archives and random bytes give a verdict', t => {
  t.timeout(600_000);
  const seeds = [...hostileZips, ...[zipFile([json, other]), zipFile([{ ...later, descriptor: Buffer.alloc(12) }, json], { zip64: {} })].map(bytes => ({ bytes, file: 'a.zip' }))].filter(({ bytes }) => bytes.length < 5_000);
  const flip = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 8, 0xff, 0x50, 0x4b)));
  const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(flip, { maxLength: 5 }), fc.nat(), fc.nat(), fc.nat(80)).map(([{ bytes, file }, flips, end, from, length]) => {
    const cut = Buffer.from(bytes).subarray(0, end % 4 === 0 ? end % (bytes.length + 1) : undefined);
    const spliced = from % 3 === 0 && cut.length > 0 ? Buffer.concat([cut.subarray(0, from % cut.length), cut.subarray(end % cut.length, (end % cut.length) + length), cut.subarray(from % cut.length)]) : cut;
    return { file, bytes: flips.reduce<Uint8Array>((now, [at, value]) => now.length === 0 ? now : now.with(at % now.length, value), Uint8Array.from(spliced)) };
  });
  const noise = fc.uint8Array({ maxLength: 200 }).map(bytes => ({ file: 'a.zip', bytes: Uint8Array.from(Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), bytes])) }));
  fc.assert(fc.property(fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: noise }), ({ file, bytes }) => {
    const { coverage, verdict } = inspect(bytes, file);
    return coverage.parsed <= bytes.length && (verdict !== 'clean' || (coverage.parsed === bytes.length && coverage.skipped.length === 0));
  }), { numRuns: runs });
  t.pass();
});
