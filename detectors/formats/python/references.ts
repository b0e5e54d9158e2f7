import { canonical, dangerOf } from './dangers.ts';
import type { Node } from './grammar.ts';
import { quoted } from '../quote.ts';
import type { Level } from './rules.ts';
import { optionsOf } from './values.ts';
import type { Suspicions } from './suspicions.ts';

/** Where a name is handed on to whoever calls it, and not only given another name. */
const handing = new Set(['ArgList', 'ArrayExpression', 'TupleExpression', 'SetExpression', 'DictionaryExpression', 'ParamList', 'ConditionalExpression']);
/** Functions that look at what they are given and do not call it. */
const looking = /^builtins\.(?:isinstance|issubclass|hasattr|callable|type|repr|id|print|getattr|str|help|dir|vars|len)$/;

/** A dangerous function that is handed on, uncalled: `map(os.system, …)`, `Thread(target=os.system)`, `A.__add__ = os.system`. */
export function checkReference(node: Node, level: Level, { voice, program, evaluator }: Suspicions) {
  const { parent } = node;
  if (!parent) return;
  const assigned = parent.type === 'AssignStatement' && parent.children[0]?.type === 'MemberExpression' && parent.children[0] !== node;
  const operand = parent.type === 'BinaryExpression' && parent.children.some(({ type }) => type === 'ArithOp');
  if (!handing.has(parent.type) && !assigned && !operand) return;
  // The name of a keyword argument or parameter.
  const index = parent.children.indexOf(node);
  if ((parent.type === 'ArgList' && parent.children[index + 1]?.type === 'AssignOp') || (parent.type === 'ParamList' && parent.children[index - 1]?.type !== 'AssignOp')) return;
  // A base of a class.
  if (parent.parent?.type === 'ClassDefinition' && parent.children[index - 1]?.type !== 'AssignOp') return;
  for (const value of optionsOf(evaluator.value(node))) {
    if (value.kind !== 'path') continue;
    const danger = dangerOf(value.path);
    if (danger !== 'process' && danger !== 'evaluate' && danger !== 'terminal') continue;
    const callee = parent.type === 'ArgList' ? parent.parent?.children[0] : undefined;
    if (callee && optionsOf(evaluator.value(callee)).some(one => one.kind === 'path' && looking.test(canonical(one.path)))) continue;
    voice.does(danger === 'evaluate' ? 'evaluate' : 'process', level, program.lineOf(node.from), `hands on ${quoted(canonical(value.path))} for others to call`);
    return;
  }
}
