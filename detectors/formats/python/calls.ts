import { quoted } from '../quote.ts';
import { sourceOf } from '../source.ts';
import { remarksOnShell } from '../text/shell.ts';
import { canonical, type Danger, dangerOf, isEnvironment, isRootPlace, isSecretFile, isSecretName, isStartPlace } from './dangers.ts';
import type { Node } from './grammar.ts';
import { namedBySettings, takesSettings } from './logging-settings.ts';
import { argumentsOf } from './nodes.ts';
import type { Level, RuleName } from './rules.ts';
import type { Suspicions } from './suspicions.ts';
import { checkModulePath, replaced } from './tampering.ts';
import { optionsOf, shown, sum, traits, type Value } from './values.ts';

interface Call {
  readonly path: string;
  readonly value: Value & { kind: 'path' };
  readonly given: readonly Value[];
  readonly keyword: (name: string) => Value | undefined;
  readonly bits: number;
  readonly level: Level;
  readonly line: number;
  readonly node: Node;
}

/** One call: what it does, by what is called and with what. `list` is null for a decorator without brackets. */
export function checkCall(node: Node, callee: Value, list: Node | null, level: Level, suspicions: Suspicions) {
  const { evaluator, text, program, voice } = suspicions;
  const line = program.lineOf(node.from);
  const made = node.type === 'CallExpression' ? evaluator.value(node) : null;
  if (made?.kind === 'text' && (made.traits & (traits.scrambled | traits.decoded)) !== 0 && telling.test(made.text.slice(0, 65_536))) {
    voice.does('hidden-text', level, line, `computes the text ${quoted(made.text, 60)}, which names what runs code`);
  }
  const paths = optionsOf(callee).filter(one => one.kind === 'path');
  if (paths.length === 0) return;
  const { positional, keywords } = list ? argumentsOf(list, text) : { positional: [], keywords: new Map<string, Node>() };
  const given = positional.map(each => evaluator.value(each));
  const named = new Map([...keywords].map(([name, each]) => [name, evaluator.value(each)]));
  const all = [...given, ...named.values()];
  const bits = sum(all) | (all.some(each => each.kind === 'path' && isEnvironment(each.path)) ? traits.secret : 0);
  for (const value of paths) {
    const path = canonical(value.path);
    const call: Call = { path, value, given, keyword: name => named.get(name), bits, level, line, node };
    const danger = dangerOf(path);
    if (danger) {
      if ((value.traits & traits.named) !== 0) voice.does('hidden-name', level, line, `calls ${quoted(path)} by a name that it computes`);
      checks[danger](call, suspicions);
    }
    otherwise(call, suspicions);
    if (path === 'operator.methodcaller()' && value.subject?.kind === 'text' && given[0]) checkCall(node, evaluator.member(given[0], value.subject.text), null, level, suspicions);
  }
}

const telling = /\b(?:os\.(?:system|popen|exec)|subprocess\.|__import__|socket\.socket|exec\(|eval\()|\bimport\s+(?:os|subprocess|socket|ctypes|pty)\b|\/bin\/(?:ba|da|z)?sh\b/;
const connection = /^socket\.(?:socket|create_connection)\(\)/;
const textOf = (value: Value | undefined): string | null => value ? optionsOf(value).map(one => one.kind === 'text' ? one.text : one.kind === 'path' && one.subject ? shown(one).text : null).find(text => text !== null && text !== '…') ?? null : null;
const simple = (rule: RuleName, what: string): Check => ({ level, line, path }, { voice }) => { voice.does(rule, level, line, `${what} (${quoted(path)})`); };

type Check = (call: Call, suspicions: Suspicions) => void;

const checks: { readonly [Each in Danger]: Check } = {
  process({ level, line, path, given, keyword }, suspicions) {
    const { voice, report } = suspicions;
    const command = commandOf(given[0] ?? keyword('args'));
    voice.does('process', level, line, command === null ? `starts a process (${quoted(path)})` : `starts a process: ${quoted(path)} of ${quoted(command)}`);
    if (((given[0]?.traits ?? 0) & traits.fetched) !== 0) voice.does('download-execute', level, line, 'runs what it has downloaded');
    if (((given[0]?.traits ?? 0) & traits.decoded) !== 0) voice.does('decode-execute', level, line, 'runs what it has decoded');
    if (((given[0]?.traits ?? 0) & traits.secret) !== 0) voice.does('exfiltration', level, line, 'gives secrets to a process');
    if ([keyword('stdin'), keyword('stdout'), keyword('stderr')].some(value => value?.kind === 'path' && connection.test(canonical(value.path)))) voice.does('reverse-shell', level, line, 'gives a process to the network');
    if (command !== null) for (const remark of remarksOnShell(command, units => { report.budget.spend(units); })) voice.says('shell', level === 'import' ? 'critical' : remark.severity, line, `A command ${remark.message}`, remark.techniques);
  },
  terminal(call, suspicions) {
    simple('process', 'starts a process in a terminal of its own')(call, suspicions);
  },
  descriptor({ given, level, line }, { voice }) {
    const [from, to] = given;
    if (to?.kind === 'number' && to.number <= 2 && optionsOf(from ?? to).some(one => one.kind === 'path' && connection.test(canonical(one.path)))) voice.does('reverse-shell', level, line, 'makes a connection its input or output');
  },
  network({ level, line, path, given, bits, keyword }, { voice }) {
    const target = textOf(given[0] ?? keyword('url')) ?? textOf(given[1]);
    voice.does('network', level, line, `reaches the network (${quoted(path)}${target === null ? '' : `, ${quoted(target)}`})`);
    if ((bits & traits.secret) !== 0) voice.does('exfiltration', level, line, 'sends secrets over the network');
  },
  client: simple('client', 'prepares to reach the network'),
  evaluate(call, suspicions) { evaluates(call, suspicions); },
  'run-file': simple('run-file', 'runs another file'),
  'dynamic-import'({ level, line, path, given, bits }, { voice }) {
    const name = given[0];
    if (name && optionsOf(name).every(one => one.kind === 'text' && !one.partial)) return;
    voice.does('dynamic-import', level, line, `imports a module whose name it computes (${quoted(path)})`);
    if ((bits & traits.fetched) !== 0) voice.does('download-execute', level, line, 'imports what it has downloaded');
  },
  native({ level, line, path, given }, { voice }) {
    const name = textOf(given[0]);
    voice.does('native', level, line, `loads native code (${quoted(path)}${name === null ? '' : ` of ${quoted(name)}`})`);
  },
  library: simple('library', 'has MXNet load native code'),
  'custom-operator': simple('custom-operator', 'registers an operator of its own'),
  unpickle(call, suspicions) { unpickles(call, suspicions); },
  'code-object'({ level, line, path, bits }, { voice }) {
    voice.does('code-object', level, line, `makes code from data (${quoted(path)})`);
    if ((bits & traits.decoded) !== 0) voice.does('decode-execute', level, line, 'makes code from what it has decoded');
    if ((bits & traits.fetched) !== 0) voice.does('download-execute', level, line, 'makes code from what it has downloaded');
  },
  open({ path, value, given, keyword, level, line }, { voice }) {
    const isMethod = path.endsWith('().open');
    const place = textOf(isMethod ? value : given[0] ?? keyword('file'));
    const mode = textOf(given[isMethod ? 0 : 1] ?? keyword('mode')) ?? 'r';
    if (place !== null && isSecretFile(place)) voice.does('secret', level, line, `opens ${quoted(place)}, which holds secrets`);
    if (path !== 'os.open' && !/[wax+]/.test(mode)) return;
    if (place !== null && isStartPlace(place)) voice.does('start-place', level, line, `writes ${quoted(place)}, from which things are started`);
    else if (path !== 'os.open') voice.does('file-write', level, line, `writes a file${place === null ? '' : ` (${quoted(place)})`}`);
  },
  write({ value, given, path, level, line }, { voice }) {
    const place = textOf(path.startsWith('os.') ? given[1] : value);
    if (place !== null && isStartPlace(place)) voice.does('start-place', level, line, `writes ${quoted(place)}, from which things are started`);
    else voice.does('file-write', level, line, 'writes a file');
  },
  copy({ given, path, level, line }, { voice }) {
    const place = textOf(path.startsWith('pathlib.') ? given[0] : given[1]);
    if (place !== null && isStartPlace(place)) voice.does('start-place', level, line, `writes ${quoted(place)}, from which things are started`);
  },
  'delete-tree'(call, suspicions) { deletes(call, suspicions); },
  delete(call, suspicions) { deletes(call, suspicions); },
  introspection() { /* Told where the name stands. */ },
};

function deletes({ path, value, given, level, line }: Call, { voice }: Suspicions) {
  const place = textOf(path.startsWith('pathlib.') ? value : given[0]);
  if (place !== null && isRootPlace(place)) voice.does('destroy', level, line, `deletes ${quoted(place)}`);
  else voice.does('delete', level, line, `deletes files (${quoted(path)})`);
}

function evaluates({ path, given, level, line }: Call, { voice, inner }: Suspicions) {
  const [first] = given;
  // The names that the code is given are no part of it.
  const bits = first?.traits ?? 0;
  if ((bits & (traits.decoded | traits.scrambled)) !== 0) voice.does('decode-execute', level, line, 'runs what it has decoded');
  if ((bits & traits.fetched) !== 0) voice.does('download-execute', level, line, 'runs what it has downloaded');
  const texts = first ? optionsOf(first).filter(one => one.kind === 'text' && !one.partial) : [];
  for (const each of texts) if (each.kind === 'text') inner(each.text, level, line);
  // A text that stands there is judged by what it does.
  if (first && texts.length === optionsOf(first).length && bits === 0) return;
  voice.does('evaluate', level, line, `runs a text as code (${quoted(path)})`);
}

function unpickles({ path, given, keyword, bits, level, line }: Call, { voice, report }: Suspicions) {
  const [first] = given;
  if (path.startsWith('yaml.') && [...given.slice(1), keyword('Loader')].some(one => one?.kind === 'path' && /Safe|Base/.test(one.path))) return;
  if (path === 'torch.load' && keyword('weights_only') !== undefined) return;
  voice.does('unpickle', level, line, `unpickles data, which runs what it names (${quoted(path)})`);
  if ((bits & traits.decoded) !== 0) voice.does('decode-execute', level, line, 'unpickles what it has decoded');
  if ((bits & traits.fetched) !== 0) voice.does('download-execute', level, line, 'unpickles what it has downloaded');
  if (first?.kind === 'text' && !first.partial && first.bytes && path.endsWith('loads')) report.nested(`pickle-at-line-${line}`, sourceOf(Uint8Array.from(Buffer.from(first.text, 'latin1'))));
}

/** Settings name by texts what is called. */
function configures({ given, keyword, level, line, node }: Call, suspicions: Suspicions) {
  const settings = given[0] ?? keyword('config');
  for (const { path, given: named } of settings ? namedBySettings(settings).texts : []) {
    const danger = dangerOf(canonical(path));
    if (danger) checks[danger]({ path: canonical(path), value: { kind: 'path', path, subject: null, traits: 0 }, given: [], keyword: name => named.get(name), bits: 0, level, line, node }, suspicions);
  }
}

/** Calls that are no danger by themselves. */
function otherwise({ path, value, given, keyword, level, line, node }: Call, suspicions: Suspicions) {
  const { voice } = suspicions;
  if (takesSettings(path)) configures({ path, value, given, keyword, level, line, node, bits: 0 }, suspicions);
  checkModulePath(path, textOf(given.at(-1)), node, level, suspicions);
  const [object, name] = given;
  if ((path === 'builtins.setattr' || path === 'builtins.delattr') && object?.kind === 'path') {
    if (name?.kind === 'text') replaced(`${object.path}.${name.text}`, node, level, suspicions);
    else if (/^(?:builtins|os|subprocess)$/.test(canonical(object.path))) voice.does('tamper', level, line, `replaces something of ${quoted(object.path)} by a name that it computes`);
  }
  if (path === 'builtins.getattr' && object?.kind === 'path' && name && !optionsOf(name).every(one => one.kind === 'text' && !one.partial) && /^(?:builtins|os|sys|subprocess|importlib|ctypes|socket|pickle|marshal|shutil)$/.test(canonical(object.path))) {
    voice.does('computed-attribute', level, line, `takes from ${quoted(object.path)} what it names by a computed text`);
  }
  if (/^os\.(?:getenv|environ\.get)$/.test(path) && object?.kind === 'text' && isSecretName(object.text)) voice.does('environment', level, line, `reads the secret ${quoted(object.text)} from the environment`);
  if (/^numpy(?:\.lib\.npyio)?\.load$/.test(path) && isTrue(keyword('allow_pickle'))) voice.does('unpickle', level, line, 'lets NumPy unpickle');
  if (/^pathlib\.Path\(\)\.read_(?:text|bytes)$/.test(path)) {
    const place = textOf(value);
    if (place !== null && isSecretFile(place)) voice.does('secret', level, line, `reads ${quoted(place)}, which holds secrets`);
  }
}

const isTrue = (value: Value | undefined): boolean => value?.kind === 'number' && value.number === 1;

/** A command as one text: a list is joined by blanks. */
function commandOf(value: Value | undefined): string | null {
  if (!value) return null;
  for (const one of optionsOf(value)) {
    if (one.kind === 'text') return one.text;
    if (one.kind === 'list') return one.items.slice(0, 200).map(item => shown(item).text).join(' ').slice(0, 262_144);
  }
  return null;
}
