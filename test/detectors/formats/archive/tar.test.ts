import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { archive, end, file, header, hostileTars, link, long, pax } from '../../../fixtures/hostile/tar.ts';

const formats = formatsFor({ customAllow: [] });
const inspect = (bytes: Uint8Array, name = 'a.tar') => inspectSource(name, sourceOf(bytes), formats);
const above = (bytes: Uint8Array) => inspect(bytes).observations.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule);

for (const { name, bytes, expect, rule } of hostileTars) {
  test(`tar, ${name} is ${expect} by ${rule}`, t => {
    const { verdict, observations, format } = inspect(bytes);
    t.is(format, 'tar');
    t.true(observations.some(found => found.rule === rule), JSON.stringify(observations, null, 1));
    t.is(verdict, expect, JSON.stringify(observations, null, 1));
  });
}

const honest: Readonly<Record<string, Uint8Array>> = {
  'one member': archive(file('model-shapes.json')),
  'dots before names': archive(header({ name: './', type: '5', mode: 0o2755 }), file('./a.json'), file('./.hidden/b.json')),
  'an old folder and an old file': archive(header({ name: 'b/', type: '\0', magic: '' }), file('b/a.json', { type: '\0', magic: '' })),
  'a prefix': archive(file('a.json', { prefix: 'b'.repeat(150) })),
  'a name that fills its field': archive(file(`${'a'.repeat(95)}.json`)),
  'numbers with leading spaces': archive(file('a.json', { size: '         10 ', uid: '    0 \0' })),
  'a size that fills its field': archive(file('a.json', { size: '000000000010' })),
  'a negative time in base 256': archive(file('a.json', { mtime: Buffer.alloc(12, 0xff) })),
  'a user id in base 256': archive(file('a.json', { uid: Buffer.from([0x80, 0, 0, 0, 0, 0x2d, 0xc6, 0xc0]) })),
  'bytes above 127 in a name': archive(file(Buffer.from('\u00e9.json'))),
  'a pax path, size as in the header, and times': archive(pax({ path: 'b.json', size: '8', mtime: '-1.25', atime: '1' }), file('a.json')),
  'a comment for all members, as of git': archive(pax({ comment: '0'.repeat(40) }, 'g'), file('a.json')),
  'binary values of extended attributes': archive(pax({ 'SCHILY.xattr.user.a': '\0\n=\xff', 'LIBARCHIVE.xattr.user.a': 'AA' }), file('a.json')),
  'a name in bytes, and said so': archive(pax({ hdrcharset: 'BINARY', path: 'b.json' }), file('a.json')),
  'a long name and a long link': archive(long('L', `${'a/'.repeat(60)}a.json`), file('a.json', { magic: 'ustar  \0' }), long('K', 'a.json'), link('b', 'c')),
  'the same name by GNU and by pax': archive(long('L', 'b.json'), pax({ path: 'b.json' }), file('a.json')),
  'links inside': archive(file('a/b.json'), link('a/c', 'b.json'), link('d', 'a/../a/c'), link('e', 'a/c', '1'), link('f', './a/b.json', '1')),
  'folders twice': archive(file('a/b.json'), header({ name: 'a/', type: '5' })),
  'much padding at the end': Uint8Array.from(Buffer.concat([archive(file('a.json')), Buffer.alloc(1_000_000 - 1_000_000 % 512)])),
  'an empty module and an empty requirements file': archive(file('code/__init__.py', {}, Buffer.alloc(0)), file('code/requirements.txt', {}, Buffer.alloc(0)), file('a.json')),
  'no members': Uint8Array.from(end),
};
for (const [name, bytes] of Object.entries(honest)) {
  test(`tar, ${name}: clean to the last byte`, t => {
    t.deepEqual(above(bytes), []);
    const { verdict, coverage, format } = inspect(bytes);
    t.deepEqual({ verdict, parsed: coverage.parsed, format }, { verdict: 'clean', parsed: bytes.length, format: 'tar' });
  });
}

test('a size by pax beyond what octal can say is no trick', t => {
  t.deepEqual(above(archive(pax({ size: String(8 ** 11) }), header({ name: 'a.bin' }))).filter(rule => rule === 'tar.pax-size'), []);
});

test('an empty file under the name of a model is told', t => {
  const { verdict, observations } = inspect(archive(file('model-0000.params', {}, Buffer.alloc(0))));
  t.true(observations.some(({ rule, where }) => rule === 'kind.disagrees-with-name' && where?.member === 'model-0000.params'));
  t.is(verdict, 'malformed');
});

test('a hard link through a link that leads out is told beside that link', t => {
  const { observations } = inspect(archive(link('d', '..'), link('a', 'd/outside.json', '1')));
  t.is(observations.filter(({ rule, summary }) => rule === 'archive.link-escape' && summary.startsWith('The hard link')).length, 1);
});

test('a SageMaker archive tells its parts, what runs and what is installed', t => {
  const bytes = archive(file('./model-symbol.json'), file('./model-shapes.json'), file('./code/lib/__init__.py', {}, Buffer.from('x = 1\n')), file('./code/inference.py', {}, Buffer.from('x = 1\n')), file('./code/requirements.txt', {}, Buffer.from('mxnet\n')));
  const { observations, inventory } = inspect(bytes);
  t.like(inventory['serving'], { symbol: '"model-symbol.json"', shapes: '"model-shapes.json"', code: ['"lib/__init__.py"', '"inference.py"'] });
  const told = observations.filter(({ rule }) => rule.startsWith('sagemaker.'));
  t.deepEqual(told.map(({ rule, severity }) => `${rule} ${severity}`).sort(), ['sagemaker.code info', 'sagemaker.requirements info']);
  t.true(told.some(({ summary }) => summary.includes('"code/inference.py" runs when')));
});

test('a folder that only has the name of a module takes no place', t => {
  const { observations } = inspect(archive(file('code/email/template.py', {}, Buffer.from('x = 1\n')), file('code/numpy/data.json'), file('code/queue_of.py', {}, Buffer.from('x = 1\n'))));
  t.deepEqual(observations.filter(({ rule }) => rule.startsWith('sagemaker.')).map(({ rule }) => rule), ['sagemaker.code']);
});

test('code in another folder is not called what a server runs', t => {
  const { observations } = inspect(archive(file('src/json.py', {}, Buffer.from('x = 1\n')), file('code/data/json.json')));
  t.false(observations.some(({ rule }) => rule.startsWith('sagemaker.')));
});

test('a member is inspected by its own parser, under its path', t => {
  const { observations } = inspect(archive(file('deep/optimizer.states', {}, Buffer.from('\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.', 'latin1'))));
  t.true(observations.some(({ rule, where }) => rule === 'pickle.dangerous-global' && where?.member === 'deep/optimizer.states'));
});

test('members with holes are inspected as they are unpacked', t => {
  const map = Buffer.concat([Buffer.from('2\n0\n4\n8\n4\n'), Buffer.alloc(512 - 10)]);
  const bytes = archive(pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'h.states', 'GNU.sparse.realsize': '12' }), file('GNUSparseFile.1/h.states', {}, Buffer.concat([map, Buffer.from('cos\nAAAA')])));
  const { inventory } = inspect(bytes);
  t.like((inventory['members'] as unknown[])[0], { name: 'h.states', bytes: 12 });
});

test('a flood of one flaw does not hide another', t => {
  const many = Array.from({ length: 500 }, (_, index) => file(`a${index}.json`, { patch: [[500, 'x']] }));
  const { observations } = inspect(archive(...many, file('../x.json')));
  t.is(observations.filter(({ rule, severity }) => rule === 'tar.reserved' && severity === 'medium').length, 10);
  t.true(observations.some(({ summary }) => summary.startsWith('490 more of medium tar.reserved')));
  t.true(observations.some(({ rule }) => rule === 'archive.name-escape'));
});

