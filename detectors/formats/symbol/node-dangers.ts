import type { OperatorPolicy } from './policy.ts';
import { quoted } from '../quote.ts';
import { builtInCustom, dangerOf, isGrave } from './dangers.ts';
import type { GraphNode } from './graph.ts';
import { operatorOf } from './operators.ts';
import type { Voice } from './voice.ts';

/** Operators that are dangerous wherever they stand, reachable or not. Called for every node that was read, before any other check. */
export function checkDangers(node: GraphNode, policy: OperatorPolicy, voice: Voice, seen: Set<string>) {
  for (const op of [node.op, ...node.replacedOps]) checkOperator(op, node, voice, seen);
  if (node.op === 'Custom') checkCustom(node, policy, voice);
  else checkPolicy(node, policy, voice, seen);
  if (operatorOf(node.op)?.name === '_sg_mkldnn_fully_connected' && node.subgraphs.length === 0) {
    voice.say('missing-subgraph', 'critical', 1,
      `Node ${quoted(node.name)} is a fused layer without its subgraph: MXNet reads past the end while loading`, at(node), 'AML.T0011.000', 'T1203');
  }
}

export const at = ({ offset, pointer }: GraphNode) => ({ offset, pointer });

function checkOperator(op: string, node: GraphNode, voice: Voice, seen: Set<string>) {
  const found = dangerOf(op);
  if (!found) return;
  // One of a kind is enough of what is only odd; each of the grave ones is told.
  if (!isGrave(found) && seen.has(op)) return;
  if (seen.size < 10_000) seen.add(op);
  const replaced = op === node.op ? '' : ', which a later key of the node hides';
  voice.say(found.rule.slice('symbol.'.length), found.severity, found.confidence,
    `Operator ${quoted(op)} of node ${quoted(node.name)} ${found.why}${replaced}`, at(node), ...found.techniques);
}

function checkPolicy({ op, name, offset, pointer }: GraphNode, { allow }: OperatorPolicy, voice: Voice, seen: Set<string>) {
  if (!allow || op === 'null' || allow.includes(op)) return;
  const canonical = operatorOf(op)?.name;
  const key = `policy ${op}`;
  if ((canonical !== undefined && allow.includes(canonical)) || seen.has(key)) return;
  if (seen.size < 10_000) seen.add(key);
  voice.say('operator-not-allowed', 'medium', 1,
    `Operator ${quoted(op)} of node ${quoted(name)} is not on the list of allowed operators`, { offset, pointer }, 'AML.T0011.000');
}

/** Values that ast.literal_eval takes, as far as the built-in operators are ever given. */
const literal = /^(?:None|True|False|[\s\d()[\],.+-]*\d[\s\d()[\],.+-]*|\(\))$/;

function checkCustom(node: GraphNode, { customAllow = [] }: OperatorPolicy, voice: Voice) {
  const type = node.attributes.get('op_type');
  if (type === undefined) {
    voice.refused('custom-operator', `Custom operator ${quoted(node.name)} does not name its op_type`, at(node));
    return;
  }
  const takes = Object.hasOwn(builtInCustom, type) ? builtInCustom[type] : undefined;
  if (!takes) {
    const allowed = customAllow.includes(type);
    const why = allowed ? 'which is allowed' : 'code that has to be registered in the process and gets its attributes while the symbol loads';
    voice.say('custom-operator', allowed ? 'info' : 'low', 1,
      `Node ${quoted(node.name)} calls the custom operator ${quoted(type)}, ${why}`, at(node), 'AML.T0011.000');
    return;
  }
  const given = [...node.attributes.keys()].filter(key => key !== 'op_type');
  const foreign = given.find(key => ![...takes.required, ...takes.optional].includes(key));
  const missing = takes.required.find(key => !given.includes(key));
  const odd = given.find(key => ['shape', 'new_shape', 'size', 'subok'].includes(key) && !literal.test(node.attributes.get(key) ?? ''));
  const what = foreign !== undefined ? `has the attribute ${quoted(foreign)}, which it does not take`
    : missing !== undefined ? `lacks its attribute ${missing}`
      : odd !== undefined ? `has a value for ${odd} that is no Python literal` : null;
  if (what !== null) voice.say('custom-crash', 'critical', 0.95,
    `Built-in custom operator ${quoted(type)} of node ${quoted(node.name)} ${what}: its creator raises, and the process dies while loading`, at(node), 'AML.T0011.000', 'T1499');
  else voice.say('custom-operator', 'info', 1, `Node ${quoted(node.name)} calls the custom operator ${quoted(type)} of MXNet itself`, at(node));
}
