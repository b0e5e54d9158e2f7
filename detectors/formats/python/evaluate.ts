import type { Budget } from '../report.ts';
import { spread, valueItem } from './functions.ts';
import type { Node, Program } from './grammar.ts';
import { createInvocation } from './invocation.ts';
import { numberOf, resolveEscapes, stringValue } from './literals.ts';
import { createNames } from './names.ts';
import { argumentsOf, bare, nameOf } from './nodes.ts';
import { combine, negate, sliceOf } from './operators.ts';
import type { Scopes } from './scopes.ts';
import { anyOf, lift, lift2, listValue, numberValue, shown, sum, textValue, traits, unknown, type Value } from './values.ts';

/** Names that stand for something else inside of a function that is called, or of a comprehension. */
type Env = ReadonlyMap<string, Value> | null;

/** Tells what expressions are, without running anything. Everything is bounded: beyond a bound a value is not known. */
export interface Evaluator {
  value(node: Node): Value;
  member(object: Value, name: string): Value;
  /** What is found as `name` in a class of this file or its bases. */
  methodOf(definition: Node, name: string): Node | null;
}

const deepest = 160;
/** Expressions evaluated inside of calls, where nothing can be remembered. */
const mostInside = 300_000;
const mostComprehended = 65_536;
/** Letters of all texts of a program that are known; a list counts more. */
const mostHeld = 67_108_864;

export function createEvaluator(program: Program, scopes: Scopes, budget: Budget): Evaluator {
  const { text } = program;
  const known = new Map<Node, Value>();
  const running = new Set<Node>();
  let [depth, inside, held] = [0, 0, 0];
  const written = (node: Node) => text.slice(node.from, node.to);
  const names = createNames(scopes, budget, node => valueAt(node));
  const { call, lookup } = createInvocation({ text, budget, value: node => valueAt(node), inside: valueAt, member: names.member, global: name => names.named(name, scopes.module) });

  function valueAt(outer: Node, env: Env = null): Value {
    const node = bare(outer);
    const remembered = env === null ? known.get(node) : undefined;
    if (remembered) return remembered;
    if (depth >= deepest || (env === null && running.has(node))) return unknown;
    if (env !== null && ++inside > mostInside) return unknown;
    budget.spend(0.5);
    depth += 1;
    if (env === null) running.add(node);
    try {
      const value = affordable(evaluate(node, env));
      if (env === null) known.set(node, value);
      return value;
    } finally {
      depth -= 1;
      if (env === null) running.delete(node);
    }
  }

  /** Long texts and lists are kept as long as there is room for all of them. */
  function affordable(value: Value): Value {
    const size = value.kind === 'text' ? value.text.length : value.kind === 'list' ? value.items.length * 16 : value.kind === 'dict' ? value.entries.length * 32 : 0;
    if (size < 256) return value;
    budget.spend(size / 1_000);
    held += size;
    return held > mostHeld ? { ...unknown, traits: value.traits } : value;
  }
  function evaluate(node: Node, env: Env): Value {
    const [first, second, third] = node.children;
    switch (node.type) {
      case 'String': return stringValue(written(node));
      case 'FormatString': return formatValue(node, text, part => valueAt(part, env));
      case 'ContinuedString': return node.children.map(child => valueAt(child, env)).reduce((one, other) => lift2(one, other, (a, b) => combine('+', a, b, budget)));
      case 'Number': return numberOf(written(node));
      case 'Boolean': return numberValue(written(node) === 'True' ? 1 : 0);
      case 'VariableName': return variable(node, env);
      case 'MemberExpression': return second?.type === '[' ? subscript(node, env) : first && third ? names.member(valueAt(first, env), nameOf(third, text)) : unknown;
      case 'CallExpression': return calling(node, env);
      case 'BinaryExpression': return binary(node, env);
      case 'UnaryExpression': return second && first && written(first) === '-' ? negate(valueAt(second, env)) : unknown;
      case 'ConditionalExpression': { const last = node.children.at(-1); return first && last ? anyOf([valueAt(first, env), valueAt(last, env)]) : unknown; }
      case 'TupleExpression': case 'ArrayExpression': case 'SetExpression': return list(node, env);
      case 'DictionaryExpression': return dictionary(node, env);
      case 'ArrayComprehensionExpression': case 'ComprehensionExpression': case 'SetComprehensionExpression': case 'ArgList': return comprehension(node, env);
      case 'NamedExpression': return third ? valueAt(third, env) : unknown;
      case 'LambdaExpression': case 'FunctionDefinition': return { kind: 'function', node, traits: 0 };
      default: return unknown;
    }
  }

  function variable(node: Node, env: Env): Value {
    const name = nameOf(node, text);
    return env?.get(name) ?? names.named(name, names.homeOf(node));
  }
  function subscript(node: Node, env: Env): Value {
    const [object, , ...index] = node.children;
    if (!object) return unknown;
    const value = valueAt(object, env);
    if (!index.some(({ type }) => type === ':')) return index.length === 1 && index[0] ? valueItem(value, valueAt(index[0], env), lookup) : { ...unknown, traits: value.traits };
    const bounds: (number | null | undefined)[] = [null];
    for (const part of index) {
      if (part.type === ':') { bounds.push(null); continue; }
      const bound = valueAt(part, env);
      bounds[bounds.length - 1] = bound.kind === 'number' ? bound.number : part.type === 'None' ? null : undefined;
    }
    return lift(value, one => { budget.spend(one.kind === 'text' ? one.text.length / 100 : 1); return sliceOf(one, bounds); });
  }

  /** A chain leans to the left; it is followed without recursion. */
  function binary(node: Node, env: Env): Value {
    const rest: Node[] = [];
    let left: Node = node;
    while (left.type === 'BinaryExpression' && left.children[0]) { rest.push(left); left = bare(left.children[0]); }
    let value = valueAt(left, env);
    for (const step of rest.reverse()) {
      const operator = step.children.slice(1, -1).map(written).join(' ');
      const last = step.children.at(-1);
      const right = last ? valueAt(last, env) : unknown;
      value = /^(?:[<>=!]=?|==|in|not in|is|is not|<>)$/.test(operator) ? unknown : lift2(value, right, (one, other) => combine(operator, one, other, budget));
    }
    return value;
  }

  function list(node: Node, env: Env): Value {
    const items: Value[] = [];
    for (const [index, child] of node.children.entries()) {
      if (child.type === '[' || child.type === '*') continue;
      const value = valueAt(child, env);
      if (node.children[index - 1]?.type !== '*') items.push(value);
      else if (value.kind === 'list') items.push(...value.items.slice(0, mostComprehended));
      else if (value.kind === 'text') items.push(...spread(value));
      else items.push({ ...unknown, traits: value.traits });
      if (items.length > mostComprehended) return unknown;
    }
    return listValue(items);
  }
  function dictionary(node: Node, env: Env): Value {
    const entries: (readonly [Value, Value])[] = [];
    for (const [index, child] of node.children.entries()) {
      const [before, after] = [node.children[index - 1], node.children[index + 1]];
      if (child.type === ':' && before && after && entries.length < 4_096) entries.push([valueAt(before, env), valueAt(after, env)]);
    }
    return { kind: 'dict', entries, traits: sum(entries.map(([, value]) => value)) };
  }
  /** One `for` over known elements; conditions are taken as true. */
  function comprehension(node: Node, env: Env): Value {
    const at = node.children.findIndex(({ type }) => type === 'for');
    const [element, target, iterable] = [node.children[at - 1], node.children[at + 1], node.children[at + 3]];
    if (!element || !target || !iterable) return unknown;
    const source = valueAt(iterable, env);
    const items = source.kind === 'list' ? source.items : source.kind === 'text' ? spread(source) : null;
    if (!items || items.length > mostComprehended || target.type !== 'VariableName') return { ...unknown, traits: source.traits | traits.computed };
    const name = nameOf(target, text);
    return listValue(items.map(item => valueAt(element, new Map([...env ?? [], [name, item]]))), source.traits);
  }

  function calling(node: Node, env: Env): Value {
    const [callee, list] = node.children;
    if (!callee || !list) return unknown;
    const { positional, keywords, generator } = argumentsOf(list, text);
    const given = generator ? [comprehension(generator, env)] : positional.map(each => valueAt(each, env));
    return call(valueAt(callee, env), given, new Map([...keywords].map(([name, value]) => [name, valueAt(value, env)])));
  }

  return { value: node => valueAt(node), member: names.member, methodOf: names.methodOf };
}

/** A format string: what its braces hold is put in, however it is to be written. */
function formatValue(node: Node, text: string, value: (part: Node) => Value): Value {
  const whole = text.slice(node.from, node.to);
  const [opening = '', prefix = '', quote = ''] = /^([a-z]*)("""|'''|"|')/i.exec(whole) ?? [];
  const literal = (from: number, to: number) => {
    const part = text.slice(from, to).replaceAll('{{', '{').replaceAll('}}', '}');
    return /r/i.test(prefix) ? part : resolveEscapes(part, false);
  };
  let [at, made, partial, bits] = [node.from + opening.length, '', false, 0];
  for (const child of node.children) {
    if (child.type !== 'FormatReplacement') continue;
    made += literal(at, child.from);
    at = child.to;
    const inner = child.children[0] ? value(child.children[0]) : unknown;
    const piece = shown(inner);
    made += piece.text;
    partial ||= piece.partial;
    bits |= inner.traits | traits.computed;
  }
  return textValue(made + literal(at, node.to - quote.length), bits, { partial });
}
