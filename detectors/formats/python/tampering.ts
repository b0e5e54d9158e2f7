import { canonical, dangerOf, isEnvironment } from './dangers.ts';
import type { Evaluator } from './evaluate.ts';
import type { Node } from './grammar.ts';
import { nameOf, split } from './nodes.ts';
import { quoted } from '../quote.ts';
import type { Level } from './rules.ts';
import { optionsOf, type Value } from './values.ts';
import type { Suspicions } from './suspicions.ts';

const loader = /^mxnet\.(?:[\w.]+\.)?(?:load|loads|load_parameters|load_params|load_checkpoint|load_frombuffer|load_json|fromjson|imports|import_model|set_states|load_optimizer_states|_LIB|check_call)$/;
const importing = /^sys\.(?:meta_path|path_hooks|path_importer_cache|modules)(?:$|\.|\[)/;
/** Names by which one gets from any object to those of the interpreter. */
const inward = new Set(['__subclasses__', '__globals__', '__builtins__', 'f_globals', 'f_builtins', 'gi_frame', 'cr_frame']);

/** Something of another module is replaced. */
export function checkAssignment(node: Node, level: Level, suspicions: Suspicions) {
  const targets = split(node.children, 'AssignOp').slice(0, -1).flat();
  for (const target of targets) {
    if (target.type !== 'MemberExpression') continue;
    const [object, property, name] = target.children;
    if (!object || !name) continue;
    for (const value of optionsOf(suspicions.evaluator.value(object))) {
      if (value.kind !== 'path') continue;
      if (property?.type === '.') replaced(`${value.path}.${nameOf(name, suspicions.text)}`, target, level, suspicions);
      else replacedItem(value.path, name, target, level, suspicions);
    }
  }
}

/** What is put into another module, which calls it when it likes: hooks, handlers, replaced functions. */
export function handedOver(node: Node, evaluator: Evaluator): Value[] {
  const parts = split(node.children, 'AssignOp');
  const value = parts.pop()?.[0];
  const isForeign = ({ type, children: [object] }: Node) => type === 'MemberExpression' && object !== undefined && optionsOf(evaluator.value(object)).some(({ kind }) => kind === 'path');
  return value && parts.flat().some(isForeign) ? [evaluator.value(value)] : [];
}

function replacedItem(path: string, index: Node, target: Node, level: Level, suspicions: Suspicions) {
  const key = suspicions.evaluator.value(index);
  const owner = /^(.*)\.__dict__$/.exec(path)?.[1] ?? (path === 'builtins' ? path : undefined);
  if (owner !== undefined && key.kind === 'text') replaced(`${owner}.${key.text}`, target, level, suspicions);
  else if (isEnvironment(path)) {
    if (key.kind === 'text' && /^(?:LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH|PYTHONSTARTUP|PYTHONINSPECT|PYTHONHOME|PYTHONPATH|BASH_ENV|GIT_SSH_COMMAND)$/.test(key.text)) suspicions.voice.does('tamper', level, suspicions.program.lineOf(target.from), `sets ${quoted(key.text)}, by which other programs load code`);
  } else replaced(path, target, level, suspicions);
}

/** `setattr(module, name, …)` says the same. */
export function replaced(path: string, node: Node, level: Level, { voice, program }: Suspicions) {
  const plain = canonical(path);
  const line = program.lineOf(node.from);
  if (/^builtins\.\w+$/.test(plain)) voice.does('tamper', level, line, `replaces ${quoted(plain)}, which all other code uses`);
  else if (loader.test(plain)) voice.does('tamper', level, line, `replaces ${quoted(plain)} of MXNet`);
  else if (importing.test(plain)) voice.does('modules', level, line, `changes how modules are found (${quoted(plain)})`);
  else if (dangerOf(plain) !== null && !plain.includes('()')) voice.does('tamper', level, line, `replaces ${quoted(plain)}`);
}

/** A way from any object to the names of the interpreter. */
export function checkMember(node: Node, level: Level, { voice, program, text }: Suspicions) {
  const name = node.children[2];
  if (node.children[1]?.type !== '.' || !name) return;
  const found = nameOf(name, text);
  if (!inward.has(found)) return;
  const used = node.parent?.type === 'CallExpression' || node.parent?.type === 'MemberExpression';
  if (used) voice.does('introspection', level, program.lineOf(node.from), `reaches into the interpreter by ${quoted(found)}`);
}

/** Calls that change where modules come from. */
export function checkModulePath(path: string, given: string | null, node: Node, level: Level, suspicions: Suspicions) {
  const plain = canonical(path);
  if (/^sys\.path\.(?:append|insert|extend)$/.test(plain) && given !== null && /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/run\/user|\/proc|https?:|\\\\)/.test(given)) {
    suspicions.voice.does('module-path', level, suspicions.program.lineOf(node.from), `looks for modules in ${quoted(given)}, where anybody may write`);
  } else if (/^sys\.(?:meta_path|path_hooks)\.(?:append|insert|extend)$/.test(plain)) replaced(plain, node, level, suspicions);
}
