import test from 'ava';
import type { Stated } from '../../../detectors/formats/fact.ts';
import { sourceOf } from '../../../detectors/formats/source.ts';
import { symbolFacts } from '../../../detectors/formats/symbol/facts.ts';
import { compareModels, symbolOf } from '../../../detectors/model/companions.ts';
import { dense, document, variable } from '../../fixtures/hostile/symbol.ts';

const symbol = symbolFacts(sourceOf(Buffer.from(JSON.stringify(document([variable('data'), variable('w'), variable('b'), dense()])))));
const asked = (path: string, member: string | null = null): Stated => {
  if (symbol === null) throw new Error('the symbol of this test is not read');
  return { path, member, fact: { type: 'symbol', symbol } };
};
const held = (path: string, names: readonly string[], { member = null, complete = true }: { member?: string | null; complete?: boolean } = {}): Stated =>
  ({ path, member, fact: { type: 'tensors', complete, tensors: names.map(name => ({ name, shape: name.endsWith('w') ? [4, 7] : [4], dtype: 'float32', bytes: 16 })) } });
const rules = (...facts: readonly Stated[]) => compareModels(facts).map(({ rule, where }) => where.member === undefined ? rule : `${rule} in ${where.member}`);

test('the symbol of a file is known by its prefix', t => {
  t.is(symbolOf('net-0000.params'), 'net-symbol.json');
  t.is(symbolOf('net-v2-0012.states'), 'net-v2-symbol.json');
  t.is(symbolOf('net.params'), 'net-symbol.json');
  t.is(symbolOf('net-10000.params'), 'net-symbol.json');
  for (const other of ['net-symbol.json', 'params', '.params', 'net.params.bak', '']) t.is(symbolOf(other), null, other);
});

test('parameters are held against the symbol of their prefix and of no other', t => {
  t.deepEqual(rules(asked('a-symbol.json'), held('a-0000.params', ['arg:w', 'arg:b'])), []);
  t.deepEqual(rules(asked('a-symbol.json'), held('a-0000.params', ['arg:w'])), ['model.missing-parameter']);
  t.deepEqual(rules(asked('b-symbol.json'), held('a-0000.params', ['arg:w'])), []);
  t.deepEqual(rules(held('a-0000.params', ['arg:w'])), []);
});

test('in an archive, each model is told by its member', t => {
  const archive = [asked('x.mar!/a-symbol.json', 'x.mar!/a-symbol.json'), held('x.mar!/a-0000.params', ['arg:w', 'arg:b', 'arg:more'], { member: 'x.mar!/a-0000.params' }),
    held('x.mar!/deep/a-0000.params', ['arg:w'], { member: 'x.mar!/deep/a-0000.params' })];
  t.deepEqual(rules(...archive), ['model.unused-parameters in x.mar!/a-0000.params']);
});

test('parameters of a block, named by their place in it, are not compared with a symbol', t => {
  t.deepEqual(rules(asked('a-symbol.json'), held('a.params', ['0.weight', '0.bias'])), []);
  t.deepEqual(rules(asked('a-symbol.json'), held('a.params', ['arg:w'])), ['model.missing-parameter']);
});

test('nothing is called missing from a file that was not read to its end', t => {
  t.deepEqual(rules(asked('a-symbol.json'), held('a-0000.params', ['arg:w'], { complete: false })), []);
});

test('the arrays of optimizer states have the shapes of their parameters, or one number for each row', t => {
  const states = (...shapes: readonly (readonly [string, ...(readonly number[])[]])[]): Stated =>
    ({ path: 'a-0001.states', member: null, fact: { type: 'states', states: { keys: shapes.map(([name]) => name), shapes: new Map(shapes.map(([name, ...list]) => [name, list])) } } });
  t.deepEqual(rules(asked('a-symbol.json'), states(['w', [4, 7], [4, 7]], ['b', [4], [4]])), []);
  t.deepEqual(rules(asked('a-symbol.json'), states(['w', [4, 1]], ['b', []])), ['model.state-shape'], 'an array without dimensions is none of a bias');
  t.deepEqual(rules(asked('a-symbol.json'), states(['w', [4, 1]], ['b'])), []);
  t.deepEqual(rules(asked('a-symbol.json'), states(['w', [5, 7]], ['b', [4]])), ['model.state-shape']);
  t.deepEqual(rules(asked('a-symbol.json'), states(['w', [4, 7], [4, 7]], ['b', [4], [9]])), ['model.state-shape']);
});

test('optimizer states are held against the symbol too', t => {
  t.deepEqual(rules(asked('a-symbol.json'), { path: 'a-0001.states', member: null, fact: { type: 'states', states: { keys: [0, 1, 2, 3, 4, 5] } } }), ['model.foreign-states']);
});
