import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Verdict } from '../../../agent/contract/inspection.ts';
import { hostileContainers, honestContainers } from '../../fixtures/hostile/ndarray.ts';
import { hostileNpy } from '../../fixtures/hostile/npy.ts';
import { hostilePickles } from '../../fixtures/hostile/pickle.ts';
import { hostileRecords } from '../../fixtures/hostile/recordio.ts';
import { hostileSymbols } from '../../fixtures/hostile/symbol.ts';
import { runPython } from '../../services/mxnet.ts';
import { testWith } from '../../services/require.ts';
import { inspectBytes } from '../inspect-bytes.ts';
import { type Answer, load, type Loader, type Subject } from './confusion.ts';
import { dice, mutate } from './symbol/mutations.ts';

/** In all, over the honest files of each kind. */
const mutations = Number(process.env.MXWARDEN_ORACLE_RUNS ?? 1_000);

const outcomes: readonly Answer['outcome'][] = ['loaded', 'refused', 'crashed', 'memory', 'hung', 'ran code'];
const verdicts: readonly Verdict[] = ['clean', 'incomplete', 'unsupported', 'malformed', 'suspicious', 'malicious'];

const hostile = (file: string, loader: Loader, cases: readonly { readonly name: string; readonly bytes: Uint8Array; readonly np?: true }[]): readonly Subject[] =>
  cases.map(({ name, bytes, np }) => ({ name, file, bytes, loader: np ? 'np-arrays' : loader }));

/** Prints how often which verdict met which outcome. */
async function confront(t: ExecutionContext, subjects: readonly Subject[]): Promise<readonly Answer[]> {
  const answers = await load(subjects);
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  subjects.forEach(({ name, file, bytes, loader }, index) => {
    const { outcome, detail } = answers[index] ?? { outcome: 'hung', detail: 'no answer' };
    const { verdict } = inspectBytes(file, bytes);
    counts.set(`${outcome} ${verdict}`, (counts.get(`${outcome} ${verdict}`) ?? 0) + 1);
    if (!isFair(outcome, verdict, loader)) wrong.push(`${verdict}, but ${outcome}: ${file}, ${name}: ${detail}`);
  });
  const line = (cells: readonly (string | number)[]) => cells.map(cell => String(cell).padStart(12)).join('');
  t.log([line(['', ...verdicts]), ...outcomes.map(outcome => line([outcome, ...verdicts.map(verdict => counts.get(`${outcome} ${verdict}`) ?? 0)]))].join('\n'));
  t.deepEqual(wrong, []);
  return answers;
}

/** Only what loads may be clean; code that ran is malicious, and so is a crash of the library itself. */
function isFair(outcome: Answer['outcome'], verdict: Verdict, loader: Loader): boolean {
  switch (outcome) {
    case 'loaded': return true;
    case 'ran code': return verdict === 'malicious';
    case 'crashed': return loader === 'states' ? verdict !== 'clean' : verdict === 'malicious';
    default: return verdict !== 'clean';
  }
}

testWith(['mxnet'], 'no hostile file that real MXNet crashes on, starves on, hangs on, refuses or runs code for is called clean', async t => {
  const subjects = [
    ...hostile('m-0000.params', 'arrays', [...hostileContainers, ...honestContainers]), ...hostile('m-symbol.json', 'symbol', hostileSymbols()),
    ...hostile('m-0000.states', 'states', hostilePickles), ...hostile('a.npy', 'numpy', hostileNpy), ...hostile('a.rec', 'records', hostileRecords),
  ];
  const answers = await confront(t, subjects);
  for (const outcome of ['loaded', 'refused', 'crashed', 'memory', 'ran code']) t.true(answers.some(answer => answer.outcome === outcome), `the oracle saw: ${outcome}`);
  const ran = new Map(subjects.map(({ name, loader }, index) => [`${loader} ${name}`, answers[index]?.outcome === 'ran code']));
  for (const { name, runs } of hostilePickles) t.is(ran.get(`states ${name}`), runs, `${name}: whether the code in it ran`);
});

const loaders: readonly (readonly [RegExp, Loader])[] = [[/\.params$/, 'arrays'], [/\.json$/, 'symbol'], [/\.states$/, 'states'], [/\.np[yz]$/, 'numpy'], [/\.rec$/, 'records']];

interface Honest { readonly file: string; readonly bytes: Uint8Array }

async function writeHonest(t: ExecutionContext): Promise<readonly Honest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-honest-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const { code, stderr } = await runPython({ file: join(import.meta.dirname, 'confusion-honest.py') }, { cwd: folder });
  t.is(code, 0, stderr);
  return await Promise.all((await readdir(folder)).sort().map(async file => ({ file, bytes: Uint8Array.from(await readFile(join(folder, file))) })));
}

/** One flip, another byte, a cut, or a splice of two. */
function damage(bytes: Uint8Array, other: Uint8Array, seed: number): Uint8Array {
  const below = dice(seed);
  const [kind, at] = [below(4), below(bytes.length)];
  const value = bytes[at] ?? 0;
  switch (kind) {
    case 0: return bytes.with(at, value ^ 1 << below(8));
    case 1: return bytes.with(at, below(256));
    case 2: return bytes.slice(0, at);
    default: return Uint8Array.from([...bytes.subarray(0, at), ...other.subarray(below(other.length))]);
  }
}

testWith(['mxnet'], 'no flip, cut or splice of a file that real MXNet wrote is called clean when it does not load', async t => {
  const honest = await writeHonest(t);
  t.is(honest.length, 14);
  const kinds = loaders.map(([pattern, loader]) => ({ loader, files: honest.filter(({ file }) => pattern.test(file)) }));
  const subjects = kinds.flatMap(({ loader, files }) => Array.from({ length: Math.ceil(mutations / kinds.length) }, (_, seed): Subject => {
    const { file, bytes } = files[seed % files.length] ?? { file: '', bytes: new Uint8Array() };
    const other = files[(seed * 7 + 1) % files.length]?.bytes ?? bytes;
    return { name: `seed ${seed}`, file, loader, bytes: loader === 'symbol' ? Uint8Array.from(mutate(bytes, seed)) : damage(bytes, other, seed) };
  }));
  const answers = await confront(t, [...honest.map(({ file, bytes }): Subject => ({ name: 'as it was written', file, bytes, loader: loaders.find(([pattern]) => pattern.test(file))?.[1] ?? 'arrays' })), ...subjects]);
  t.deepEqual(honest.filter((_, index) => answers[index]?.outcome !== 'loaded'), []);
});
