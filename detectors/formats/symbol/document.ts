import type { Report } from '../report.ts';
import { BudgetError } from '../report.ts';
import { longestRead, type Source } from '../source.ts';
import { checkGraph } from './graph-checks.ts';
import { deepest, type Graph, type GraphNode, readGraph } from './graph.ts';
import { checkDangers } from './node-dangers.ts';
import type { OperatorPolicy } from './policy.ts';
import type { Deviation } from './reader.ts';
import type { Tally } from './tally.ts';
import { quoted } from '../quote.ts';
import type { Voice } from './voice.ts';

/** Symbols are read into memory; the largest of the model zoo has 2 MB. */
export const longestSymbol = 33_554_432;

/** The beginning of a source, in memory. */
export function load(source: Source): { readonly bytes: Uint8Array; readonly cut: boolean } {
  const size = Math.min(source.size, longestSymbol);
  const bytes = new Uint8Array(size);
  for (let from = 0; from < size; from += longestRead) bytes.set(source.read(from, Math.min(longestRead, size - from)), from);
  return { bytes, cut: source.size > size };
}

interface Examination {
  readonly report: Report;
  readonly policy: OperatorPolicy;
  readonly voice: Voice;
  readonly counts: Tally;
  readonly seen: Set<string>;
}

interface Text { readonly bytes: Uint8Array; readonly cut: boolean; readonly pointer: string; readonly depth: number }

/** Reads one document, strings that are documents included, and says everything about it. RangeError where MXNet refuses it. */
export function examine(text: Text, examination: Examination): { readonly graph: Graph; readonly end: number } {
  const { report, voice, counts } = examination;
  const written: { node: GraphNode; depth: number }[] = [];
  const finish = () => { for (const each of written.splice(0)) examineWritten(each.node, each.depth, examination); };
  const found = (() => {
    try {
      return readGraph({
        ...text,
        spend: units => { report.budget.spend(units); },
        tell(deviation, pointer) {
          report.budget.spend(1);
          tellDeviation(deviation, pointer, text.pointer, voice);
        },
        tooDeep(offset, pointer) {
          voice.say('nesting', 'critical', 0.95,
            `Graphs are nested deeper than ${deepest}: MXNet reads them by recursion until its stack ends`, { offset, pointer }, 'AML.T0011.000', 'T1499');
        },
        node(node, depth) {
          counts.node(node, depth);
          checkDangers(node, examination.policy, voice, examination.seen);
          if (node.op === '_CachedOp' || node.op === '_CachedOpThreadSafe') written.push({ node, depth });
        },
      });
    } finally { finish(); }
  })();
  for (const graph of graphsOf(found.graph)) checkGraph(graph, voice, units => { report.budget.spend(units); });
  return found;
}

/** The graph and all of its subgraphs; string subgraphs are examined on their own. */
function* graphsOf(graph: Graph): Generator<Graph> {
  const waiting = [graph];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    yield next;
    for (const node of next.nodes) for (const subgraph of node.subgraphs) waiting.push(subgraph);
  }
}

/** `subgraph` of a cached operator: a whole document in a text, parsed by the library while loading. */
function examineWritten(node: GraphNode, depth: number, examination: Examination) {
  const { voice } = examination;
  const where = { offset: node.offset, pointer: `${node.pointer}/attrs/subgraph` };
  if (node.written === null) return;
  if (depth + 1 > deepest) {
    voice.say('nesting', 'critical', 0.95, `Graphs are nested deeper than ${deepest}, as text inside text`, where, 'AML.T0011.000', 'T1499');
    return;
  }
  examination.counts.written();
  try { examine({ bytes: node.written, cut: false, pointer: where.pointer, depth: depth + 1 }, examination); } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    voice.refused('refused', `The symbol written as text in node ${quoted(node.name)} is refused: ${error.message}`, where);
  }
}

function tellDeviation({ kind, offset, message }: Deviation, pointer: string, outer: string, voice: Voice) {
  const where = outer === '' ? { offset, pointer } : { pointer };
  voice.say(kind, 'medium', 0.8, `${message}; Symbol.save writes no such thing, and other readers differ`, where, 'AML.T0076');
}

