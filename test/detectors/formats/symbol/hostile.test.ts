import test from 'ava';
import { dense, document, hostileSymbols, node, plain, variable } from '../../../fixtures/hostile/symbol.ts';
import { testWith } from '../../../services/require.ts';
import { mutate } from './mutations.ts';
import { above, ask, inspect, rules } from './workshop.ts';

for (const { name, bytes, expect, rule } of hostileSymbols()) {
  test(`${name} is ${expect}`, t => {
    const found = inspect(bytes);
    t.is(found.verdict, expect, above(found).join('\n'));
    t.true(rules(found).includes(rule), above(found).join('\n'));
  });
}

test('the honest graph beside them is clean', t => {
  t.deepEqual(above(inspect(Buffer.from(JSON.stringify(plain)))), []);
});

testWith(['mxnet'], 'what real MXNet crashes on, exhausts memory for or refuses is never clean', async t => {
  const cases = hostileSymbols();
  const answers = await ask(cases.map(({ bytes }) => bytes));
  t.is(answers.length, cases.length);
  cases.forEach(({ name, bytes }, index) => {
    const { outcome, why } = answers[index] ?? { outcome: '?', why: '' };
    const { verdict } = inspect(bytes);
    if (outcome !== 'loads') t.not(verdict, 'clean', `${name}: ${outcome} ${why}`);
    if (outcome === 'crash') t.is(verdict, 'malicious', `${name}: ${why}`);
    if (outcome === 'exhausted') t.true(['suspicious', 'malicious'].includes(verdict), name);
  });
  t.true(answers.filter(({ outcome }) => outcome === 'crash').length > 20, 'the oracle saw crashes');
});

testWith(['mxnet'], 'mutations of honest symbols that MXNet does not load are never clean', async t => {
  const honest = [
    plain,
    document([variable(), variable('w'), variable('b'), node('Convolution', { kernel: '(3, 3)', num_filter: '2', no_bias: 'False', pad: '(1, 1)' }, [0, 1, 2]),
      node('Activation', { act_type: 'relu' }, [3]), node('Pooling', { kernel: '(2, 2)', stride: '(2, 2)', pool_type: 'max' }, [4]), node('SliceChannel', { num_outputs: '2', axis: '1' }, [5]), dense([6, 1, 2])]),
    document([variable(), variable('g'), variable('b'), variable('m'), variable('v'), node('BatchNorm', { eps: '1e-05', momentum: '0.9', axis: '1', fix_gamma: 'False' }, [0, 1, 2, 3, 4]), node('Dropout', { p: '0.5' }, [5]), node('mean', { axis: '(1, 2)', keepdims: '1' }, [6])]),
  ].map(each => Buffer.from(JSON.stringify(each, null, 2)));
  const files = Array.from({ length: 600 }, (_, seed) => mutate(honest[seed % honest.length] ?? Buffer.alloc(0), seed));
  const answers = await ask(files);
  const table: Record<string, number> = {};
  files.forEach((bytes, index) => {
    const outcome = answers[index]?.outcome ?? 'none';
    const found = inspect(bytes);
    table[`${outcome}, ${found.verdict}`] = (table[`${outcome}, ${found.verdict}`] ?? 0) + 1;
    if (found.verdict === 'clean') t.is(outcome, 'loads', `seed ${index}: ${answers[index]?.why}`);
    if (outcome === 'crash') t.is(found.verdict, 'malicious', `seed ${index}`);
  });
  t.log(table);
});
