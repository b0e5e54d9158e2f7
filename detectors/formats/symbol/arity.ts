import type { GraphNode } from './graph.ts';
import { type Operator, operatorOf } from './operators.ts';
import { isTrue, numbersOf, wholeOf } from './values.ts';

/** How many inputs or outputs a node may have. */
export interface Arity { readonly least: number; readonly most: number }

type Attributes = ReadonlyMap<string, string>;
type Rule = (attributes: Attributes) => number | null;

const exactly = (count: number): Arity => ({ least: count, most: count });
const any: Arity = { least: 0, most: Number.POSITIVE_INFINITY };
const flag = (attributes: Attributes, name: string): number => Number(isTrue(attributes.get(name)));
const counted = (name: string, otherwise: number | null = null): Rule => attributes => wholeOf(attributes.get(name), otherwise);
const sequence: Rule = attributes => 1 + flag(attributes, 'use_sequence_length');
const withoutBias = (all: number): Rule => attributes => all - flag(attributes, 'no_bias');
/** Control flow counts its subgraphs among the arguments. */
const besides = (subgraphs: number): Rule => attributes => {
  const count = wholeOf(attributes.get('num_args'), null);
  return count === null ? null : Math.max(0, count - subgraphs);
};
const gates = (attributes: Attributes): number => Number(attributes.get('mode') === 'lstm');

const split: Rule = attributes => {
  const sections = wholeOf(attributes.get('sections'), 0);
  return sections !== null && sections > 0 ? sections : numbersOf(attributes.get('indices') ?? '()')?.length ?? null;
};

const same = (names: string, rule: Rule): Readonly<Record<string, Rule>> => Object.fromEntries(names.split(' ').map(name => [name, rule]));
const constant = (names: string, count: number) => same(names, () => count);

/** Where nnvm::Op::get_num_inputs computes them; each was compared with the library's own answers. */
const inputRules: Readonly<Record<string, Rule>> = {
  FullyConnected: withoutBias(3), Convolution: withoutBias(3), Convolution_v1: withoutBias(3),
  Deconvolution: attributes => attributes.has('no_bias') ? 3 - flag(attributes, 'no_bias') : 2,
  _contrib_DeformableConvolution: withoutBias(4), _contrib_ModulatedDeformableConvolution: withoutBias(5),
  _contrib_quantized_fully_connected: attributes => 9 - 3 * flag(attributes, 'no_bias'),
  _contrib_quantized_conv: attributes => 9 - 3 * flag(attributes, 'no_bias'),
  _contrib_quantized_concat: attributes => { const count = wholeOf(attributes.get('num_args'), null); return count === null ? null : 3 * count; },
  UpSampling: attributes => attributes.get('sample_type') === 'bilinear' ? 2 : wholeOf(attributes.get('num_args'), null),
  RNN: attributes => 3 + gates(attributes) + flag(attributes, 'use_sequence_length'),
  softmax: attributes => 1 + flag(attributes, 'use_length'),
  SequenceLast: sequence, SequenceMask: sequence, SequenceReverse: sequence,
  LeakyReLU: attributes => attributes.get('act_type') === 'prelu' ? 2 : 1,
  CTCLoss: attributes => 2 + flag(attributes, 'use_data_lengths') + flag(attributes, 'use_label_lengths'),
  _contrib_BilinearResize2D: attributes => attributes.get('mode') === 'like' ? 2 : 1,
  BatchNorm_v1: () => 5, IdentityAttachKLSparseReg: () => 2,
  ...same('Concat Crop add_n stack khatri_rao _rnn_param_concat', counted('num_args')),
  _foreach: besides(1), _while_loop: besides(2), _cond: besides(3),
  ...same('_npi_column_stack _npi_concatenate _npi_dstack _npi_einsum _npi_hstack _npi_stack _npi_vstack', counted('num_args')),
  ...same('_np_atleast_1d _np_atleast_2d _np_atleast_3d', counted('num_args')),
};

/** Where nnvm::Op::get_num_outputs computes them. Pooling has a second one only with MKLDNN, and nobody names it. */
const outputRules: Readonly<Record<string, Rule>> = {
  ...constant('Convolution_v1 Crop IdentityAttachKLSparseReg MakeLoss Pad Pooling Pooling_v1 SVMOutput SequenceLast SequenceMask SequenceReverse SwapAxis', 1),
  ...constant('_CrossDeviceCopy _contrib_DeformableConvolution _contrib_ModulatedDeformableConvolution _contrib_MultiBoxDetection _contrib_MultiBoxPrior', 1),
  ...constant('_contrib_PSROIPooling _contrib_count_sketch _contrib_fft _contrib_ifft', 1),
  ...constant('BilinearSampler GridGenerator L2Normalization ROIPooling _contrib_DeformablePSROIPooling _contrib_Proposal _contrib_MultiProposal', 2),
  ...constant('BatchNorm_v1 Correlation InstanceNorm SpatialTransformer _contrib_MultiBoxTarget _contrib_SyncBatchNorm', 3),
  SliceChannel: counted('num_outputs'),
  RNN: attributes => isTrue(attributes.get('state_outputs')) ? 2 + gates(attributes) : 1,
  LeakyReLU: attributes => attributes.get('act_type') === 'rrelu' ? 2 : 1,
  topk: attributes => ['both', 'value'].includes(attributes.get('ret_typ') ?? '') ? 2 : 1,
  _split_v2: split, _npi_hsplit: split, _npi_dsplit: split,
  _npi_unique: attributes => 1 + flag(attributes, 'return_index') + flag(attributes, 'return_inverse') + flag(attributes, 'return_counts'),
  _sample_multinomial: attributes => 1 + flag(attributes, 'get_prob'),
  _contrib_quantized_elemwise_mul: attributes => isTrue(attributes.get('enable_float_output')) ? 1 : 3,
  _contrib_quantized_rnn: attributes => isTrue(attributes.get('state_outputs')) ? 2 + gates(attributes) : 1,
  _foreach: counted('num_outputs'), _while_loop: counted('num_outputs'), _cond: counted('num_outputs'),
  amp_multicast: counted('num_outputs'),
  _np_atleast_1d: counted('num_args'), _np_atleast_2d: counted('num_args'), _np_atleast_3d: counted('num_args'),
};

/** At most so many where the exact number depends on more than attributes: fused layers with quantised output tell its range too. */
const mostOutputs: Readonly<Record<string, number>> = { _sg_mkldnn_conv: 3, _sg_mkldnn_fully_connected: 3, _sg_mkldnn_selfatt_qk: 3, _sg_mkldnn_selfatt_valatt: 3 };

/** Null where nobody can tell: unknown operators, custom operators. */
export function outputsOf(node: GraphNode): Arity | null {
  if (node.op === 'null') return exactly(1);
  const operator = operatorOf(node.op);
  if (!operator || operator.outputs === '*') return null;
  if (operator.outputs !== '?') return exactly(Number(operator.outputs));
  const most = mostOutputs[operator.name];
  if (most !== undefined) return { least: 1, most };
  const count = outputRules[operator.name]?.(node.attributes) ?? null;
  return count === null ? null : exactly(count);
}

export function inputsOf(node: GraphNode): Arity {
  if (node.op === 'null') return exactly(0);
  const operator = operatorOf(node.op);
  return operator ? declared(operator, node.attributes) : any;
}

function declared(operator: Operator, attributes: Attributes): Arity {
  const count = Object.hasOwn(inputRules, operator.name) ? inputRules[operator.name]?.(attributes) ?? null : null;
  if (count !== null) return exactly(count);
  if (/^\d+$/.test(operator.inputs)) return exactly(Number(operator.inputs));
  return { least: 0, most: loose.has(operator.name) || !/^\?\d+$/.test(operator.inputs) ? any.most : Number(operator.inputs.slice(1)) };
}

/** The library declares fewer inputs than it takes. */
const loose = new Set(['_CrossDeviceCopy', '_CustomFunction', 'Custom', '_CachedOp', '_CachedOpThreadSafe', '_Native', '_NDArray', '_sg_mkldnn_conv',
  '_sg_mkldnn_fully_connected', '_sg_mkldnn_selfatt_qk', '_sg_mkldnn_selfatt_valatt', '_contrib_DeformablePSROIPooling', '_contrib_PSROIPooling']);
