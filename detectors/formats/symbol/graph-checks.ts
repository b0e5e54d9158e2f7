import { quoted } from '../quote.ts';
import { outputsOf } from './arity.ts';
import type { Entry, Graph, GraphNode } from './graph.ts';
import { checkClaims, checkNode } from './node-checks.ts';
import { at } from './node-dangers.ts';
import { hasCycle, reachable } from './topology.ts';
import type { Voice } from './voice.ts';

/** The release whose behaviour is the measure, as `mxnet_version` writes it. */
export const release = 10_901;
/** From here on MXNet does not parse the attributes of the outermost graph. */
const unparsed = 1_000_000;
/** The deepest honest graph seen: a fused layer inside a loop. */
const honestDepth = 2;

/** Everything that is wrong with one graph as a graph; subgraphs are given on their own. */
export function checkGraph(graph: Graph, voice: Voice, spend: (units: number) => void) {
  checkVersion(graph, voice);
  if (graph.depth > honestDepth) voice.say('nesting', 'medium', 0.8,
    `Graphs are nested ${graph.depth} deep; exporters go to ${honestDepth}`, { pointer: graph.pointer });
  if (!checkNumbers(graph, voice)) return;
  const reached = reachable(graph);
  const isOutermost = graph.pointer === '';
  const version = graph.version ?? 800;
  graph.nodes.forEach((node, index) => {
    spend(2);
    const parsed = isOutermost ? reached[index] === 1 && version < unparsed : true;
    checkNode(node, { parsed, upgraded: isOutermost && version < release, old: isOutermost && version < 900 }, voice);
    checkClaims(node, voice);
    checkOrder(node, index, voice);
    for (const entry of node.inputs) checkOutput(entry, graph, at(node), voice);
    if (reached[index] === 0) voice.say('unreachable', 'medium', 0.7,
      `Node ${quoted(node.name)} leads to no output of its graph; exporters write none such`, at(node));
  });
  for (const head of graph.heads) checkOutput(head, graph, { pointer: `${graph.pointer}/heads` }, voice);
  if (graph.heads.length === 0) voice.say('no-heads', 'medium', 0.8, 'The graph has no outputs', { pointer: `${graph.pointer}/heads` });
  if (hasCycle(graph, spend)) voice.say('cycle', 'high', 0.9, 'Nodes depend on themselves in a circle', { pointer: graph.pointer }, 'T1499', 'AML.T0029');
  checkVariables(graph, voice);
  checkRows(graph, voice);
}

/** Written beside the version when np semantics are on, or by frameworks around MXNet. */
const usual = new Set(['is_np_shape']);

function checkVersion({ version, pointer, extras }: Graph, voice: Voice) {
  const where = { pointer: `${pointer}/attrs` };
  for (const extra of extras) if (!usual.has(extra)) voice.say('graph-attribute', 'low', 0.6,
    `The graph has an attribute ${quoted(extra)} of its own`, where);
  if (pointer !== '') return;
  if (version === null) voice.say('version', 'info', 1, 'The symbol does not tell its version: MXNet takes it for 0.8 and upgrades it', where);
  else if (version < 0) voice.say('version', 'medium', 0.9, `The symbol tells the version ${version}`, where);
  else if (version >= unparsed) voice.say('version', 'medium', 0.9,
    `The symbol tells the version ${version}, for which MXNet 1.9.1 does not look at attributes while loading`, where);
  else if (version !== release) voice.say('version', 'info', 1, `The symbol was written by another release of MXNet: ${version}`, where);
}

/** Numbers of nodes; MXNet checks these itself. False where one is out of range: then nothing follows them. */
function checkNumbers(graph: Graph, voice: Voice): boolean {
  const { nodes, variables, heads, pointer } = graph;
  let sound = true;
  const check = (number: number, where: object) => {
    if (number < nodes.length) return;
    sound = false;
    voice.refused('node-number', `Node ${number} is named where the graph has ${nodes.length}`, where);
  };
  for (const node of nodes) {
    for (const entry of node.inputs) check(entry.node, at(node));
    for (const control of node.controls) check(control, at(node));
  }
  for (const head of heads) check(head.node, { pointer: `${pointer}/heads` });
  for (const number of variables) {
    check(number, { pointer: `${pointer}/arg_nodes` });
    if (nodes[number] && nodes[number].op !== 'null') { sound = false; voice.refused('arg-nodes',
      `arg_nodes names node ${number}, which is no variable`, { pointer: `${pointer}/arg_nodes` }); }
  }
  return sound;
}

/** Symbol.save writes each node after what it depends on. */
function checkOrder(node: GraphNode, index: number, voice: Voice) {
  if (node.inputs.some(entry => entry.node >= index) || node.controls.some(control => control >= index)) {
    voice.say('order', 'low', 0.7, `Node ${quoted(node.name)} depends on one that stands behind it`, at(node));
  }
}

function checkOutput({ node: number, output }: Entry, graph: Graph, where: object, voice: Voice) {
  const node = graph.nodes[number];
  if (!node) return;
  const arity = outputsOf(node);
  if (output < (arity?.most ?? 1_000)) return;
  const has = arity ? `${arity.most}` : 'an unknown number of';
  voice.say('output-number', 'critical', arity ? 0.95 : 0.7,
    `Output ${output} of node ${quoted(node.name)} is used, which has ${has} outputs: binding the symbol indexes past a vector`, where, 'AML.T0011.000', 'T1203');
}

function checkVariables({ nodes, variables, pointer }: Graph, voice: Voice) {
  const where = { pointer: `${pointer}/arg_nodes` };
  const listed = new Set(variables);
  const count = nodes.filter(node => node.op === 'null').length;
  if (listed.size !== variables.length || listed.size !== count)
    voice.say('arg-nodes', 'medium', 0.8,
      `arg_nodes has ${variables.length} numbers where the graph has ${count} variables`, where);
  const named = new Map<string, GraphNode>();
  let repeated = 0;
  for (const node of nodes) {
    const before = named.get(node.name);
    if (before?.op === 'null' && node.op === 'null') voice.say('duplicate-name', 'medium', 0.8,
      `The name ${quoted(node.name)} of a variable stands twice: both take the same parameter`, at(node), 'T1036');
    else if (before) repeated += 1;
    else named.set(node.name, node);
  }
  // A block that is called twice writes its operators twice under one name.
  if (repeated > 0) voice.say('repeated-name', 'info', 1, `${repeated} operators have the name of an earlier one`, { pointer: `${pointer}/nodes` });
}

/** Never read by MXNet; written as the running sum of the nodes' outputs. */
function checkRows({ rows, nodes, pointer }: Graph, voice: Voice) {
  if (rows === null) return;
  const rising = rows.every((row, index) => index === 0 ? row === 0 : row >= (rows[index - 1] ?? 0));
  if (rows.length === nodes.length + 1 && rising) return;
  voice.say('row-pointers', 'medium', 0.8, 'node_row_ptr does not belong to the nodes', { pointer: `${pointer}/node_row_ptr` });
}
