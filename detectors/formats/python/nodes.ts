import type { Node } from './grammar.ts';

/** What stands between the brackets of a call. */
export interface Arguments {
  readonly positional: readonly Node[];
  readonly keywords: ReadonlyMap<string, Node>;
  /** A generator stands there alone: `f(x for x in y)`. */
  readonly generator: Node | null;
}

/** Names as Python compares them (PEP 3131). */
export const nameOf = (node: Node, text: string): string => plainName(text.slice(node.from, node.to));
const plainName = (name: string): string => /^[\0-\x7f]*$/.test(name) ? name : name.normalize('NFKC');

export function argumentsOf(list: Node, text: string): Arguments {
  const { children } = list;
  if (children.some(({ type }) => type === 'for')) return { positional: [], keywords: new Map(), generator: list };
  const positional: Node[] = [];
  const keywords = new Map<string, Node>();
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    const value = children[at + 2];
    if (!child || child.type === '*' || child.type === '**') continue;
    if (child.type === 'VariableName' && value && children[at + 1]?.type === 'AssignOp' && text[children[at + 1]?.from ?? 0] === '=') {
      keywords.set(nameOf(child, text), value);
      at += 2;
    } else if (child.type !== 'AssignOp') positional.push(child);
  }
  return { positional, keywords, generator: null };
}

export const childOf = (node: Node, type: string): Node | null => node.children.find(child => child.type === type) ?? null;
export const isFunction = ({ type }: Node): boolean => type === 'FunctionDefinition' || type === 'LambdaExpression';

/** Parts split at the given token: `a = b = c` at AssignOp. */
export function split(nodes: readonly Node[], at: string): Node[][] {
  const parts: Node[][] = [[]];
  for (const node of nodes) {
    if (node.type === at) parts.push([]);
    else parts.at(-1)?.push(node);
  }
  return parts;
}

/** Without brackets and `await` around it. */
export function bare(node: Node): Node {
  let inner = node;
  while ((inner.type === 'ParenthesizedExpression' && inner.children.length === 1) || inner.type === 'AwaitExpression') {
    const next = inner.children.at(-1);
    if (!next || next.type === 'await') break;
    inner = next;
  }
  return inner;
}

export interface Parameter { readonly name: string; readonly standard: Node | null }

export function parametersOf(definition: Node, text: string): Parameter[] {
  const list = childOf(definition, 'ParamList');
  const found: Parameter[] = [];
  const children = list?.children ?? [];
  for (let at = 0; at < children.length; at++) {
    const child = children[at];
    if (child?.type !== 'VariableName') continue;
    let next = at + 1;
    if (children[next]?.type === 'TypeDef') next += 1;
    const isDefault = children[next]?.type === 'AssignOp';
    found.push({ name: nameOf(child, text), standard: isDefault ? children[next + 1] ?? null : null });
    if (isDefault) at = next + 1;
  }
  return found;
}
