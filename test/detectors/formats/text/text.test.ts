import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileTexts, notebookOf } from '../../../fixtures/hostile/text.ts';

const formats = formatsFor({ customAllow: [] });
const inspect = (name: string, content: string | Uint8Array) => inspectSource(name, sourceOf(Buffer.from(content)), formats);

for (const { title, name, bytes, expect, rule } of hostileTexts) {
  test(`${name}: ${title} is ${expect}`, t => {
    const { verdict, observations } = inspect(name, bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    if (rule !== '') t.true(observations.some(each => each.rule === rule), JSON.stringify(observations));
    t.false(observations.some(each => each.rule === 'inspect.polyglot'), JSON.stringify(observations));
    for (const { summary, evidence } of observations) t.notRegex(`${summary}${evidence ?? ''}`, /[\0-\x1f\x7f-\x9f\u202a-\u202e]/);
  });
}

const prose = '# A model\n\nLoad it so:\n\n```python\nimport mxnet as mx\nnet = mx.nd.load("model-0000.params")\n```\n';
const honest: readonly (readonly [name: string, content: string | Uint8Array, format: string])[] = [
  ['README.md', prose, 'text'], ['README', 'We import goods.\n', 'text'], ['LICENSE', 'Apache License\n   Version 2.0, January 2004\n', 'text'], ['synset.txt', 'n01440764 tench, Tinca tinca\nn01443537 goldfish\n', 'text'],
  ['labels.csv', 'id,name\n1,"Größe"\n', 'text'], ['labels.txt', '\ufeffcafé\r\n大きさ\r\n', 'text'], ['notes.txt', '', 'text'], ['.gitkeep', '', 'text'], ['setup.cfg', '[metadata]\nname = x\n', 'text'], ['pyproject.toml', '[project]\nname = "x"\n', 'text'],
  ['environment.yml', 'name: x\ndependencies:\n  - mxnet\n', 'text'], ['arabic.txt', 'مرحبا\u200f!\n', 'text'], ['table.tsv', 'a\tb\n\f1\t2\n', 'text'], ['page.html', '<html><script>1</script></html>\n', 'text'],
  ['train.ipynb', notebookOf(['%matplotlib inline\nimport mxnet as mx\n', '%%time\nnet = mx.gluon.nn.Dense(3)\nnet?\n', { cell_type: 'markdown', metadata: {}, source: ['import os; os.system("x")'] },
    { cell_type: 'code', execution_count: 1, metadata: {}, source: ['x % 3'], outputs: [{ output_type: 'execute_result', execution_count: 1, metadata: {}, data: { 'text/plain': ['1'], 'text/html': ['<table><tr><td>1</td></tr></table>'], 'image/png': 'aGVsbG8=' } }] }]), 'notebook'],
  ['empty.ipynb', JSON.stringify({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 2 }), 'notebook'],
  ['packages.pth', '# folders\nsrc\nlib/python\n', 'python-path-file'], ['__init__.py', '', 'python'], ['script.py', '#!/usr/bin/env python\nx = 1\n', 'python'], ['stubs.pyi', 'def f(a: int) -> str: ...\n', 'python'], ['run', '#!/usr/bin/python3\nx = 1\n', 'python'],
];
for (const [name, content, format] of honest) {
  test(`an honest ${name}${content.length === 0 ? ', empty,' : ''} is clean`, t => {
    const { verdict, observations, coverage, format: found } = inspect(name, content);
    t.is(found, format);
    t.is(verdict, 'clean', JSON.stringify(observations));
    t.is(coverage.parsed, Buffer.byteLength(Buffer.from(content)));
  });
}

test('a finding in a notebook tells its cell and the line in it', t => {
  const { observations } = inspect('x.ipynb', notebookOf(['x = 1\n', { cell_type: 'markdown', metadata: {}, source: 'a' }, 'import os\n\nos.system("id")\n']));
  t.like(observations.find(({ rule }) => rule === 'python.process')?.where, { line: 3, pointer: '/cells/2' });
});

test('a text as long as it is wide is read by windows', t => {
  const line = 'é'.repeat(524_287);
  const { verdict, coverage } = inspect('long.txt', `a${line}\n${line}\n`);
  t.is(verdict, 'clean');
  t.is(coverage.parsed, coverage.bytes);
});

test('what is no text is left to others', t => {
  for (const [name, content] of [['x.bin', Buffer.from([0xff, 0xfe, 0xfd, 0])], ['model.pth', Buffer.from('PK\x03\x04')], ['x.txt', Buffer.from([0, 1, 2])], ['x.params', Buffer.from([])]] as const) t.not(inspect(name, content).format, 'text', name);
  t.is(inspect('x.json', '{"a": 1}').format, 'json');
  t.is(inspect('type.txt', 'gluonts.mx.model.predictor.RepresentableBlockPredictor').format, 'gluonts-type');
});
