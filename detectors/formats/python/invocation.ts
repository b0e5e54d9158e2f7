import type { Budget } from '../report.ts';
import { traitsOfCall } from './dangers.ts';
import { libraryCall, type Lookup, valueItem } from './functions.ts';
import type { Node } from './grammar.ts';
import { parametersOf } from './nodes.ts';
import { type Keywords, textMethod } from './textual.ts';
import { anyOf, lift, listValue, namedBy, optionsOf, pathValue, sum, traits, unknown, type Value, withTraits } from './values.ts';

const deepestCalls = 6;

interface Means {
  readonly text: string;
  readonly budget: Budget;
  value(node: Node): Value;
  /** With values for some names. */
  inside(node: Node, env: ReadonlyMap<string, Value>): Value;
  member(object: Value, name: string): Value;
  global(name: string): Value;
}

/** What calls give: of the standard library by what is known of it, of this file by what the functions return. */
export function createInvocation({ text, budget, value, inside, member, global }: Means) {
  let calls = 0;
  const lookup: Lookup = { budget, member, global, call: (callee, given) => call(callee, given, new Map()) };

  function call(callee: Value, given: readonly Value[], keywords: Keywords): Value {
    const bits = callee.traits | ((sum(given) | sum([...keywords.values()])) & ~traits.named);
    return lift(callee, one => {
      switch (one.kind) {
        case 'path': return called(one, given, keywords, bits);
        case 'method': return method(one, given, keywords, bits);
        case 'class': return { kind: 'instance', node: one.node, traits: bits };
        case 'function': return inlined(one.node, given, keywords, bits);
        default: return { ...unknown, traits: bits };
      }
    });
  }
  function called(callee: Value & { kind: 'path' }, given: readonly Value[], keywords: Keywords, bits: number): Value {
    const [first] = given;
    if (callee.path === 'operator.attrgetter()' && first && callee.subject?.kind === 'text') return withTraits(member(first, callee.subject.text), namedBy(callee.subject.traits));
    return libraryCall(callee.path, given, keywords, lookup) ?? pathValue(`${callee.path}()`, bits | traitsOfCall(callee.path, first), first ?? callee.subject);
  }
  function method({ of, name }: Value & { kind: 'method' }, given: readonly Value[], keywords: Keywords, bits: number): Value {
    const [first] = given;
    if (of.kind === 'text') return textMethod(of, name, given, keywords, budget);
    if ((name === 'get' || name === 'pop' || name === '__getitem__') && first) return valueItem(of, first, lookup);
    if (of.kind === 'dict' && name === 'values') return listValue(of.entries.map(([, item]) => item));
    return { ...unknown, traits: bits };
  }
  /** A function of this file, by what it returns. */
  function inlined(node: Node, given: readonly Value[], keywords: Keywords, bits: number): Value {
    if (calls >= deepestCalls) return { ...unknown, traits: bits };
    const parameters = parametersOf(node, text);
    const offset = given.length > 0 && given.length === parameters.length - 1 && parameters[0]?.name === 'self' ? 1 : 0;
    const env = new Map(parameters.map(({ name, standard }, index) => [name, given[index - offset] ?? keywords.get(name) ?? (standard ? value(standard) : unknown)]));
    calls += 1;
    try {
      const results = (node.type === 'LambdaExpression' ? node.children.slice(-1) : returnsOf(node)).map(each => inside(each, env));
      return results.length === 0 ? { ...unknown, traits: bits } : anyOf(results.flatMap(optionsOf).map(result => result.kind === 'unknown' ? { ...result, traits: result.traits | bits } : result));
    } finally { calls -= 1; }
  }
  const returned = new Map<Node, readonly Node[]>();
  function returnsOf(definition: Node): readonly Node[] {
    const remembered = returned.get(definition);
    if (remembered) return remembered;
    const found: Node[] = [];
    const pending = definition.children.filter(({ type }) => type === 'Body');
    for (let node = pending.pop(); node && found.length < 4; node = pending.pop()) {
      budget.spend(0.2);
      if (node.type === 'FunctionDefinition' || node.type === 'ClassDefinition' || node.type === 'LambdaExpression') continue;
      if (node.type === 'ReturnStatement' && node.children[0] && node.children.length === 1) found.push(node.children[0]);
      else pending.push(...node.children);
    }
    returned.set(definition, found);
    return found;
  }

  return { call, lookup };
}
