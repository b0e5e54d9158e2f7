import { canonical } from './dangers.ts';
import type { Evaluator } from './evaluate.ts';
import type { Node } from './grammar.ts';
import { argumentsOf, childOf, isFunction, nameOf, parametersOf } from './nodes.ts';
import { optionsOf, pathValue, type Value } from './values.ts';

/** What Python calls by itself, where no call is written. */

/** Methods with names that Python itself calls. */
export function special(definition: Node, text: string): string[] {
  const names: string[] = [];
  for (const child of childOf(definition, 'Body')?.children ?? []) {
    const method = child.type === 'DecoratedStatement' ? childOf(child, 'FunctionDefinition') : child;
    const name = method?.type === 'FunctionDefinition' ? childOf(method, 'VariableName') : null;
    if (name && /^__\w+__$/.test(nameOf(name, text))) names.push(nameOf(name, text));
  }
  return names.slice(0, 100);
}

type Reach = (definition: Node, methods: readonly string[]) => void;

/**
 * Making a class calls its metaclass, of which any method may follow, methods of its bases, and of what its names are bound
 * to. Gives the metaclass when that is no class.
 */
export function reachMaking(definition: Node, text: string, evaluator: Evaluator, reach: Reach): Value | null {
  let other: Value | null = null;
  const list = childOf(definition, 'ArgList');
  const { positional, keywords } = list ? argumentsOf(list, text) : { positional: [], keywords: new Map<string, Node>() };
  for (const base of positional) for (const one of optionsOf(evaluator.value(base))) {
    if (one.kind === 'class') reach(one.node, ['__init_subclass__']);
    if (one.kind === 'instance') reach(one.node, ['__mro_entries__']);
  }
  const meta = keywords.get('metaclass');
  if (meta) for (const one of optionsOf(evaluator.value(meta))) if (one.kind === 'class') reach(one.node, special(one.node, text)); else other = one;
  for (const statement of childOf(definition, 'Body')?.children ?? []) {
    const value = statement.type === 'AssignStatement' ? statement.children.at(-1) : undefined;
    if (value) for (const one of optionsOf(evaluator.value(value))) if (one.kind === 'instance') reach(one.node, ['__set_name__']);
  }
  return other;
}

/** What takes a function to call it later, of its own accord. */
const takers = /^(?:atexit\.register|codecs\.register|sys\.(?:addaudithook|setprofile|settrace)|threading\.(?:setprofile|settrace))$/;

/** Whether the function below a decorator is called by it. */
export function callsDecorated(decorator: Value, text: string): boolean {
  return optionsOf(decorator).some(one => {
    if (one.kind === 'path') return takers.test(canonical(one.path));
    if (one.kind !== 'function') return false;
    const given = new Set(parametersOf(one.node, text).map(({ name }) => name));
    return within(one.node, ({ type, children: [callee] }) => type === 'CallExpression' && callee?.type === 'VariableName' && given.has(nameOf(callee, text))).length > 0;
  });
}

/** Functions that a function returns: of a decorator with brackets that is what is called. */
export const returned = (definition: Node): Node[] => within(definition, ({ type }) => type === 'ReturnStatement').flatMap(({ children }) => children.filter(({ type }) => type !== 'return').slice(0, 1));

const mostLookedAt = 10_000;

/** Parts of a function that fit, without those of functions inside of it. */
function within(definition: Node, fits: (node: Node) => boolean): Node[] {
  const open = definition.children.filter(({ type }) => type === 'Body');
  const found: Node[] = [];
  for (let looked = 0, node = open.pop(); node && looked < mostLookedAt; node = open.pop(), looked++) {
    if (fits(node)) found.push(node);
    if (!isFunction(node)) open.push(...node.children);
  }
  return found;
}

/** What stands behind `@`, without what it is called with. */
export function decoratorOf(node: Node, text: string, evaluator: Evaluator): Value {
  const [first, ...rest] = node.children.filter(({ type }) => type === 'VariableName' || type === 'PropertyName');
  if (!first) return pathValue('');
  const value = rest.reduce((whole, part) => evaluator.member(whole, nameOf(part, text)), evaluator.value(first));
  return value.kind === 'unknown' ? pathValue('') : value;
}
