import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import test from 'ava';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { bytecode } from '../../detectors/formats/python/bytecode.ts';
import { pathFile } from '../../detectors/formats/python/path-file.ts';
import { python } from '../../detectors/formats/python/python.ts';
import { pickle } from '../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { notebook } from '../../detectors/formats/text/notebook.ts';
import { textBeside } from '../../detectors/formats/text/plain.ts';
import { requirements } from '../../detectors/formats/text/requirements.ts';
import { script } from '../../detectors/formats/text/script.ts';
import { hostileSources } from '../fixtures/hostile/python.ts';
import { hostileRequirements } from '../fixtures/hostile/requirements.ts';
import { hostileTexts } from '../fixtures/hostile/text.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
const limits = { deadlineMs: 10_000, unpackBytes: 2 ** 26, depth: 8, notes: 200 };
const known = [bytecode, python, pathFile, notebook, requirements, script, pickle];
const formats = [...known, textBeside(known)];

/** inspectSource lets out whatever is neither RangeError nor BudgetError. */
function inspect(name: string, bytes: Uint8Array) {
  let units = 0;
  const inspection = inspectSource(name, sourceOf(bytes), formats, limits, { now: () => { units += 1; return 0; } });
  const { coverage, verdict, observations } = inspection;
  if (coverage.parsed > bytes.length) throw new Error('more parsed than there is');
  if (verdict === 'clean' && (coverage.parsed < bytes.length || coverage.skipped.length > 0 || observations.some(({ severity }) => severity !== 'info'))) throw new Error('clean, and not all of it read');
  // Work grows with the file: the clock is looked at once a thousand units.
  if (units > 200 + bytes.length) throw new Error(`${units} thousand units of work for ${bytes.length} bytes`);
  return inspection;
}

interface Seed { readonly name: string; readonly bytes: Uint8Array }
const honest = `import mxnet as mx
from mxnet.gluon import nn
@mx.operator.register("x")
class Net(nn.HybridBlock):
    """Text."""
    def __init__(self, a=1., *b, c: int = 2, **d):
        self.x = [i for i in range(3) if i] or {1: 2, **d}
    async def f(self, x):
        with open(f"{x!r:>{a}}") as y, z: yield
        return x[::-1] if not y else (lambda q: q + 1)(2)
try:
    pass
except (A, B) as e: raise X from e
match x:
    case [1, *_] | {"k": v}: pass
`;
const seeds: readonly Seed[] = [
  { name: 'x.py', bytes: Uint8Array.from(Buffer.from(honest)) },
  ...hostileSources.map(({ bytes }) => ({ name: 'x.py', bytes })),
  ...hostileTexts.map(({ name, bytes }) => ({ name, bytes })),
  ...hostileRequirements.map(({ bytes }) => ({ name: 'requirements.txt', bytes })),
].filter(({ bytes }) => bytes.length < 2_000);

const words = ['(', ')', '[', ']', '{', '}', '"', "'", '"""', 'f"{', '}"', '\\\n', '\n', '\n  ', '\n\t', '\f', '\r', '#', ':', ';', ',', '.', '=', ':=', '*', '**', '@', '->', '+', '%', '[::-1]', 'if ', 'else:', 'for ', ' in ', 'as ', 'with ', 'case ', 'match ', 'def f(x):', 'class A:', 'lambda: ', 'yield', 'await ', 'import ', 'from ', 'global ', 'return ',
  'exec(', 'eval', 'os', '.system', 'getattr(', '__import__(', 'chr(', "''.join(", 'base64.b64decode(', 'x', 'f()', '1.', '0x', '\\u0041', '\u{1d42c}', '\0', '\x80', '!', '%run ', '--index-url ', '${X}', 'bytes([', 'x += x\n', 'x = x * 9\n'];
const insert = fc.tuple(fc.nat(), fc.constantFrom(...words)).map(([at, word]) => (bytes: Uint8Array) => Uint8Array.from([...bytes.slice(0, at % (bytes.length + 1)), ...Buffer.from(word), ...bytes.slice(at % (bytes.length + 1))]));
const flip = fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => (bytes: Uint8Array) => bytes.length === 0 ? bytes : bytes.with(at % bytes.length, value));
const cut = fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => (bytes: Uint8Array) => bytes.slice(from % (bytes.length + 1), from % 3 === 0 ? undefined : to % (bytes.length + 1)));
const splice = fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat()).map(([other, at, from]) => (bytes: Uint8Array) => Uint8Array.from([...bytes.slice(0, at % (bytes.length + 1)), ...other.bytes.slice(from % (other.bytes.length + 1))]));
const repeat = fc.tuple(fc.nat(), fc.nat(60), fc.nat(40)).map(([at, length, times]) => (bytes: Uint8Array) => {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.slice(0, from), ...Array.from({ length: times }, () => bytes.slice(from, from + length)), bytes.slice(from)]);
});
const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(fc.oneof(insert, insert, flip, cut, splice, repeat), { minLength: 1, maxLength: 5 }))
  .map(([seed, changes]) => ({ name: seed.name, bytes: changes.reduce((bytes, change) => change(bytes).slice(0, 8_192), seed.bytes) }));
const soup = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 6 })), { maxLength: 60 }).map(parts => Uint8Array.from(Buffer.from(parts.join(''))));
const name = fc.constantFrom('x.py', 'requirements.txt', 'x.ipynb', 'x.sh', 'x.pth', 'README.md', 'x');

/** In pieces: between them the test runner hears that the test goes on. */
async function assertOften<Ts>(property: fc.IProperty<Ts>, numRuns: number, alive: () => void) {
  for (let done = 0; done < numRuns; done += 2_000) {
    fc.assert(property, { numRuns: Math.min(2_000, numRuns - done) });
    alive();
    await setImmediate();
  }
}

test.serial('mutated sources, notebooks, scripts and lists give a verdict, in bounded work', async t => {
  await assertOften(fc.property(mutated, ({ name: called, bytes }) => { inspect(called, bytes); }), Math.ceil(runs * 0.6), () => { t.timeout(600_000); });
  t.pass();
});

test.serial('random words and bytes under any name give a verdict', async t => {
  await assertOften(fc.property(name, fc.oneof(soup, fc.uint8Array({ maxLength: 300 })), (called, bytes) => { inspect(called, bytes); }), Math.ceil(runs * 0.4), () => { t.timeout(600_000); });
  t.pass();
});

test.serial('a process at import is told wherever a statement may stand', t => {
  const lines = honest.split('\n').slice(0, 2);
  const around = fc.constantFrom<((line: string) => string)[]>((line: string) => line, (line: string) => `if x:\n    ${line}`, (line: string) => `try:\n    ${line}\nfinally: pass`, (line: string) => `class A:\n  ${line}`, (line: string) => `for i in x:\n\t${line}`, (line: string) => `with x: ${line}`, (line: string) => `while 1:\n  ${line}`);
  const call = fc.constantFrom<string[]>('os.system("id")', 'x = [os.system("id")]', 'print(os.system("id"))', 'x: int = os.system("id")', 'x = y = 1 + os.system("id")', 'x[os.system("id")] = 1', 'assert os.system("id")', 'del x[os.system("id")]', 'raise os.system("id")', 'x = lambda: os.system("id")', 'f(**{"a": os.system("id")})', 'f"{os.system(chr(1))!r:>5}"');
  fc.assert(fc.property(fc.array(around, { maxLength: 1 }), call, fc.nat(2), (wraps, line, at) => {
    const source = lines.toSpliced(at, 0, wraps.reduce((inner, wrap) => wrap(inner), line)).join('\n');
    t.is(inspect('x.py', Buffer.from(`import os\n${source}\n`)).verdict, 'malicious', source);
  }), { numRuns: 300 });
});
