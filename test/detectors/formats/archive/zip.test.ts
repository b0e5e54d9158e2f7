import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileZips, json, later, little, manifestOf, other, service, zipFile } from '../../../fixtures/hostile/zip.ts';
import type { MemberSpec, ZipSpec } from '../../../fixtures/hostile/zip.ts';

const inspect = (bytes: Uint8Array, name = 'a.zip') => inspectSource(name, sourceOf(bytes), formatsFor({}));

for (const { name, file, bytes, expect, rule } of hostileZips) {
  test(`${name}: ${rule}, ${expect}`, t => {
    const { verdict, observations, coverage } = inspect(bytes, file);
    t.true(observations.some(observation => observation.rule === rule), JSON.stringify(observations, null, 1));
    t.is(verdict, expect, JSON.stringify(observations, null, 1));
    t.true(coverage.parsed <= bytes.length);
  });
}

const clean: readonly (readonly [string, readonly MemberSpec[], ZipSpec?, string?])[] = [
  ['stored and deflated members', [json, other]],
  ['no members', []],
  ['an empty member', [{ name: 'empty.txt' }, json]],
  ['a folder with the set-group-id bit', [{ name: 'a/', entry: { attributes: 0o042755 * 65_536 } }, { name: 'a/b.json', content: '{}' }]],
  ['folders', [{ name: 'a/' }, { name: 'a/b.json', content: '{}' }]],
  ['a descriptor with a signature', [{ ...later, descriptor: Buffer.concat([Buffer.from('PK\x07\x08', 'latin1'), descriptor(4)]) }, json]],
  ['a descriptor without one', [{ ...later, descriptor: descriptor(4) }, json]],
  ['a wide descriptor that is announced', [{ ...later, local: { crc: 0, packed: 0xffffffff, size: 0xffffffff, extra: Buffer.concat([little(1, 2), little(16, 2), Buffer.alloc(16)]) }, descriptor: Buffer.concat([Buffer.from('PK\x07\x08', 'latin1'), descriptor(8)]) }, json]],
  ['zip64 records that agree', [json, other], { zip64: {} }],
  ['zip64 records that are needed', [json, other], { zip64: {}, end: { members: 0xffff, here: 0xffff, bytes: 0xffffffff, offset: 0xffffffff } }],
  ['a comment', [json], { comment: 'written today' }],
  ['letters beyond ASCII, said to be UTF-8', [{ name: 'größe.json', content: '{}', both: { flags: 2_048 } }]],
  ['a model archive', [{ name: 'MAR-INF/MANIFEST.json', content: manifestOf('service:handle') }, service], {}, 'a.mar'],
  ['a model archive with a package', [{ name: 'MAR-INF/MANIFEST.json', content: manifestOf('pack.inner:handle') }, { name: 'pack/__init__.py' }, { name: 'pack/inner.py' }, { name: 'pack/json.py' }], {}, 'a.mar'],
  ['a model archive whose handler is named as a file', [{ name: 'MAR-INF/MANIFEST.json', content: manifestOf('service.py', { runtime: 'python3' }) }, service], {}, 'a.mar'],
  ['a module beside a handler that only resembles another', [{ name: 'MAR-INF/MANIFEST.json', content: manifestOf('service:handle') }, service, { name: 'json_reader.py' }, { name: 'numpy/data.json', content: '[]' }, { name: 'x/os.py' }], {}, 'a.mar'],
  ['a model archive of the older form', [{ name: 'm/MANIFEST.json', content: '{"Model": {"Model-Name": "m", "Service": "service.py"}}' }, { name: 'm/service.py' }, { name: 'x/json.py' }], {}, 'a.model'],
];

function descriptor(width: number): Buffer {
  const entry = Buffer.from(zipFile([other]));
  return Buffer.concat([entry.subarray(14, 18), little(entry.readUInt32LE(18), width), little(entry.readUInt32LE(22), width)]);
}

for (const [name, members, spec, file] of clean) {
  test(`an archive with ${name} is clean to the last byte`, t => {
    const { verdict, observations, coverage } = inspect(zipFile(members, spec), file);
    t.deepEqual(observations.filter(({ severity }) => severity !== 'info'), []);
    t.is(verdict, 'clean', JSON.stringify(coverage));
    t.is(coverage.parsed, coverage.bytes);
  });
}

test('members are told with their formats, and a finding with its path inside', t => {
  const inner = zipFile([{ name: 'x/bad.json', content: '{"py/object": "os.system"}', deflate: true }]);
  const { inventory, observations, verdict } = inspect(zipFile([json, { name: 'inner.zip', content: inner, deflate: true }]));
  t.is(verdict, 'suspicious');
  t.like(inventory['members'], [{ name: 'a.json', format: 'json', bytes: 16 }, { name: 'inner.zip', format: 'zip' }]);
  t.true(observations.some(({ rule, where }) => rule === 'json.pickled-object' && (where as { member?: string }).member === 'inner.zip!/x/bad.json'));
});

test('the handler of a model archive is named', t => {
  const { inventory, observations } = inspect(zipFile([{ name: 'MAR-INF/MANIFEST.json', content: manifestOf('service:go', { engine: { engineName: 'MXNet' } }) }, service]), 'a.mar');
  t.like(inventory['package'], { handler: '"service:go"', runtime: '"python"', model: '"m"', engine: '"MXNet"', code: ['service.py'] });
  t.true(observations.some(({ rule, severity, summary }) => rule === 'mar.handler' && severity === 'info' && /"service".*"go"/.test(summary)));
});

test('members share one bound of unpacked bytes', t => {
  const members = Array.from({ length: 5 }, (_, index): MemberSpec => ({ name: `${index}.bin`, content: Buffer.alloc(1_000_000), deflate: true }));
  const { verdict, observations } = inspectSource('a.zip', sourceOf(zipFile(members)), formatsFor({}), { deadlineMs: 60_000, unpackBytes: 3_000_000, depth: 8, notes: 200 });
  t.is(verdict, 'suspicious');
  t.true(observations.some(({ rule }) => rule === 'inspect.budget'));
});

test('bytes that many members share are paid for by each', t => {
  const shared: MemberSpec = { name: 'a.bin', content: Buffer.alloc(100_000) };
  const bytes = zipFile([shared, ...Array.from({ length: 50 }, (_, index): MemberSpec => ({ ...shared, name: `${index}.bin`, noLocal: true, entry: { localAt: 0 } }))]);
  const { observations } = inspectSource('a.zip', sourceOf(bytes), formatsFor({}), { deadlineMs: 60_000, unpackBytes: 3_000_000, depth: 8, notes: 200 });
  t.true(observations.some(({ rule }) => rule === 'zip.overlap') && observations.some(({ rule }) => rule === 'inspect.budget'));
});

test('an archive that holds itself many times over ends at the bound of depth', t => {
  let bytes = zipFile([json]);
  for (let depth = 0; depth < 12; depth++) bytes = zipFile([{ name: 'a.zip', content: bytes, deflate: depth % 2 === 0 }]);
  t.true(inspect(bytes).observations.some(({ rule }) => rule === 'inspect.too-deep'));
});

test('many members are read, and more than the bound are told', t => {
  const many = zipFile(Array.from({ length: 5_000 }, (_, index): MemberSpec => ({ name: `${index}.json`, content: '{}' })));
  t.is(inspect(many).verdict, 'clean');
  const [small, entries] = [Buffer.from(zipFile([json])), 100_001];
  const [local, entry] = [small.subarray(0, 52), small.subarray(52, small.length - 22)];
  const end = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(4), little(0xffff, 2), little(0xffff, 2), little(entries * entry.length, 4), little(52, 4), Buffer.alloc(2)]);
  const { observations, verdict } = inspect(Buffer.concat([local, ...new Array<Buffer>(entries).fill(entry), end]));
  t.not(verdict, 'clean');
  t.true(observations.some(({ rule }) => rule === 'inspect.budget'), JSON.stringify(observations));
});

test('every cut of an archive is malformed, or worse', t => {
  const bytes = zipFile([json, other]);
  for (let length = 5; length < bytes.length; length++) t.false(['clean', 'incomplete', 'unsupported'].includes(inspect(bytes.subarray(0, length)).verdict), `${length} bytes`);
});
