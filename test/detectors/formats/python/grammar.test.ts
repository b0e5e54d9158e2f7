import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decodeSource } from '../../../../detectors/formats/python/decode.ts';
import { type Node, parseProgram } from '../../../../detectors/formats/python/grammar.ts';
import { lex } from '../../../../detectors/formats/python/lexer.ts';
import type { Budget } from '../../../../detectors/formats/report.ts';
import { mxnet, runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const budget: Budget = { spend() { /* Without bound. */ }, unpack() { /* Likewise. */ } };

function read(bytes: Uint8Array) {
  const faults: string[] = [];
  const tell = ({ what, line, message }: { what: string; line: number; message: string }) => { faults.push(`${line} ${what}: ${message}`); };
  const lexed = lex(decodeSource(bytes).text, tell, budget.spend);
  return { faults, program: parseProgram(lexed, budget, tell) };
}
const faultsOf = (source: string) => read(Buffer.from(source)).faults;

/** Dotted names that are called, as the grammar has it. */
function callsOf(bytes: Uint8Array): string[] {
  const { program: { text, roots } } = read(bytes);
  const names: string[] = [];
  const dotted = (node: Node): string | null => {
    if (node.type === 'VariableName') return text.slice(node.from, node.to);
    const [object, dot, name] = node.children;
    if (node.type === 'ParenthesizedExpression' && object) return dotted(object);
    const before = node.type === 'MemberExpression' && dot?.type === '.' && object ? dotted(object) : null;
    return before === null || !name ? null : `${before}.${text.slice(name.from, name.to)}`;
  };
  const open = roots.map(({ node }) => node);
  for (let node = open.pop(); node; node = open.pop()) {
    open.push(...node.children);
    if (node.type === 'Decorator' && node.children.some(({ type }) => type === 'ArgList')) names.push(node.children.filter(({ type }) => type === 'VariableName' || type === 'PropertyName').map(({ from, to }) => text.slice(from, to)).join('.'));
    else if (node.type === 'CallExpression' && node.children[0]) { const name = dotted(node.children[0]); if (name !== null) names.push(name); }
  }
  return names.sort((one, other) => one < other ? -1 : 1);
}

const forms: Readonly<Record<string, readonly string[]>> = {
  'statements of Python 3': [
    'with (a as b, c as d): pass', 'with (open(a) as b): pass', 'with a as b.c: pass', 'with a as b[0], c: pass', 'with a as (b, c): pass', 'async with a as b: pass',
    'try: pass\nexcept* E: pass', 'try: pass\nexcept (A, B) as e: pass\nelse: x\nfinally: y', 'for a, *b in c: pass\nelse: pass', 'async def f():\n  async for x in y: await x',
    'match x:\n  case [a, *_] if z.y: pass\n  case {"a": 1, **r}: pass\n  case a.B(x=1) | B(): pass\n  case -1 | 1+2j: pass\n  case (a, b) as c: pass\n  case "x" "y": pass\n  case _: pass', 'match x, y:\n  case 1, 2: pass', 'match *a, b:\n  case 1: pass',
    'match = 1\nmatch[1]\nmatch (x)\ncase = lambda x: 1\ntype = 3\ntype(x)', 'def f(a, /, b=1, *, c, **d) -> int: pass', 'def f[T](x: T) -> T: pass', 'class A[T](B, metaclass=M): x: int = 1', 'type X = int',
    '@a.b(c)\n@x if y else z\n@a[0].b\ndef f(): pass', 'global a\nnonlocal b', 'raise A from b', 'assert a, b', 'del (a), b[0]', 'from ...a.b import (c as d,\n  e,)', 'from . import *', 'x = y = yield', 'def f():\n  yield\n  (yield)\n  x = yield a\n  yield from b\n  return *a, b',
  ],
  'expressions of Python 3': [
    '1. + .5 + 1.e5 + 1.j + 1_000 + 1e-5 + 0xFF + 0o17 + 0b1 + 2.**16', 'x[1:2, ::3, ...]', 'f(*a, x, *b, y=1, **c)', 'f(x for x in y)', 'lambda *a, b=1, **c: (yield)', 'a if b else c if d else lambda: 1', '[*a, *b], {*a, 1}, {**a, "b": 1}',
    '[x async for x in y if z for a, *b in c]', '(n := f(x))', 'not a in b is not c', 'a < b < c != d', '~-+1 ** 2 @ c // d % e', 'print(*a, sep="")', 'f(a)(b)[c].d',
  ],
  'strings of Python 3': [
    'f"{x!r:{y}.2f} {{}} {z=}"', 'f"{x["a"]}"', 'rf"\\d{x}"', 'f\'{a["b"]:>{w}}\'', 'f"{x:%Y-%m}"', 'f"""{\nx\n}"""', '"a" f"{b}" r"c" b""', 'x = """a\n\'\\"""\n"""', "'\\\n'", 't"a{b}"', 'f"{(lambda x: 1)}"', 'f"{\'a\' if b else "c"}"',
  ],
  'lines of Python 3': ['x = \\\n 1', 'x = (\n# c\n1\n)', 'if x:\n\tpass\nelse:\n        pass', 'def f():\n  pass\n # c\n  x', 'class A: pass\n\f\nclass B:\n  x = 1', 'if a:\n  pass\n# c\nelse:\n  pass', 'x = 1;', '\ufeffx = 1', '# only', ''],
};
for (const [title, sources] of Object.entries(forms)) {
  test(`${title} are read without a fault`, t => { for (const source of sources) for (const end of ['\n', '']) t.deepEqual(faultsOf(source + end), [], source); });
}

test('what Python refuses is a fault with its line, and what stands around it is read', t => {
  t.regex(faultsOf('x = 1\ny = (\n').join(), /syntax/);
  t.regex(faultsOf('x = 1\n\ndef f(:\n    pass\n').join(), /^3 syntax|,3 syntax/);
  t.regex(faultsOf('x = "a\ny = 1\n').join(), /^1 syntax/);
  t.regex(faultsOf('x = )\n').join(), /^1 syntax/);
  t.deepEqual(callsOf(Buffer.from('a.b()\nx = = 1\nif y:\n    c()\nelse:\n    d(\n')).filter(name => name !== 'd'), ['a.b', 'c']);
});

test('columns are counted anew behind a form feed, as Python does', t => {
  const { faults, program: { text } } = read(Buffer.from('if x:\n  a()\n  \fb()\n'));
  t.is(text, 'if x:\n  a()\nb()\n');
  t.regex(faults.join(), /^3 form-feed/);
  t.deepEqual(faultsOf('if x:\n\f  a()\n\f\nb()\n'), []);
});

test('brackets, blocks and terms without end are told, and cost little', t => {
  for (const source of ['('.repeat(100_000), `${'['.repeat(1_000)}${']'.repeat(1_000)}`, `x = ${'-'.repeat(50_000)}1`, `x = ${'lambda:'.repeat(50_000)}1`, `x${'.a'.repeat(50_000)}`, `x = ${"'a'+".repeat(50_000)}1`, '(]{)['.repeat(20_000), '? '.repeat(50_000), Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}if x:\n`).join('')]) {
    t.true(faultsOf(`${source}\n`).length > 0, source.slice(0, 40));
  }
});

const sources = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.py')).map(name => join(folder, name)).sort();

testWith(['mxnet'], 'in all files of mxnet and numpy the calls are those that Python itself finds', async t => {
  t.timeout(300_000);
  const { library } = await mxnet();
  const packages = join(library, '../..');
  const paths = [...sources(join(packages, 'mxnet')), ...sources(join(packages, 'numpy'))];
  const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'calls.py') }, { input: paths.map(path => `${path}\n`).join(''), timeoutMs: 200_000 });
  const answers = stdout.trim().split('\n').map(line => JSON.parse(line) as string[] | null);
  t.is(answers.length, paths.length, stderr.slice(-1_000));
  let calls = 0;
  for (const [index, path] of paths.entries()) {
    const expected = answers[index];
    if (!expected) continue;
    calls += expected.length;
    const found = callsOf(readFileSync(path));
    if (found.length !== expected.length || found.some((name, at) => name !== expected[at])) t.fail(`${path}: ${found.length} calls, Python finds ${expected.length}`);
  }
  t.log(`${paths.length} files, ${calls} calls`);
  t.true(calls > 50_000);
});
