import test from 'ava';
import type { Inspection } from '../../../../agent/contract/inspection.ts';
import type { Probe } from '../../../../detectors/formats/format.ts';
import { inspectSource, usualLimits } from '../../../../detectors/formats/dispatch.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { symbolFacts } from '../../../../detectors/formats/symbol/facts.ts';
import symbol from '../../../../detectors/formats/symbol/symbol.ts';
import { dense, document, graph, node, plain, variable } from '../../../fixtures/hostile/symbol.ts';
import { above, inspect, rules } from './workshop.ts';

const bytesOf = (content: unknown): Buffer => Buffer.from(JSON.stringify(content));
const probe = (text: string, name = 'x'): Probe => ({ name, size: text.length, head: Buffer.from(text).subarray(0, 4_096), tail: Buffer.alloc(0) });

test('a symbol is told by its first key, whatever its name', t => {
  for (const key of ['nodes', 'heads', 'arg_nodes', 'attrs', 'node_row_ptr']) t.true(symbol.fits(probe(` \n{\v"${key}": []`)), key);
  t.true(symbol.fits(probe(`{${' '.repeat(5_000)}`)), 'blanks may go on beyond what is probed');
  t.true(symbol.fits(probe('{"other": 1}', 'net-symbol.json')), 'by name');
  t.true(symbol.fits(probe('\ufeff{"nodes": []')));
  for (const other of ['', ' '.repeat(5_000), '{}', '{"model": 1}', '[1]', 'nodes']) t.false(symbol.fits(probe(other)), other);
});

test('operators outside the allowed ones are told, aliases are not outside', t => {
  const file = bytesOf(document([variable(), variable('w'), variable('b'), dense(), node('cast', { dtype: 'float16' }, [3])]));
  t.deepEqual(rules(inspect(file, { allow: ['FullyConnected', 'Cast'] })), []);
  t.deepEqual(rules(inspect(file, { allow: ['FullyConnected'] })), ['symbol.operator-not-allowed']);
});

test('custom operators are findings unless allowed by name, and then a remark', t => {
  const file = bytesOf(document([variable(), node('Custom', { op_type: 'mine', anything: 'x' })]));
  t.deepEqual(above(inspect(file, { customAllow: ['mine'] })), []);
  t.is(inspect(file, { customAllow: ['mine'] }).verdict, 'clean');
  t.is(inspect(file, { customAllow: ['other'] }).verdict, 'suspicious');
  t.deepEqual(above(inspect(bytesOf(document([variable(), node('Custom', { op_type: 'resize_fallback', new_shape: '(2, 3)' })])))), []);
});

test('the inventory tells operators, custom types, version and nesting', t => {
  const file = bytesOf(document([variable('data', { subgraphs: [graph([variable('inner')])] }), node('Custom', { op_type: 'mine' }), node('relu', {}, [1]), node('relu', {}, [2], { name: 'again' })]));
  const { inventory } = inspect(file);
  t.deepEqual(inventory.operators, { Custom: 1, relu: 2 });
  t.deepEqual([inventory.customOperators, inventory.mxnetVersion, inventory.nesting, inventory.heads, inventory.nodes, inventory.variables], [['mine'], 10_901, 1, 1, 4, 2]);
});

test('text behind the last brace is tried by the parser of what it is', t => {
  const second = bytesOf(document([variable(), node('_Native', { info: '0x41' })]));
  const found = inspect(Buffer.concat([bytesOf(plain), second]));
  t.is(found.verdict, 'malicious');
  t.is(found.observations.find(({ rule }) => rule === 'symbol.pointer-operator')?.where?.member, 'trailing');
});

test('a finding tells the offset and the JSON pointer', t => {
  const { observations } = inspect(bytesOf(document([variable('data', { subgraphs: [graph([variable(), node('_Native')])] }), node('relu')])));
  const found = observations.find(({ rule }) => rule === 'symbol.pointer-operator');
  t.is(found?.where?.pointer, '/nodes/0/subgraphs/0/nodes/1');
  t.true((found?.where?.offset ?? 0) > 0);
});

test('hostile names reach a finding escaped', t => {
  const { observations } = inspect(bytesOf(document([variable('a\u202e\u001b[31m\nb'), node('relu')])));
  for (const { summary } of observations) t.notRegex(summary, /[\u0000-\u001f\u202e]/);
});

test('auxiliary states that releases before 0.9 leave out are no finding', t => {
  const old = graph([variable('data'), variable('gamma'), variable('beta'), node('BatchNorm', {}, [0, 1, 2])]);
  t.deepEqual(above(inspect(bytesOf(old))), []);
  t.deepEqual(rules(inspect(bytesOf({ ...old, attrs: { mxnet_version: ['int', 10_901] } }))), ['symbol.input-count']);
});

test('a claim of work is bounded: numbers, parts and length', t => {
  const many = `{"nodes":[],"arg_nodes":[${'0,'.repeat(600_000)}0],"heads":[]}`;
  const unread = (found: Inspection) => found.verdict !== 'clean' && found.coverage.skipped.length > 0;
  t.true(unread(inspect(Buffer.from(many))));
  t.true(unread(inspect(Buffer.from(`{"nodes":[${' '.repeat(34_000_000)}],"arg_nodes":[],"heads":[]}`))));
  let clock = 0;
  const slow = inspectSource('x-symbol.json', sourceOf(bytesOf(document(Array.from({ length: 20_000 }, (_, index) => variable(`v${index}`))))), [symbol], { ...usualLimits, deadlineMs: 5 }, { now: () => clock++ });
  t.true(unread(slow));
});

test('many findings of one rule are told a few times and counted', t => {
  const found = inspect(bytesOf(document([...Array.from({ length: 300 }, (_, index) => variable(`/etc/${index}`)), node('relu')])));
  t.is(found.observations.filter(({ rule, severity }) => rule === 'symbol.odd-name' && severity === 'medium').length, 10);
  t.true(found.observations.some(({ rule, summary }) => rule === 'symbol.odd-name' && summary.startsWith('290 more')));
});

test('facts are null where MXNet refuses the file, and names are bounded', t => {
  t.is(symbolFacts(sourceOf(Buffer.from('{"nodes":'))), null);
  const facts = symbolFacts(sourceOf(bytesOf(document([...Array.from({ length: 6_000 }, (_, index) => variable(`v${index}`)), node('relu')]))));
  t.is(facts?.arguments.length, 5_000);
  t.true(facts?.truncated);
});
