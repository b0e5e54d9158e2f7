import { escapeText } from '../../../agent/contract/text.ts';
import type { Report } from '../report.ts';
import type { Graph, GraphNode } from './graph.ts';

/** What a symbol consists of, for the inventory. */
export interface Tally {
  node(node: GraphNode, depth: number): void;
  /** A symbol written as text inside an attribute. */
  written(): void;
  tell(report: Report, graph: Graph | null): void;
}

const mostOperators = 200;
const short = (text: string): string => escapeText(text.slice(0, 100));

export function tally(): Tally {
  const operators = new Map<string, number>();
  const customs = new Set<string>();
  let variables = 0;
  let deepestSeen = 0;
  let strings = 0;
  let more = 0;
  return {
    node({ op, attributes }, depth) {
      deepestSeen = Math.max(deepestSeen, depth);
      if (op === 'null') { variables += 1; return; }
      const key = short(op);
      if (operators.has(key) || operators.size < mostOperators) operators.set(key, (operators.get(key) ?? 0) + 1);
      else more += 1;
      if (op === 'Custom' && customs.size < 50) customs.add(short(attributes.get('op_type') ?? ''));
    },
    written() { strings += 1; },
    tell(report, graph) {
      report.inventory('operators', Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1))));
      if (more > 0) report.inventory('operatorsLeftOut', more);
      report.inventory('customOperators', [...customs]);
      report.inventory('variables', variables);
      report.inventory('nesting', deepestSeen);
      report.inventory('symbolsInText', strings);
      if (!graph) return;
      report.inventory('mxnetVersion', graph.version);
      report.inventory('nodes', graph.nodes.length);
      report.inventory('heads', graph.heads.length);
    },
  };
}
