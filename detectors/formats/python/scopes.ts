import type { Budget } from '../report.ts';
import type { Node, Program } from './grammar.ts';
import { childOf, nameOf, parametersOf, split } from './nodes.ts';

/** One way in which a name gets a value. Order of statements is not followed: a name is whatever it is anywhere. */
export type Binding =
  | { readonly kind: 'import'; readonly path: string }
  | { readonly kind: 'value'; readonly node: Node; readonly pick: 'whole' | 'element' | number }
  | { readonly kind: 'tuple'; readonly nodes: readonly Node[] }
  | { readonly kind: 'update'; readonly node: Node; readonly operator: string }
  | { readonly kind: 'definition'; readonly node: Node }
  | { readonly kind: 'parameter'; readonly standard: Node | null; readonly self: Node | null }
  | { readonly kind: 'other' };

export interface Scope {
  readonly kind: 'module' | 'class' | 'function';
  readonly parent: Scope | null;
  readonly names: Map<string, Binding[]>;
  readonly globals: Set<string>;
}

export interface Scopes {
  readonly module: Scope;
  readonly of: ReadonlyMap<Node, Scope>;
  /** Modules of `from x import *`. */
  readonly stars: readonly string[];
  /** Every module or name that is imported, in order. */
  readonly imports: readonly string[];
}

/** Of one name; more are as if they were not. */
const mostBindings = 24;

/** Every name of a program, by where it is bound. */
export function scopesOf(program: Program, budget: Budget): Scopes {
  const { text } = program;
  const module: Scope = { kind: 'module', parent: null, names: new Map(), globals: new Set() };
  const of = new Map<Node, Scope>();
  const [stars, imports]: [string[], string[]] = [[], []];
  const pending: (readonly [Node, Scope])[] = program.roots.map(({ node }) => [node, module] as const).reverse();

  const bind = (scope: Scope, name: string, binding: Binding) => {
    const target = scope.globals.has(name) ? module : scope;
    const all = target.names.get(name);
    if (!all) target.names.set(name, [binding]);
    else if (all.length < mostBindings) all.push(binding);
  };
  const bindTarget = (scope: Scope, target: Node, binding: Binding) => {
    if (target.type === 'VariableName') bind(scope, nameOf(target, text), binding);
    else if (target.type === 'MemberExpression') {
      // `self.x = …` is a name of the class for whoever reads `self.x`.
      const [object, property] = target.children;
      const home = scope.parent?.kind === 'class' ? scope.parent : null;
      if (home && object?.type === 'VariableName' && property?.type === '.' && target.children[2]) bind(home, nameOf(target.children[2], text), binding);
    } else for (const [index, inner] of target.children.filter(child => child.type !== '*' && child.type !== '[').entries()) bindTarget(scope, inner, binding.kind === 'value' && binding.pick === 'whole' ? { ...binding, pick: index } : { kind: 'other' });
  };
  const assign = (scope: Scope, targets: readonly Node[], values: readonly Node[]) => {
    const whole = values.length === 1 && values[0] ? values[0] : null;
    const [only] = targets;
    if (targets.length === 1 && only) bindTarget(scope, only, whole ? { kind: 'value', node: whole, pick: 'whole' } : { kind: 'tuple', nodes: values });
    else for (const [index, target] of targets.entries()) {
      const value = whole ?? values[index];
      bindTarget(scope, target, value ? { kind: 'value', node: value, pick: whole ? index : 'whole' } : { kind: 'other' });
    }
  };
  function imported(node: Node, scope: Scope) {
    for (const { path, name, bound, star } of importsOf(node, text)) {
      imports.push(star ? `${path}.*` : path);
      if (star) stars.push(path);
      else bind(scope, name, { kind: 'import', path: bound });
    }
  }
  function define(node: Node, scope: Scope): Scope {
    const inner: Scope = { kind: node.type === 'ClassDefinition' ? 'class' : 'function', parent: scope, names: new Map(), globals: new Set() };
    of.set(node, inner);
    const name = childOf(node, 'VariableName');
    if (name && node.type !== 'LambdaExpression') bind(scope, nameOf(name, text), { kind: 'definition', node });
    if (node.type === 'ClassDefinition') return inner;
    for (const [index, { name: parameter, standard }] of parametersOf(node, text).entries()) {
      bind(inner, parameter, { kind: 'parameter', standard, self: index === 0 && scope.kind === 'class' && node.type === 'FunctionDefinition' ? classOf(node) : null });
    }
    return inner;
  }

  for (let next = pending.pop(); next; next = pending.pop()) {
    budget.spend(0.3);
    const [node, scope] = next;
    let inside = scope;
    switch (node.type) {
      case 'ImportStatement': imported(node, scope); continue;
      case 'FunctionDefinition': case 'ClassDefinition': case 'LambdaExpression': inside = define(node, scope); break;
      case 'AssignStatement': {
        const parts = split(node.children.filter(child => child.type !== 'TypeDef' && child.type !== '*'), 'AssignOp');
        const values = parts.pop() ?? [];
        for (const targets of parts) assign(scope, targets, values);
        break;
      }
      case 'NamedExpression': case 'UpdateStatement': {
        const [target, operator, value] = node.children;
        if (!target || !operator || !value) break;
        if (node.type === 'NamedExpression') bindTarget(scope, target, { kind: 'value', node: value, pick: 'whole' });
        else if (target.type === 'VariableName') bind(scope, nameOf(target, text), { kind: 'update', node: value, operator: text.slice(operator.from, operator.to) });
        break;
      }
      case 'ScopeStatement': for (const child of node.children) if (child.type === 'VariableName' && text.startsWith('global', node.from)) scope.globals.add(nameOf(child, text)); break;
      default: loops(node, scope, bindTarget);
    }
    for (let at = node.children.length - 1; at >= 0; at--) {
      const child = node.children[at];
      if (!child) continue;
      const body = inside !== scope && (child.type === 'Body' || (node.type === 'LambdaExpression' && child.type !== 'ParamList'));
      pending.push([child, body ? inside : scope]);
    }
  }
  return { module, of, stars, imports };
}

/** `for x in y`, in loops and comprehensions; `with x as y`; `except x as y`. */
function loops(node: Node, scope: Scope, bindTarget: (scope: Scope, target: Node, binding: Binding) => void) {
  const { children } = node;
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    if (child?.type === 'for') {
      const end = children.findIndex((other, index) => index > at && other.type === 'in');
      const iterable = children[end + 1];
      if (end < 0 || !iterable) return;
      const targets = children.slice(at + 1, end);
      for (const target of targets) bindTarget(scope, target, targets.length === 1 && target.type === 'VariableName' ? { kind: 'value', node: iterable, pick: 'element' } : { kind: 'other' });
      at = end;
    } else if (child?.type === 'as' && children[at + 1]) {
      const [value, target] = [children[at - 1], children[at + 1]];
      if (target) bindTarget(scope, target, node.type === 'WithStatement' && value ? { kind: 'value', node: value, pick: 'whole' } : { kind: 'other' });
    }
  }
}

function classOf(definition: Node): Node | null {
  for (let at = definition.parent; at; at = at.parent) if (at.type === 'ClassDefinition') return at;
  return null;
}

/** `bound`: what the name stands for; `import a.b` binds `a`. */
interface Import { readonly path: string; readonly name: string; readonly bound: string; readonly star: boolean }

/** `import a.b as c, d` and `from .a import b as c, d`; relative ones begin with a dot. */
function importsOf(node: Node, text: string): Import[] {
  const { children } = node;
  const from = children[0]?.type === 'from';
  const found: Import[] = [];
  let [base, at] = ['', 1];
  if (from) {
    for (; at < children.length && children[at]?.type !== 'import'; at++) base += text.slice(children[at]?.from, children[at]?.to);
    at += 1;
  }
  while (at < children.length) {
    const start = children[at];
    if (start?.type === '*') { found.push({ path: base, name: '*', bound: base, star: true }); at += 1; continue; }
    if (start?.type !== 'VariableName') { at += 1; continue; }
    let path = nameOf(start, text);
    for (at += 1; children[at]?.type === '.' && children[at + 1]; at += 2) path += `.${nameOf(children[at + 1] ?? start, text)}`;
    let name = from ? path : path.split('.')[0] ?? path;
    const renamed = children[at]?.type === 'as' ? children[at + 1] : null;
    if (renamed) { name = nameOf(renamed, text); at += 2; }
    const whole = from ? `${base}${/\.$/.test(base) || base === '' ? '' : '.'}${path}` : path;
    found.push({ path: whole, name, bound: from || renamed ? whole : name, star: false });
  }
  return found;
}
