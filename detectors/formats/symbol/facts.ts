import type { LayerFact, SymbolFacts, VariableFact } from '../fact.ts';
import type { Source } from '../source.ts';
import { load } from './document.ts';
import { type Graph, type GraphNode, readGraph } from './graph.ts';
import { initializerOf } from './initializer.ts';
import { operatorOf } from './operators.ts';
import { numbersOf } from './values.ts';

const mostNames = 5_000;
const mostLayers = 50_000;

/** Inputs that an operator mutates (FMutateInputs), by first registered name. */
const mutated: Readonly<Record<string, readonly number[]>> = {
  BatchNorm: [3, 4], BatchNorm_v1: [3, 4], CuDNNBatchNorm: [3, 4], _contrib_SyncBatchNorm: [3, 4], _contrib_BatchNormWithReLU: [3, 4],
  _contrib_quantized_batch_norm: [3, 4],
  IdentityAttachKLSparseReg: [1],
};

/** What a symbol asks of its parameters; null where MXNet would refuse it, or where it is too long to be read. */
export function symbolFacts(source: Source): SymbolFacts | null {
  const { bytes, cut } = load(source);
  try {
    const { graph } = readGraph({
      bytes, cut, pointer: '', depth: 0,
      node() { /* only the finished graph counts */ },
      tell() { /* the format reports these */ },
      tooDeep() { /* and this */ },
      spend() { /* the reader is bounded */ },
    });
    return factsOf(graph);
  } catch (error) {
    if (error instanceof RangeError) return null; // Refused or too long: an answer, and the format says which.
    throw error;
  }
}

/** What the outermost graph asks of its parameters. */
export function factsOf({ nodes, version }: Graph): SymbolFacts {
  const auxiliary = auxiliariesOf(nodes);
  const variables = [...nodes.entries()].filter(([, node]) => node.op === 'null');
  const kept = variables.slice(0, mostNames);
  const layers = layersOf(nodes);
  return {
    version, layers: layers.slice(0, mostLayers),
    arguments: kept.filter(([index]) => !auxiliary.has(index)).map(([, node]) => variableOf(node)),
    auxiliaries: kept.filter(([index]) => auxiliary.has(index)).map(([, node]) => variableOf(node)),
    truncated: variables.length > mostNames || layers.length > mostLayers,
  };
}

/** Places of the variables that operators change. A fused layer changes what the layers inside it change: its inputs are their variables, in order. */
function auxiliariesOf(nodes: readonly GraphNode[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const node of nodes) {
    for (const place of placesOf(node)) {
      const from = node.inputs[place]?.node;
      if (from !== undefined && nodes[from]?.op === 'null') found.add(from);
    }
  }
  return found;
}

function placesOf({ op, subgraphs }: GraphNode): readonly number[] {
  const inner = subgraphs[0]?.nodes;
  if (!op.startsWith('_sg_') || !inner) return mutated[operatorOf(op)?.name ?? ''] ?? [];
  const changed = auxiliariesOf(inner);
  return [...inner.keys()].filter(index => inner[index]?.op === 'null').flatMap((index, place) => changed.has(index) ? [place] : []);
}

function variableOf({ name, attributes }: GraphNode): VariableFact {
  const shape = attributes.get('__shape__');
  return { name, shape: shape === undefined ? null : numbersOf(shape), initializer: initializerOf(attributes.get('__init__') ?? '') };
}

function layersOf(nodes: readonly GraphNode[]): LayerFact[] {
  const place = new Map<number, number>();
  const layers: LayerFact[] = [];
  nodes.forEach((node, index) => {
    if (node.op === 'null') return;
    const inputs = node.inputs.map(entry => {
      const from = nodes[entry.node];
      return from?.op === 'null' ? from.name : entry.output === 0 ? place.get(entry.node) ?? null : null;
    });
    place.set(index, layers.length);
    layers.push({ op: operatorOf(node.op)?.name ?? node.op, name: node.name, attributes: Object.fromEntries(node.attributes), inputs });
  });
  return layers;
}
