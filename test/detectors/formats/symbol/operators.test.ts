import test from 'ava';
import { inputsOf, outputsOf } from '../../../../detectors/formats/symbol/arity.ts';
import type { GraphNode } from '../../../../detectors/formats/symbol/graph.ts';
import { operators } from '../../../../detectors/formats/symbol/operator-table.ts';
import { operatorOf } from '../../../../detectors/formats/symbol/operators.ts';
import { accepts, numbersOf } from '../../../../detectors/formats/symbol/values.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { counts } from './workshop.ts';

type Question = readonly [string, Readonly<Record<string, string>>];
const asked = (op: string, attributes: Readonly<Record<string, string>>): GraphNode => ({
  op, attributes: new Map(Object.entries(attributes)), name: 'x', inputs: [], replacedOps: [], replacedAttributes: new Map(), controls: [], subgraphs: [], written: null, offset: 0, pointer: '',
});
/** Creating these alone ends the process, or needs more than attributes. */
const leftOut = /^(?:_Native|_NDArray|Custom|_CustomFunction|_CachedOp|_sg_mkldnn|_contrib_quantized_rnn|_foreach|_while_loop|_cond$)/;
const names = operators.trim().split(/;\s*/).filter(line => line !== '').map(line => (line.split(' ')[0] ?? '').split('=')[0] ?? '').filter(name => !leftOut.test(name));

testWith(['mxnet'], 'every operator of the real library is in the table, and no other is said to be', async t => {
  const { stdout } = await runPython('import mxnet as mx\nprint("\\n".join(mx.operator.get_all_registered_operators()))', { env: { OMP_NUM_THREADS: '1' } });
  const real = stdout.trim().split('\n');
  t.true(real.length > 1_000);
  t.deepEqual(real.filter(name => !operatorOf(name) || operatorOf(name)?.origin === 'other-build'), []);
  const listed = new Set(real);
  t.deepEqual(names.filter(name => !listed.has(name)), []);
});

/** The least that an operator's attributes need, by the table. */
function required(name: string): Readonly<Record<string, string>> {
  const needed = [...operatorOf(name)?.attributes?.values() ?? []].filter(each => each.required);
  return Object.fromEntries(needed.map(({ name: key, type, least }) => [key, type.startsWith('{') ? type.slice(1, -1).split('|')[0] ?? '' : 'STFN'.includes(type) ? '(1, 1)' : `${Math.max(1, Number.isFinite(least) ? least : 1)}`]));
}

testWith(['mxnet'], 'operators take the attributes of the table and refuse another, as the real library does', async t => {
  const checked = names.filter(name => operatorOf(name)?.attributes);
  const plain = await counts(checked.map(name => [name, required(name)] as const));
  const foreign = await counts(checked.map(name => [name, { ...required(name), mxwarden: '1' }] as const));
  t.true(checked.length > 300);
  t.deepEqual(checked.filter((_, index) => foreign[index] !== null), []);
  // Poolings need a kernel of one to three dimensions, some operators two attributes that belong together.
  t.true(checked.filter((_, index) => plain[index] === null).length < 40, checked.filter((_, index) => plain[index] === null).join(' '));
});

testWith(['mxnet'], 'numbers of inputs and outputs are those that the real library computes', async t => {
  const special: Question[] = [
    ...['lstm', 'gru', 'rnn_tanh'].flatMap(mode => ['True', 'False'].flatMap(yes => ['True', 'False'].map((other): Question => ['RNN', { state_size: '5', num_layers: '2', mode, state_outputs: yes, use_sequence_length: other }]))),
    ...['both', 'indices', 'mask', 'value'].map((kind): Question => ['topk', { ret_typ: kind }]),
    ...['elu', 'prelu', 'rrelu', 'gelu'].map((kind): Question => ['LeakyReLU', { act_type: kind }]),
    ...['FullyConnected', 'Convolution', 'Deconvolution', '_contrib_DeformableConvolution'].flatMap(op => [{}, { no_bias: 'True' }, { no_bias: '0' }].map((more): Question => [op, { ...(op === 'FullyConnected' ? { num_hidden: '2' } : { kernel: '(1, 1)', num_filter: '2' }), ...more } as Record<string, string>])),
    ['SliceChannel', { num_outputs: '7' }], ['_split_v2', { sections: '3', indices: '()' }], ['_split_v2', { indices: '(0, 2, 5)' }], ['_npi_hsplit', { sections: '4', indices: '()' }],
    ['Concat', { num_args: '4' }], ['add_n', { num_args: '3' }], ['stack', { num_args: '5' }], ['UpSampling', { scale: '2', sample_type: 'nearest', num_args: '3' }],
    ['CTCLoss', { use_data_lengths: 'True', use_label_lengths: 'True' }], ['softmax', { use_length: 'True' }], ['SequenceMask', { use_sequence_length: 'True' }],
    ['_npi_unique', { return_index: 'True', return_counts: 'True' }], ['_contrib_BilinearResize2D', { mode: 'like' }],
  ];
  const questions: Question[] = [...special, ...names.map((name): Question => [name, required(name)])];
  const answers = await counts(questions);
  for (const [index, [op, attributes]] of questions.entries()) {
    const answer = answers[index];
    if (!answer) { t.false(index < special.length, `${op} ${JSON.stringify(attributes)} loads`); continue; }
    const [inputs, outputs] = answer;
    const node = asked(op, attributes);
    const wanted = inputsOf(node);
    if (inputs !== 0xffffffff) t.true(inputs >= wanted.least && inputs <= wanted.most, `${op}: ${inputs} inputs, ${JSON.stringify(wanted)}`);
    const told = outputsOf(node);
    if (told) t.true(outputs <= told.most || pooled.has(op), `${op}: ${outputs} outputs, ${JSON.stringify(told)}`);
    // Allowing more than there are would let a number past the end through.
    if (told) t.true(told.most <= Math.max(1, outputs), `${op}: ${outputs} outputs, ${JSON.stringify(told)}`);
  }
});
/** With MKLDNN these have a workspace for an output; no graph names it. */
const pooled = new Set(['Pooling', 'Pooling_v1']);

test('values are read as the library reads them', t => {
  const attribute = (type: string, more = {}) => ({ name: 'x', type, none: false, required: false, least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY, ...more });
  const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['i', ['1', '-1', '+1', '01', ' 1 '], ['', '1.0', '1L', '0x1', '2147483648', 'True']],
    ['b', ['True', 'true', '0', '1'], ['', 'yes', '2', ' true']],
    ['S', ['(3, 3)', '[3,3]', '(3L, 3L)', '()', '( 3 , 3 )', '(1,)', 'None'], ['3,3', '(3,3', '(3;3)', '(3.0,3)', '(3,3)x', '(3,,3)']],
    ['d', ['1e-5', '.5', 'inf', '-inf', 'nan', '1.', '1e-05f'], ['', '0x1p3', '1,5', '1e400', '1 ']],
    ['{a|b}', ['a'], ['None', 'c', '']],
  ];
  for (const [type, good, bad] of table) {
    for (const text of good) t.true(accepts(attribute(type), text), `${type} ${text}`);
    for (const text of bad) t.false(accepts(attribute(type), text), `${type} ${text}`);
  }
  t.false(accepts(attribute('i', { least: 1 }), '0'));
  t.true(accepts(attribute('i', { none: true }), 'None'));
  t.is(numbersOf(`(${'1'.repeat(20_000)}`), null);
});
