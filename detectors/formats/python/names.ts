import type { Budget } from '../report.ts';
import { isBuiltin, isKnownModule } from './dangers.ts';
import type { Node } from './grammar.ts';
import { childOf } from './nodes.ts';
import { combine } from './operators.ts';
import type { Binding, Scope, Scopes } from './scopes.ts';
import { anyOf, lift, lift2, listValue, pathValue, traits, unknown, type Value, withTraits } from './values.ts';

/** What names and members stand for. */
export interface Names {
  /** The scope in which a part of the program looks names up. */
  homeOf(node: Node): Scope;
  named(name: string, from: Scope): Value;
  member(object: Value, name: string): Value;
  methodOf(definition: Node, name: string): Node | null;
}

/** `value` tells what an expression is, and that it is not known where a name depends on itself. */
export function createNames(scopes: Scopes, budget: Budget, value: (node: Node) => Value): Names {
  const homes = new Map<Node, Scope>();
  const boundTo = new Map<readonly Binding[], Value>();

  function homeOf(node: Node): Scope {
    const start = node.parent;
    const remembered = start ? homes.get(start) : scopes.module;
    if (remembered || !start) return remembered ?? scopes.module;
    let home = scopes.module;
    let steps = 0;
    for (let at: Node | null = node; at?.parent; at = at.parent) {
      steps += 1;
      const owner: Node = at.parent;
      const scope = scopes.of.get(owner);
      if (scope && (at.type === 'Body' || (owner.type === 'LambdaExpression' && at.type !== 'ParamList'))) { home = scope; break; }
    }
    budget.spend(steps / 20);
    homes.set(start, home);
    return home;
  }
  function named(name: string, from: Scope): Value {
    for (let scope: Scope | null = from; scope; scope = scope.parent) {
      if (scope.kind === 'class' && scope !== from) continue;
      const bindings = scope.names.get(name);
      if (bindings) return bound(bindings);
    }
    const starred = scopes.stars.slice(0, 4).map(path => pathValue(`${path}.${name}`));
    if (name === '__builtins__') return pathValue('builtins');
    if (name === '__loader__' || name === '__spec__') return pathValue(name);
    if (isBuiltin(name)) starred.push(pathValue(`builtins.${name}`));
    else if (isKnownModule(name)) starred.push(pathValue(name));
    return anyOf(starred);
  }
  function bound(bindings: readonly Binding[]): Value {
    const remembered = boundTo.get(bindings);
    if (remembered) return remembered;
    const values = bindings.filter(({ kind }) => kind !== 'update').map(bindingValue);
    let current = anyOf(values);
    for (const binding of bindings) {
      if (binding.kind !== 'update') continue;
      const added = value(binding.node);
      current = binding.operator === '+=' ? anyOf([current, withTraits(lift2(current, added, (one, other) => combine('+', one, other, budget)), traits.computed)]) : { ...unknown, traits: current.traits | added.traits };
    }
    boundTo.set(bindings, current);
    return current;
  }
  function bindingValue(binding: Binding): Value {
    switch (binding.kind) {
      case 'import': return pathValue(binding.path);
      case 'definition': return { kind: binding.node.type === 'ClassDefinition' ? 'class' : 'function', node: binding.node, traits: 0 };
      case 'parameter': return binding.self ? { kind: 'instance', node: binding.self, traits: 0 } : binding.standard ? value(binding.standard) : unknown;
      case 'tuple': return listValue(binding.nodes.map(node => value(node)));
      case 'value': return picked(value(binding.node), binding.pick);
      default: return unknown;
    }
  }
  function picked(whole: Value, pick: 'whole' | 'element' | number): Value {
    if (pick === 'whole') return whole;
    return lift(whole, one => {
      if (typeof pick === 'number') return one.kind === 'list' ? one.items[pick] ?? unknown : { ...unknown, traits: one.traits };
      return one.kind === 'list' ? anyOf(one.items.slice(0, 64)) : one.kind === 'dict' ? anyOf(one.entries.slice(0, 64).map(([key]) => key)) : { ...unknown, traits: one.traits };
    });
  }

  function member(object: Value, name: string): Value {
    return lift(object, one => {
      if (one.kind === 'path') return pathValue(`${one.path}.${name}`, one.traits, one.subject);
      if (one.kind === 'text' || one.kind === 'list' || one.kind === 'dict' || one.kind === 'names') return { kind: 'method', of: one, name, traits: one.traits };
      if (one.kind === 'function' && name === '__globals__') return { kind: 'names', traits: 0 };
      if (one.kind === 'instance' || one.kind === 'class') {
        const scope = scopes.of.get(one.node);
        const method = methodOf(one.node, name);
        if (method) return { kind: 'function', node: method, traits: 0 };
        const bindings = scope?.names.get(name);
        return bindings ? bound(bindings) : { ...unknown, traits: one.traits };
      }
      return { ...unknown, traits: one.traits };
    });
  }
  function methodOf(definition: Node, name: string): Node | null {
    let current: Node | null = definition;
    for (let step = 0; current && step < 8; step++) {
      const found = scopes.of.get(current)?.names.get(name)?.find(({ kind }) => kind === 'definition');
      if (found?.kind === 'definition' && found.node.type === 'FunctionDefinition') return found.node;
      const bases: Node[] = childOf(current, 'ArgList')?.children ?? [];
      const base: Value | undefined = bases.map(node => value(node)).find(({ kind }) => kind === 'class');
      current = base?.kind === 'class' && base.node !== definition ? base.node : null;
    }
    return null;
  }

  return { homeOf, named, member, methodOf };
}
