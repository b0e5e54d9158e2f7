import { quoted } from '../formats/quote.ts';
import type { Note } from '../formats/report.ts';
import { isTrue, numbersOf, wholeOf } from '../formats/symbol/values.ts';
import type { LayerFact, SymbolFacts, TensorFact } from '../formats/fact.ts';

/** What is known of a layer's result without knowing the data: null is unknown. */
interface Result { readonly rank: number | null; readonly channels: number | null }

type Shape = readonly number[];
/** null is a dimension that nothing says. */
type Wanted = readonly (number | null)[];

const unknown: Result = { rank: null, channels: null };

interface Context {
  readonly layer: LayerFact;
  readonly data: Result;
  /** Shape of the parameter at an input, if it is one and is in the file. */
  shape(place: number): Shape | null;
  /** The parameter at an input has to have this shape. */
  want(place: number, shape: Wanted): void;
}

/**
 * Shapes of parameters against what their layers need, and against each other through the network: the number of channels
 * is followed from layer to layer. A pure walk in the order of the file; nothing is guessed where the layout is not the usual one.
 */
export function checkShapes({ layers, arguments: args, auxiliaries }: SymbolFacts, params: ReadonlyMap<string, TensorFact>): Note[] {
  const notes: Note[] = [];
  const told = new Set<string>();
  const want = (name: string, wanted: Wanted, whose: string) => {
    const shape = params.get(name)?.shape;
    if (!shape || told.has(name) || agrees(shape, wanted)) return;
    told.add(name);
    notes.push({
      rule: 'model.shape', severity: 'medium', confidence: 0.8, where: {}, techniques: ['AML.T0018.000', 'AML.T0076'],
      message: `Parameter ${quoted(name)} has the shape (${shape.join(', ')}) where ${whose} needs (${wanted.map(size => size ?? '?').join(', ')})`.slice(0, 500),
    });
  };
  for (const { name, shape } of [...args, ...auxiliaries]) if (shape && shape.length > 0) want(name, shape.map(size => size > 0 ? size : null), 'its variable');
  const results: Result[] = [];
  for (const layer of layers) {
    const from = layer.inputs[0];
    const context: Context = {
      layer, data: typeof from === 'number' ? results[from] ?? unknown : unknown,
      shape: place => { const input = layer.inputs[place]; return typeof input === 'string' ? params.get(input)?.shape ?? null : null; },
      want: (place, wanted) => { const input = layer.inputs[place]; if (typeof input === 'string') want(input, wanted, `layer ${quoted(layer.name)}`); },
    };
    results.push(resultOf(context, place => { const input = layer.inputs[place]; return typeof input === 'number' ? results[input] ?? unknown : unknown; }));
  }
  return notes;
}

const agrees = (shape: Shape, wanted: Wanted): boolean => shape.length === wanted.length && wanted.every((size, index) => size === null || size === shape[index]);

function resultOf(context: Context, at: (place: number) => Result): Result {
  const { layer, data } = context;
  switch (layer.op) {
    case 'FullyConnected': return dense(context);
    case 'Convolution': return convolution(context, false);
    case 'Deconvolution': return convolution(context, true);
    case 'BatchNorm': return normalized(context, [1, 2, 3, 4], 1);
    case 'InstanceNorm': return normalized(context, [1, 2], 1);
    case 'LayerNorm': return normalized(context, [1, 2], -1);
    case 'Embedding': return embedding(context);
    case 'RNN': recurrent(context); return unknown;
    case 'Flatten': return { rank: 2, channels: data.rank === 2 ? data.channels : null };
    case 'Concat': return layer.attributes.dim === undefined || layer.attributes.dim === '1' ? joined(layer, at) : unknown;
    case 'Activation': case 'LeakyReLU': case 'Dropout': case 'relu': case 'sigmoid': case 'tanh': case 'clip': case 'BlockGrad': case '_copy': return data;
    case 'Pooling': return /^N(?!C)/.test(layer.attributes.layout ?? '') ? unknown : data;
    case 'elemwise_add': case 'elemwise_mul': case 'elemwise_sub': case 'add_n': return data.channels === null ? at(1) : data;
    default: return unknown;
  }
}

function dense({ layer, data, want }: Context): Result {
  const hidden = wholeOf(layer.attributes.num_hidden, null);
  const flatten = layer.attributes.flatten === undefined || isTrue(layer.attributes.flatten);
  want(1, [hidden, data.rank === 2 ? data.channels : null]);
  want(2, [hidden]);
  return flatten ? { rank: 2, channels: hidden } : unknown;
}

/** Weights of convolutions: (filters, channels / groups, window); of transposed ones the first two the other way round. */
function convolution({ layer, data, want }: Context, transposed: boolean): Result {
  const { attributes } = layer;
  const window = numbersOf(attributes.kernel ?? '') ?? [];
  const filters = wholeOf(attributes.num_filter, null);
  const groups = wholeOf(attributes.num_group, 1) ?? 1;
  want(2, [filters]);
  if (/^N(?!C)/.test(attributes.layout ?? '')) return unknown;
  const split = (count: number | null): number | null => count === null || groups < 1 || count % groups !== 0 ? null : count / groups;
  const channels = data.channels;
  want(1, transposed ? [channels, split(filters), ...window] : [filters, split(channels), ...window]);
  return { rank: window.length + 2, channels: filters };
}

function normalized({ layer, data, want, shape }: Context, places: readonly number[], usual: number): Result {
  const axis = wholeOf(layer.attributes.axis, usual);
  const fromData = axis === 1 || (axis === -1 && data.rank === 2) ? data.channels : null;
  const size = fromData ?? places.map(place => shape(place)?.[0]).find(each => each !== undefined) ?? null;
  for (const place of places) want(place, [size]);
  return axis === 1 ? { rank: data.rank, channels: size } : data;
}

function embedding({ layer, want }: Context): Result {
  want(1, [wholeOf(layer.attributes.input_dim, null), wholeOf(layer.attributes.output_dim, null)]);
  return unknown;
}

/** All weights and biases of a fused recurrent layer in one vector: only sizes that some input width explains can be right (rnn-inl.h GetRnnParamSize). */
function recurrent({ layer, want, shape }: Context): void {
  const { attributes } = layer;
  const found = shape(1);
  const hidden = wholeOf(attributes.state_size, null);
  const depth = wholeOf(attributes.num_layers, null);
  const projected = attributes.projection_size !== undefined && attributes.projection_size !== 'None';
  if (!found || hidden === null || depth === null || hidden < 1 || depth < 1 || projected) return;
  const gates = { lstm: 4, gru: 3 }[attributes.mode ?? ''] ?? 1;
  const ways = isTrue(attributes.bidirectional) ? 2 : 1;
  const row = gates * hidden;
  const fixed = ways * row * (hidden + 2) + (depth - 1) * ways * row * (ways * hidden + hidden + 2);
  const rest = (found[0] ?? 0) - fixed;
  const width = rest / (ways * row);
  want(1, [width >= 1 && Number.isInteger(width) ? found[0] ?? null : fixed + ways * row]);
}

function joined(layer: LayerFact, at: (place: number) => Result): Result {
  const parts = layer.inputs.map((_, place) => at(place));
  const sum = parts.reduce<number | null>((total, part) => total === null || part.channels === null ? null : total + part.channels, 0);
  return { rank: parts[0]?.rank ?? null, channels: sum };
}
