import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Verdict } from '../../../../agent/contract/inspection.ts';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { ndarrayContainer } from '../../../../detectors/formats/ndarray/container.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileContainers, honestContainers } from '../../../fixtures/hostile/ndarray.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const oracle = new URL('oracle.py', import.meta.url).pathname;
type Answer = 'ok' | 'refused' | 'memory' | 'time' | 'crash';
interface Case { readonly name: string; readonly bytes: Uint8Array; readonly np?: true }

const verdictOf = (bytes: Uint8Array): Verdict => inspectSource('m-0000.params', sourceOf(bytes), [ndarrayContainer]).verdict;

/** What real MXNet does with each. */
async function ask(t: ExecutionContext, cases: readonly Case[]): Promise<readonly Answer[]> {
  const folder = await mkdtemp(path(tmpdir(), 'mxwarden-oracle-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await Promise.all(cases.map(({ bytes }, index) => writeFile(path(folder, `${index}.params`), bytes)));
  const input = cases.map(({ np }, index) => `${np ? 'np' : 'nd'} ${path(folder, `${index}.params`)}\n`).join('');
  const { stdout, stderr } = await runPython({ file: oracle }, { input, timeoutMs: 110_000 });
  const answers = stdout.trim().split('\n') as Answer[];
  t.is(answers.length, cases.length, stderr);
  return answers;
}

function tell(t: ExecutionContext, verdicts: readonly Verdict[], answers: readonly Answer[]) {
  const counts = new Map<string, number>();
  answers.forEach((answer, index) => { const key = `${answer} → ${verdicts[index]}`; counts.set(key, (counts.get(key) ?? 0) + 1); });
  for (const [key, count] of [...counts].sort()) t.log(key, count);
}

testWith(['mxnet'], 'nothing that real MXNet crashes on, starves on or refuses is called clean', async t => {
  const cases: readonly Case[] = [...hostileContainers, ...honestContainers];
  const answers = await ask(t, cases);
  const verdicts = cases.map(({ bytes }) => verdictOf(bytes));
  tell(t, verdicts, answers);
  cases.forEach(({ name }, index) => {
    if (answers[index] !== 'ok') t.not(verdicts[index], 'clean', `${name}: ${answers[index]}`);
    if (answers[index] === 'crash') t.is(verdicts[index], 'malicious', name);
  });
  t.true(answers.includes('crash') && answers.includes('memory') && answers.includes('ok'));
});

/** Deterministic numbers below `bound` (mulberry32). */
function numbers(seed: number) {
  let state = seed;
  return (bound: number): number => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * bound);
  };
}

function mutate(honest: readonly Uint8Array[], seed: number): Uint8Array {
  const below = numbers(seed);
  const pick = () => Uint8Array.from(honest[below(honest.length)] ?? []);
  const bytes = pick();
  if (bytes.length < 16) return bytes;
  switch (below(4)) {
    case 0: bytes[below(bytes.length)] = below(256); return bytes;
    case 1: { const at = below(bytes.length); bytes[at] = (bytes[at] ?? 0) ^ 1 << below(8); return bytes; }
    case 2: return bytes.slice(0, below(bytes.length));
    default: { const other = pick(); return Uint8Array.from([...bytes.slice(0, below(bytes.length)), ...other.slice(below(other.length))]); }
  }
}

testWith(['mxnet'], 'no flip, cut or splice of files that real MXNet wrote is called clean when it does not load', async t => {
  const folder = await mkdtemp(path(tmpdir(), 'mxwarden-honest-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const program = [
    'import mxnet as mx', 'import numpy as np',
    'mx.nd.save("0", {"arg:w": mx.nd.ones((2, 3)), "aux:m": mx.nd.zeros((3,), dtype="int32")})',
    'mx.nd.save("1", [mx.nd.ones((2,), dtype="float16"), mx.nd.ones((1, 1, 2))])',
    'mx.nd.save("2", {"a": mx.nd.array(np.eye(4)).tostype("csr"), "b": mx.nd.array(np.eye(4)).tostype("row_sparse")})',
  ].join('\n');
  t.is((await runPython(program, { cwd: folder })).code, 0);
  const honest = await Promise.all([0, 1, 2].map(async index => Uint8Array.from(await readFile(path(folder, String(index))))));
  const count = Number(process.env.MXWARDEN_ORACLE_RUNS ?? 250);
  const cases = Array.from({ length: count }, (_, seed): Case => ({ name: `seed ${seed}`, bytes: mutate(honest, seed) }));
  const answers = await ask(t, cases);
  const verdicts = cases.map(({ bytes }) => verdictOf(bytes));
  tell(t, verdicts, answers);
  cases.forEach(({ name }, index) => { if (answers[index] !== 'ok') t.not(verdicts[index], 'clean', `${name}: ${answers[index]}`); });
});
