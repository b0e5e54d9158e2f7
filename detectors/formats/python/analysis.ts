import type { Report, Where } from '../report.ts';
import { checkCall } from './calls.ts';
import { canonical } from './dangers.ts';
import { createEvaluator, type Evaluator } from './evaluate.ts';
import { type Node, parseProgram, type Program } from './grammar.ts';
import { lex } from './lexer.ts';
import { lookAtLiteral } from './literal-checks.ts';
import { namedBySettings, takesSettings } from './logging-settings.ts';
import { callsDecorated, decoratorOf, reachMaking, returned, special } from './implicit.ts';
import { argumentsOf, childOf, isFunction } from './nodes.ts';
import { checkReference } from './references.ts';
import type { Level } from './rules.ts';
import { scopesOf } from './scopes.ts';
import type { Suspicions } from './suspicions.ts';
import { checkAssignment, checkMember, handedOver } from './tampering.ts';
import { optionsOf, unknown, type Value } from './values.ts';
import { voiceOf } from './voice.ts';

export interface Setting {
  /** What the text outside of functions is. */
  readonly level: Level;
  readonly where: (line: number) => Where;
  /** How a finding begins, by when the code runs. */
  readonly called: Readonly<Record<Level, string>>;
  /** Texts given to exec inside of one another so far. */
  readonly depth: number;
  /** Where nothing tells that the text is Python, errors are not remarkable. */
  readonly quiet?: boolean;
}
export const usualWords: Setting['called'] = { import: 'When it is imported, it', inside: 'A function of it' };

/** What a program consists of, for the inventory. */
export interface Facts { readonly imports: readonly string[]; readonly functions: number; readonly classes: number; readonly callsAtImport: readonly string[]; readonly faults: number }

const deepestTexts = 4;
/** Texts given to exec that are followed, of one program. */
const mostTexts = 200;
/** What is dangerous in a line that could not be read. */
const alarming = /\b(?:os\s*\.\s*system|subprocess|popen|exec[lv]\w*|exec|eval|__import__|importlib|ctypes|socket|pty|marshal)\b/;

/** Follows what a program does, without running it. `source` has `\n` for every end of line. */
export function analysePython(source: string, report: Report, setting: Setting): Facts {
  const { budget } = report;
  const lines = source.split('\n');
  const voice = voiceOf(report, lines, setting.where, setting.called);
  let faults = 0;
  const lexed = lex(source, ({ what, message, line }) => {
    if (what === 'syntax') { faults += 1; if (!setting.quiet) voice.says('syntax', 'medium', line, `${message}: Python refuses it`, ['AML.T0076']); }
    else voice.says(what, 'high', line, message, ['T1027', 'AML.T0076']);
  }, units => { budget.spend(units); });
  const program = parseProgram(lexed, budget, ({ what, message, line, piece }) => {
    faults += 1;
    if (what === 'nesting') voice.says('nesting', 'high', line, message, ['T1027', 'AML.T0076']);
    else if (!setting.quiet) voice.says('syntax', 'medium', line, message, ['AML.T0076']);
    if (what === 'syntax' && !setting.quiet && alarming.test(piece.slice(0, 65_536))) voice.says('unread', 'high', line, 'A line that could not be read names what runs code', ['T1027', 'AML.T0076']);
  });
  const scopes = scopesOf(program, budget);
  const evaluator = createEvaluator(program, scopes, budget);
  let texts = 0;
  const walker = createWalker(program, evaluator, {
    report, voice, program, evaluator, text: program.text, seen: new Set(),
    inner: (text, level, line) => {
      if (setting.depth >= deepestTexts) { voice.says('nesting', 'high', line, `Texts that are run are nested deeper than ${deepestTexts}`, ['T1027']); return; }
      if (++texts > mostTexts) { voice.does('evaluate', level, line, `runs more than ${mostTexts} texts; the others are not followed`); return; }
      const { faults: refused } = analysePython(text.replace(/\r\n?/g, '\n'), report, { ...setting, level, where: () => setting.where(line), depth: setting.depth + 1, quiet: true });
      if (refused > 0) voice.does('evaluate', level, line, 'runs a text as code that cannot be read');
    },
  });
  const { functions, classes, calls } = walker(setting.level, scopes.module.names.get('__getattr__')?.flatMap(binding => binding.kind === 'definition' ? [binding.node] : []) ?? []);
  return { imports: [...new Set(scopes.imports)].slice(0, 100), functions, classes, callsAtImport: [...calls].slice(0, 50), faults };
}

interface Body { readonly nodes: readonly Node[]; readonly level: Level }

/** Goes through what runs at import first, and finds the functions that it calls; then through all others. */
function createWalker(program: Program, evaluator: Evaluator, suspicions: Suspicions) {
  const { text } = program;
  const { budget } = suspicions.report;
  return (level: Level, hooks: readonly Node[]) => {
    const pending: Body[] = [{ nodes: program.roots.map(({ node }) => node), level }];
    const started = new Set<Node>();
    const later: Node[] = [];
    const guarded: Node[] = [];
    const calls = new Set<string>();
    const counts = { functions: 0, classes: 0 };
    const reach = (node: Node) => {
      if (started.has(node) || !isFunction(node)) return;
      started.add(node);
      pending.push({ nodes: node.children.filter(({ type }) => type === 'Body'), level: 'import' });
    };
    const reachValue = (value: Value, isCalled: boolean) => {
      for (const one of optionsOf(value)) {
        if (one.kind === 'function') reach(one.node);
        if (one.kind === 'class' && isCalled) reachMethods(one.node, ['__init__', '__new__', '__post_init__', '__del__', '__init_subclass__']);
        if (one.kind === 'instance' && isCalled) reachMethods(one.node, ['__call__']);
        if (one.kind === 'path' && isCalled && calls.size < 200) calls.add(one.path.slice(0, 80));
      }
    };
    const reachMethods = (definition: Node, names: readonly string[]) => {
      for (const name of names) { const method = evaluator.methodOf(definition, name); if (method) reach(method); }
    };
    const reachDecorated = (node: Node, value: Value, list: Node | null) => {
      reachValue(value, true);
      if (list) for (const one of optionsOf(value)) if (one.kind === 'function') for (const made of returned(one.node)) reachValue(evaluator.value(made), true);
      const below = node.parent ? childOf(node.parent, 'FunctionDefinition') : null;
      if (below && callsDecorated(value, text)) reach(below);
    };
    for (const hook of hooks) if (level === 'import') reach(hook);

    /** An object of a class of this file is used by an operator, a loop, a built-in function: whatever method that calls. */
    const touch = (node: Node) => {
      const user = node.parent;
      if (!user || !touching.has(user.type) || (user.type === 'ArgList' && !isBuiltinCall(user, evaluator))) return;
      for (const one of optionsOf(evaluator.value(node))) if (one.kind === 'instance') reachMethods(one.node, special(one.node, text));
    };

    function visit(node: Node, now: Level): readonly Node[] {
      budget.spend(1);
      switch (node.type) {
        case 'FunctionDefinition': counts.functions += 1; later.push(node); return node.children.filter(({ type }) => type !== 'Body');
        case 'ClassDefinition':
          counts.classes += 1;
          if (now === 'import') reachValue(reachMaking(node, text, evaluator, reachMethods) ?? unknown, true);
          return node.children;
        case 'IfStatement': return unguarded(node, text, body => { guarded.push(body); });
        case 'CallExpression': {
          const [callee, list] = node.children;
          if (!callee || !list) return node.children;
          const value = evaluator.value(callee);
          if (now === 'import') {
            reachValue(value, true);
            const { positional, keywords } = argumentsOf(list, text);
            for (const given of [...positional, ...keywords.values()]) reachValue(evaluator.value(given), false);
            if (value.kind === 'path' && takesSettings(value.path)) for (const given of positional) for (const named of namedBySettings(evaluator.value(given)).values) reachValue(named, true);
            if (isFinderList(value)) for (const given of positional) for (const one of optionsOf(evaluator.value(given))) if (one.kind === 'instance' || one.kind === 'class') reachMethods(one.node, ['find_spec', 'find_module']);
          }
          checkCall(node, value, list, now, suspicions);
          if (now === 'import') touch(node);
          return node.children;
        }
        case 'Decorator': {
          const value = decoratorOf(node, text, evaluator);
          const list = childOf(node, 'ArgList');
          if (now === 'import') reachDecorated(node, value, list);
          checkCall(node, value, list, now, suspicions);
          return list ? [list] : [];
        }
        case 'AssignStatement':
          checkAssignment(node, now, suspicions);
          if (now === 'import') for (const given of handedOver(node, evaluator)) reachValue(given, false);
          return node.children;
        case 'MemberExpression': {
          checkMember(node, now, suspicions);
          checkReference(node, now, suspicions);
          const value = evaluator.value(node);
          if (now === 'import' && value.kind === 'function' && value.node.parent?.type === 'DecoratedStatement') reach(value.node);
          if (now === 'import' && node.children[0] && node.children[1]?.type === '[') for (const one of optionsOf(evaluator.value(node.children[0]))) if (one.kind === 'class') reachMethods(one.node, ['__class_getitem__']);
          return node.children;
        }
        case 'VariableName': checkReference(node, now, suspicions); if (now === 'import') touch(node); return [];
        case 'String': if (node.parent?.type !== 'ContinuedString') lookAtLiteral(node, suspicions); return [];
        case 'ContinuedString': lookAtLiteral(node, suspicions); return node.children;
        case 'ImportStatement': return [];
        default: return node.children;
      }
    }
    function walk({ nodes, level: now }: Body) {
      const open = [...nodes].reverse();
      for (let node = open.pop(); node; node = open.pop()) {
        const next = visit(node, now);
        for (let at = next.length - 1; at >= 0; at--) { const child = next[at]; if (child) open.push(child); }
      }
    }
    // Functions are found while others are walked.
    for (;;) {
      const body = pending.pop() ?? late();
      if (!body) break;
      walk(body);
    }
    return { ...counts, calls };

    function late(): Body | null {
      const body = guarded.pop();
      if (body) return { nodes: [body], level: 'inside' };
      for (let node = later.pop(); node; node = later.pop()) {
        if (started.has(node)) continue;
        started.add(node);
        return { nodes: node.children.filter(({ type }) => type === 'Body'), level: 'inside' };
      }
      return null;
    }
  };
}

/** Where the operators, loops and statements of Python call methods of their own accord. */
const touching = new Set(['BinaryExpression', 'UnaryExpression', 'MemberExpression', 'ArgList', 'WithStatement', 'ForStatement', 'IfStatement', 'WhileStatement', 'FormatReplacement', 'UpdateStatement', 'DeleteStatement', 'AwaitExpression', 'ArrayComprehensionExpression', 'ComprehensionExpression', 'ConditionalExpression', 'AssertStatement', 'RaiseStatement', 'YieldExpression']);
const isBuiltinCall = (list: Node, evaluator: Evaluator): boolean => {
  const callee = list.parent?.type === 'CallExpression' ? list.parent.children[0] : undefined;
  return callee !== undefined && optionsOf(evaluator.value(callee)).some(one => one.kind === 'path' && one.path.startsWith('builtins.'));
};

/** Whoever imports next asks what is put there. */
const isFinderList = (value: Value): boolean => optionsOf(value).some(one => one.kind === 'path' && /^sys\.meta_path\.(?:append|insert)$/.test(canonical(one.path)));

const isMain = /^\(?\s*(?:__name__\s*==\s*(['"])__main__\1|(['"])__main__\2\s*==\s*__name__)\s*\)?$/;

/** `if __name__ == '__main__':` runs when the file is a program, not when it is imported. Gives the other parts. */
function unguarded(node: Node, text: string, guard: (body: Node) => void): readonly Node[] {
  const [condition, body] = node.children;
  if (!condition || body?.type !== 'Body') return node.children;
  // `a and b` holds only when each of them does.
  const parts = condition.type === 'BinaryExpression' && condition.children[1]?.type === 'and' ? condition.children : [condition];
  if (!parts.some(part => isMain.test(text.slice(part.from, part.to)))) return node.children;
  guard(body);
  return node.children.slice(2);
}
