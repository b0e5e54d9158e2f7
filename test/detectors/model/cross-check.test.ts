import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sourceOf } from '../../../detectors/formats/source.ts';
import { symbolFacts } from '../../../detectors/formats/symbol/facts.ts';
import { crossCheck } from '../../../detectors/model/cross-check.ts';
import type { TensorFact } from '../../../detectors/formats/fact.ts';
import { dense, document, node, variable } from '../../fixtures/hostile/symbol.ts';
import { runPython } from '../../services/mxnet.ts';
import { testWith } from '../../services/require.ts';
import { folder, written } from '../formats/symbol/workshop.ts';

const tensor = (name: string, ...shape: readonly number[]): TensorFact => ({ name, shape, dtype: 'float32', bytes: 4 * shape.reduce((a, b) => a * b, 1) });
const facts = (content: unknown) => symbolFacts(sourceOf(Buffer.from(JSON.stringify(content))));
const two = document([variable('data'), variable('w'), variable('b'), dense(), variable('w2'), variable('b2'), { ...dense([3, 4, 5], { num_hidden: '2' }), name: 'second' }]);
const right = [tensor('arg:w', 4, 7), tensor('arg:b', 4), tensor('arg:w2', 2, 4), tensor('arg:b2', 2)];
const check = (params: readonly TensorFact[], content: unknown = two) => crossCheck({ symbol: facts(content), params }).map(({ rule, severity, message }) => `${severity} ${rule} ${message}`);

test('a model whose files belong together has nothing to say', t => {
  t.deepEqual(check(right), []);
  t.deepEqual(crossCheck({ symbol: facts(two), params: null }), []);
  t.deepEqual(crossCheck({ symbol: null, params: right }), []);
});

test('an unused parameter is told with its size, a large one more gravely', t => {
  t.deepEqual(check([...right, tensor('arg:stowaway', 10)]), ['low model.unused-parameters 1 parameters with 40 bytes in all are used by no layer: "stowaway" (40 bytes)']);
  t.regex(check([...right, tensor('arg:stowaway', 1_000_000)])[0] ?? '', /^medium model.unused-parameters/);
});

test('a missing parameter of a layer is told, and one that an initializer would make', t => {
  t.deepEqual(check(right.slice(1)), ['medium model.missing-parameter Parameter "w" of a layer is not in the parameters file']);
  const initialized = document([variable('data'), variable('w', { attrs: { __init__: '["xavier", {}]' } }), variable('b'), dense()]);
  t.deepEqual(check([tensor('arg:b', 4)], initialized), ['low model.initialized-parameter Parameter "w" is missing; the initializer "xavier" that the symbol names would make it']);
});

test('a parameter under the wrong prefix is told', t => {
  t.regex(check([...right.slice(1), tensor('aux:w', 4, 7)]).join(), /model.misplaced-parameter/);
});

test('shapes are compared with the layer and with the layer before it', t => {
  t.regex(check([tensor('arg:w', 5, 7), ...right.slice(1)]).join(), /Parameter "w" has the shape \(5, 7\) where layer "node_FullyConnected" needs \(4, \?\)/);
  t.regex(check([...right.slice(0, 2), tensor('arg:w2', 2, 5), tensor('arg:b2', 2)]).join(), /Parameter "w2" has the shape \(2, 5\) where layer "second" needs \(2, 4\)/);
  t.regex(check([...right.slice(0, 3), tensor('arg:b2', 2, 1)]).join(), /"b2"/);
});

test('shapes of convolutions, normalizations, embeddings and recurrent layers are compared', t => {
  const conv = document([variable('data'), variable('w'), variable('b'), node('Convolution', { kernel: '(3, 3)', num_filter: '8', num_group: '2' }, [0, 1, 2]), variable('g'), variable('be'), variable('m'), variable('v'), node('BatchNorm', {}, [3, 4, 5, 6, 7]),
    variable('w2'), node('Deconvolution', { kernel: '(2, 2)', num_filter: '6' }, [8, 9])]);
  const fine = [tensor('arg:w', 8, 2, 3, 3), tensor('arg:b', 8), ...['arg:g', 'arg:be', 'aux:m', 'aux:v'].map(name => tensor(name, 8)), tensor('arg:w2', 8, 6, 2, 2)];
  t.deepEqual(check(fine, conv), []);
  for (const wrong of [tensor('arg:w', 8, 2, 3), tensor('arg:b', 9), tensor('aux:m', 7), tensor('arg:w2', 6, 8, 2, 2)]) {
    t.regex(check(fine.map(each => each.name === wrong.name ? wrong : each), conv).join(), /medium model.shape/, wrong.name);
  }
  const embedding = document([variable('data'), variable('w'), node('Embedding', { input_dim: '10', output_dim: '4' }, [0, 1])]);
  t.deepEqual(check([tensor('arg:w', 10, 4)], embedding), []);
  t.is(check([tensor('arg:w', 4, 10)], embedding).length, 1);
  const recurrent = document([variable('data'), variable('w'), variable('s'), node('RNN', { state_size: '5', num_layers: '2', mode: 'gru', bidirectional: 'True' }, [0, 1, 2])]);
  t.deepEqual(check([tensor('arg:w', 2 * 15 * (4 + 5 + 2) + 2 * 15 * (10 + 5 + 2))], recurrent), []);
  t.is(check([tensor('arg:w', 2 * 15 * (4 + 5 + 2) + 2 * 15 * (10 + 5 + 2) + 1)], recurrent).length, 1);
});

test('states of another model are told', t => {
  const symbol = facts(two);
  t.deepEqual(crossCheck({ symbol, params: null, states: { keys: [0, 1, 2] } }), []);
  t.is(crossCheck({ symbol, params: null, states: { keys: ['stranger'] } })[0]?.rule, 'model.foreign-states');
});

test('hostile names are escaped and messages bounded', t => {
  const content = document([variable('data'), variable('w\u202e\n'), variable('b'), dense()]);
  for (const { message } of crossCheck({ symbol: facts(content), params: [tensor(`arg:${'x\u001b'.repeat(5_000)}`, 3), tensor('arg:w\u202e\n', 1, 1, 1)] })) {
    t.notRegex(message, /[\u0000-\u001f\u202e]/);
    t.true(message.length <= 1_000);
  }
});

testWith(['mxnet'], 'models that MXNet exported agree with themselves', async t => {
  using place = folder();
  const pairs: [string, string][] = [];
  for (const part of ['zoo', 'gluons', 'flow', 'bucketing', 'quantised', 'numpys']) await written(part, place.path);
  const program = `import sys, json, os, glob, mxnet as mx\nfor p in sorted(glob.glob(os.path.join(sys.argv[1], '*.params'))):\n    np = 'numpy' in p\n    mx.npx.set_np() if np else mx.npx.reset_np()\n    d = mx.npx.load(p) if np else mx.nd.load(p)\n    print(json.dumps([os.path.basename(p), [[k, list(v.shape), str(v.dtype)] for k, v in (d.items() if d else ())]]))`;
  const { stdout, stderr } = await runPython({ file: '-c', args: [program, place.path] }, { env: { OMP_NUM_THREADS: '1' } });
  for (const line of stdout.trim().split('\n')) {
    const [name, arrays] = JSON.parse(line) as [string, [string, number[], string][]];
    const prefix = name.replace(/-\d{4}\.params$/, '');
    const symbol = { buckets: 'buckets-3' }[prefix] ?? prefix;
    pairs.push([name, symbol]);
    const found = crossCheck({ symbol: symbolFacts(sourceOf(readFileSync(join(place.path, `${symbol}-symbol.json`)))), params: arrays.map(([key, shape]) => tensor(key, ...shape)) });
    t.deepEqual(found.map(({ message }) => message), [], name);
  }
  t.true(pairs.length >= 10, `${pairs.length} pairs\n${stderr.slice(-500)}`);
});
