import { escapeText } from '../../../agent/contract/text.ts';
import { isPathLike } from '../path-like.ts';
import { quoted } from '../quote.ts';
import { inputsOf } from './arity.ts';
import type { GraphNode } from './graph.ts';
import { checkInitializer } from './initializer.ts';
import { at } from './node-dangers.ts';
import { type Attribute, operatorOf } from './operators.ts';
import { accepts, numbersOf, wholeOf } from './values.ts';
import type { Voice } from './voice.ts';

/** What the loader does with a node. */
export interface Treatment {
  /** The library parses its attributes while loading: an error there refuses the file. */
  readonly parsed: boolean;
  /** Symbols before 1.9.1 are upgraded: bare multipliers are moved to the inputs. Only in the outermost graph. */
  readonly upgraded: boolean;
  /** Symbols before 0.9 do not list auxiliary states among the inputs. */
  readonly old: boolean;
}

export function checkNode(node: GraphNode, treatment: Treatment, voice: Voice) {
  checkName(node, voice);
  checkLengths(node, voice);
  if (node.op === 'null') {
    if (node.inputs.length > 0) voice.say('variable-with-inputs', 'medium', 0.9,
      `Variable ${quoted(node.name)} has ${node.inputs.length} inputs`, at(node));
    checkInitializer(node, voice);
    return;
  }
  checkInputs(node, treatment, voice);
  checkAttributes(node, treatment, voice);
  checkSubgraphs(node, voice);
  if (treatment.upgraded) checkUpgrade(node, voice);
}

/** Names are shown to people and become names of files and log lines; framework exporters write slashes, nothing worse. */
function checkName(node: GraphNode, voice: Voice) {
  const { name } = node;
  const say = (why: string) => voice.say('odd-name', 'medium', 0.7, `The name ${quoted(name)} of a node ${why}`, at(node), 'T1036');
  if (name === '' ) say('is empty');
  else if (name.length > 1_024) say(`has ${name.length} characters`);
  else if (escapeText(name) !== name) say('has control, invisible or direction characters');
  else if (isPathLike(name) || name.includes('\0')) say('reads as a path out of its folder');
}

const longest = 65_536;

function checkLengths(node: GraphNode, voice: Voice) {
  const kind = node.attributes.get('__kind__');
  if (kind !== undefined) voice.say('class-attribute', 'high', 0.8,
    `The attributes of node ${quoted(node.name)} are an object that GluonTS decodes as ${quoted(kind)}`, at(node), 'AML.T0011.000', 'T1059.006');
  for (const [key, value] of node.attributes) {
    if (key.length > 200) voice.say('long-attribute', 'medium', 0.7,
      `Node ${quoted(node.name)} has an attribute whose name has ${key.length} characters`, at(node));
    if (value.length > longest && key !== 'subgraph') voice.say('long-attribute', 'medium', 0.7,
      `Attribute ${quoted(key)} of node ${quoted(node.name)} has ${value.length} characters`, at(node));
  }
}

function checkInputs(node: GraphNode, { old }: Treatment, voice: Voice) {
  const { least, most } = inputsOf(node);
  const count = node.inputs.length;
  if (count > most || (count < least && !old)) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    voice.say('input-count', 'medium', 0.8, `Node ${quoted(node.name)} has ${count} inputs where ${quoted(node.op)} takes ${wanted}`, at(node));
  }
}

/** Sizes that are never 0. */
const windows = new Set(['kernel', 'stride', 'dilate', 'pooled_size']);
const hidden = /^__.+__$/s;
/** Keys that symbols before 1.9.1 may have without underscores (kHiddenKeys of MXNet's legacy_json_util.cc). */
const multiplier = /^(?:(.+)_)?(?:ctx_group|lr_mult|wd_mult|force_mirroring|mirror_stage)$/s;

function checkAttributes(node: GraphNode, { parsed, upgraded }: Treatment, voice: Voice) {
  const known = operatorOf(node.op)?.attributes;
  if (!known) return;
  const wrong = (message: string) => {
    if (parsed) voice.refused('attribute', message, at(node));
    else voice.say('attribute', 'medium', 0.7, message, at(node));
  };
  for (const [key, value] of node.attributes) {
    const attribute = known.get(key);
    if (attribute) {
      if (windows.has(key) && numbersOf(value)?.includes(0)) checkZero(node, key, known.has('pool_type'), wrong, voice);
      else if (!accepts(attribute, value)) wrong(`Attribute ${quoted(key)} of node ${quoted(node.name)} (${quoted(node.op)}) cannot be ${quoted(value)}`);
      continue;
    }
    if (hidden.test(key) || (upgraded && oldMultiplier(node, key, voice))) continue;
    wrong(`Operator ${quoted(node.op)} of node ${quoted(node.name)} has no attribute ${quoted(key)}`);
  }
  for (const { name, required } of known.values()) {
    if (required && !node.attributes.has(name)) wrong(`Node ${quoted(node.name)} (${quoted(node.op)}) lacks its attribute ${name}`);
  }
  checkWindow(node, known, wrong);
}

/** Poolings refuse an empty window while loading; the others take it and divide by it later. */
function checkZero(node: GraphNode, key: string, isPooling: boolean, wrong: (message: string) => void, voice: Voice) {
  const message = `Attribute ${key} of node ${quoted(node.name)} (${quoted(node.op)}) has a zero`;
  if (isPooling) wrong(message);
  else voice.say('attribute', 'medium', 0.7, message, at(node));
}

function oldMultiplier(node: GraphNode, key: string, voice: Voice): boolean {
  const found = multiplier.exec(key);
  if (found?.[1] !== undefined) voice.say('old-multiplier', 'low', 0.6,
    `Node ${quoted(node.name)} sets ${quoted(key)} for one of its inputs, as releases before 0.9 did`, at(node));
  return found !== null;
}

/** Kernels of convolutions and poolings have 1 to 3 dimensions, and what belongs to them has as many (CHECKs in their attribute parsers). */
function checkWindow({ attributes, name, op }: GraphNode, known: ReadonlyMap<string, Attribute>, wrong: (message: string) => void) {
  if (!known.has('kernel') || !known.has('stride') || !known.has('pad')) return;
  const sizes = (key: string) => numbersOf(attributes.get(key) ?? '()') ?? [];
  const kernel = sizes('kernel');
  const isPooling = known.has('pool_type');
  if (isPooling && kernel.length === 0 && /^(?:true|1)$/i.test(attributes.get('global_pool') ?? '')) return;
  if (kernel.length < 1 || kernel.length > 3) { wrong(`The kernel of node ${quoted(name)} (${quoted(op)}) has ${kernel.length} dimensions`); return; }
  for (const key of ['stride', 'dilate', 'pad', 'adj']) {
    const count = sizes(key).length;
    if (!known.has(key) || count === 0 || count === kernel.length) continue;
    wrong(`Attribute ${key} of node ${quoted(name)} (${quoted(op)}) has ${count} dimensions where its kernel has ${kernel.length}`);
  }
}

/** How many subgraphs an operator carries; others have none in any file an exporter wrote. */
const carried: Readonly<Record<string, number>> = {
  _foreach: 1, _while_loop: 2, _cond: 3, _TensorRT: 1,
  _sg_mkldnn_conv: 1, _sg_mkldnn_fully_connected: 1, _sg_mkldnn_selfatt_qk: 1, _sg_mkldnn_selfatt_valatt: 1,
};
const optional = new Set(['_TensorRT', '_sg_mkldnn_selfatt_qk', '_sg_mkldnn_selfatt_valatt']);

function checkSubgraphs(node: GraphNode, voice: Voice) {
  const wanted = carried[node.op] ?? 0;
  const count = node.subgraphs.length;
  if (count < wanted && !optional.has(node.op)) voice.refused('missing-subgraph',
    `Node ${quoted(node.name)} (${quoted(node.op)}) has ${count} subgraphs where it takes ${wanted}`, at(node));
  if (count > wanted && operatorOf(node.op)) voice.say('subgraph-carrier', 'medium', 0.8,
    `Node ${quoted(node.name)} (${quoted(node.op)}) has ${count} subgraphs where it takes ${wanted}`, at(node));
}

/** The upgrade of older symbols writes `weight_lr_mult` and kin into the input of that name without asking whether there is one. */
function checkUpgrade(node: GraphNode, voice: Voice) {
  const named = [...node.attributes.keys()].find(key => !hidden.test(key) && (multiplier.exec(key)?.[1] ?? '') !== '');
  if (named === undefined) return;
  const { least } = inputsOf(node);
  if (node.inputs.length === 0 || node.inputs.length < least) {
    voice.say('upgrade-crash', 'critical', 0.95,
      `Node ${quoted(node.name)} sets ${quoted(named)} for an input it does not have: upgrading this older symbol writes past the end while loading`, at(node), 'AML.T0011.000', 'T1203');
  }
}

const counting = ['num_outputs', 'sections', 'num_args', 'num_weights', 'num_arrays', 'num_tensors'];

/** A claim about outputs so large that the list of them exhausts memory while loading. */
export function checkClaims(node: GraphNode, voice: Voice) {
  if (node.op === 'null') return;
  const most = Math.max(...counting.map(name => wholeOf(node.attributes.get(name), 0) ?? 0));
  if (most > 100_000) voice.say('output-claim', 'high', 0.9,
    `Node ${quoted(node.name)} (${quoted(node.op)}) claims ${most} inputs or outputs, which are listed in memory while loading`, at(node), 'T1499', 'AML.T0029');
}
