import { quoted } from '../formats/quote.ts';
import type { Note } from '../formats/report.ts';
import type { LayerFact, StatesFacts, SymbolFacts, TensorFact, VariableFact } from '../formats/fact.ts';
import { checkShapes } from './shapes.ts';

export interface Model {
  readonly symbol: SymbolFacts | null;
  /** Arrays of the parameters file; null where there is none or it could not be read. */
  readonly params: readonly TensorFact[] | null;
  /** False: the file has more arrays than `params` tells, so that none can be called missing. */
  readonly complete?: boolean;
  readonly states?: StatesFacts | null;
}

/** Of one rule; the rest is counted. */
const mostNotes = 20;
const megabyte = 1_000_000;

/**
 * What the files of one model say about each other: whether every parameter is there, has the shape its layer needs, and
 * is used. Files that are missing are no finding here. Pure; linear in the number of names.
 */
export function crossCheck({ symbol, params, complete = true, states }: Model): Note[] {
  if (!symbol) return [];
  const notes: Note[] = [];
  if (params) {
    const parameters = readNames(params);
    if (!symbol.truncated) notes.push(...unused(symbol, parameters));
    if (complete) notes.push(...missing(symbol, parameters));
    notes.push(...misplaced(symbol, parameters));
    notes.push(...limited(checkShapes(symbol, parameters.byName)));
  }
  if (states) notes.push(...surplus(symbol, states), ...limited(misshapen(symbol, states)));
  return notes;
}

interface Parameters {
  /** Without their prefix. */
  readonly byName: ReadonlyMap<string, TensorFact>;
  readonly prefixes: ReadonlyMap<string, string>;
}

/** The later of two names that are equal counts, as in the loader. */
function readNames(params: readonly TensorFact[]): Parameters {
  const byName = new Map<string, TensorFact>();
  const prefixes = new Map<string, string>();
  for (const tensor of params) {
    const [, prefix = '', name = tensor.name] = /^(arg|aux):(.*)$/s.exec(tensor.name) ?? [];
    byName.set(name, tensor);
    prefixes.set(name, prefix);
  }
  return { byName, prefixes };
}

const note = (rule: string, severity: Note['severity'], confidence: number, message: string, ...techniques: readonly string[]): Note =>
  ({ rule: `model.${rule}`, severity, confidence, message, where: {}, techniques });

function limited(notes: readonly Note[]): Note[] {
  const left = notes.length - mostNotes;
  if (left <= 0) return [...notes];
  const first = notes[0] as Note;
  return [...notes.slice(0, mostNotes), { ...first, message: `${left} more of this kind`, severity: 'info' }];
}

/** Arrays that no node asks for: they travel with the model and are loaded, and nobody sees what they are. */
function unused({ arguments: args, auxiliaries }: SymbolFacts, { byName }: Parameters): Note[] {
  const asked = new Set([...args, ...auxiliaries].map(({ name }) => name));
  const idle = [...byName].filter(([name]) => !asked.has(name)).map(([name, tensor]) => ({ name, bytes: tensor.bytes }));
  if (idle.length === 0) return [];
  const bytes = idle.reduce((sum, each) => sum + each.bytes, 0);
  const largest = idle.toSorted((a, b) => b.bytes - a.bytes).slice(0, 5);
  const listed = largest.map(({ name, bytes: size }) => `${quoted(name, 60)} (${size} bytes)`).join(', ');
  const [severity, confidence] = bytes > megabyte ? ['medium', 0.6] as const : ['low', 0.5] as const;
  return [note('unused-parameters', severity, confidence,
    `${idle.length} parameters with ${bytes} bytes in all are used by no layer: ${listed}${idle.length > 5 ? ' and more' : ''}`, 'AML.T0018.002', 'T1027.009')];
}

/** What has no parameter is an input, or is made by its initializer when the model is bound. */
function missing(symbol: SymbolFacts, { byName }: Parameters): Note[] {
  const consumed = parametersOf(symbol.layers);
  const absent = (facts: readonly VariableFact[]) => facts.filter(({ name }) => !byName.has(name));
  const initialized = absent([...symbol.arguments, ...symbol.auxiliaries]).filter(({ initializer }) => initializer !== null);
  const lost = absent(symbol.arguments).filter(({ name, initializer }) => initializer === null && consumed.has(name));
  const states = absent(symbol.auxiliaries).filter(({ initializer }) => initializer === null);
  return [
    ...limited(initialized.map(({ name, initializer }) => note('initialized-parameter', initializer?.known ? 'low' : 'medium', 0.6,
      `Parameter ${quoted(name)} is missing; the initializer ${quoted(initializer?.name ?? '')} that the symbol names would make it`, 'AML.T0018.000'))),
    ...limited([...lost, ...states].map(({ name }) => note('missing-parameter', 'medium', 0.7,
      `Parameter ${quoted(name)} of a layer is not in the parameters file`, 'AML.T0018.000'))),
  ];
}

/** Inputs that only parameters are connected to, from the second on. */
const weighted: Readonly<Record<string, readonly number[]>> = {
  FullyConnected: [1, 2], Convolution: [1, 2], Deconvolution: [1, 2], BatchNorm: [1, 2, 3, 4], LayerNorm: [1, 2], GroupNorm: [1, 2], InstanceNorm: [1, 2],
  Embedding: [1], RNN: [1],
};

function parametersOf(layers: readonly LayerFact[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { op, inputs } of layers) for (const place of weighted[op] ?? []) {
    const from = inputs[place];
    if (typeof from === 'string') names.add(from);
  }
  return names;
}

/** Under the other prefix load_checkpoint puts it where the module does not look for it. */
function misplaced(symbol: SymbolFacts, { prefixes }: Parameters): Note[] {
  const under = (facts: readonly VariableFact[], wrong: string) => facts.filter(({ name }) => prefixes.get(name) === wrong);
  const found = [...under(symbol.arguments, 'aux'), ...under(symbol.auxiliaries, 'arg')];
  return limited(found.map(({ name }) => note('misplaced-parameter', 'low', 0.6,
    `Parameter ${quoted(name)} stands under the prefix ${prefixes.get(name) === 'aux' ? 'aux' : 'arg'}, where the symbol has it as the other`)));
}

const mostArrays = 4;

/** Every optimizer of MXNet 1.9.1 keeps arrays of the parameter's own shape, but for GroupAdaGrad: a number for each row. */
function misshapen(symbol: SymbolFacts, { shapes = new Map() }: StatesFacts): Note[] {
  const told = new Map<string, Note>();
  for (let place = 0; place < mostArrays; place++) {
    const arrays = new Map<string, TensorFact>();
    for (const [name, list] of shapes) {
      const shape = list[place];
      if (shape && !(shape.length > 1 && shape.slice(1).every(size => size === 1))) arrays.set(name, { name, shape, dtype: '', bytes: 0 });
    }
    if (arrays.size === 0) continue;
    for (const { message } of checkShapes(symbol, arrays)) told.set(message, note('state-shape', 'low', 0.6, message.replace(/^Parameter/, 'The state of parameter'), 'AML.T0018.000', 'AML.T0076'));
  }
  return [...told.values()];
}

/** One state for each parameter at most; names in Module's updaters are those of arguments. */
function surplus(symbol: SymbolFacts, { keys }: StatesFacts): Note[] {
  if (symbol.truncated) return [];
  const names = new Set(symbol.arguments.map(({ name }) => name));
  const strange = keys.filter(key => typeof key === 'string' && !names.has(key));
  const tooMany = keys.length > symbol.arguments.length;
  if (strange.length === 0 && !tooMany) return [];
  const which = strange.length > 0
    ? `${strange.length} of names the symbol does not have, such as ${quoted(String(strange[0]))}`
    : `${keys.length} where the symbol has ${symbol.arguments.length} arguments`;
  return [note('foreign-states', 'low', 0.5, `The optimizer's states do not belong to this symbol: ${which}`)];
}
