import { quoted } from '../quote.ts';
import type { GraphNode } from './graph.ts';
import { at } from './node-dangers.ts';
import type { Voice } from './voice.ts';

/** Names in the registry of mxnet.initializer 1.9.1; `Load` and `Mixed` are not in it. */
const registered = new Set(['bilinear', 'constant', 'fusedrnn', 'lstmbias', 'msraprelu',
  'normal', 'one', 'ones', 'orthogonal', 'uniform', 'xavier', 'zero', 'zeros']);

export interface Initializer { readonly name: string; readonly known: boolean }

/** A variable's `__init__`: `["name", {arguments}]` as Initializer.dumps writes it, or a bare name. Null where it is neither. */
export function initializerOf(text: string): Initializer | null {
  const name = text.startsWith('[') ? dumped(text) : /^[\w.-]{1,300}$/.test(text) ? text : null;
  return name === null ? null : { name, known: registered.has(name.toLowerCase()) };
}

function dumped(text: string): string | null {
  if (text.length > 1_000_000) return null;
  let value: unknown;
  try { value = JSON.parse(text); } catch { return null; /* A SyntaxError, or a RangeError for deep nesting: no initializer either way. */ }
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [name, args] = value as readonly unknown[];
  return typeof name === 'string' && typeof args === 'object' && args !== null && !Array.isArray(args) ? name : null;
}

/** Used only when the parameter is missing from the parameters file. A bare name of its own is what a gluon Constant leaves behind. */
export function checkInitializer(node: GraphNode, voice: Voice) {
  const text = node.attributes.get('__init__');
  if (text === undefined) return;
  const found = initializerOf(text);
  if (found === null) voice.say('initializer', 'medium', 0.7,
    `Variable ${quoted(node.name)} has ${quoted(text)} for an initializer, which is no name with arguments`, at(node));
  else if (!found.known && text.startsWith('[')) voice.say('initializer', 'medium', 0.7,
    `Variable ${quoted(node.name)} names the initializer ${quoted(found.name)}, which MXNet does not have`, at(node));
}
