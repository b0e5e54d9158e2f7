import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { npz, zip } from '../../../../detectors/formats/archive/zip.ts';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { defineFormat } from '../../../../detectors/formats/format.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileZips, json, later, little, other, zipFile } from '../../../fixtures/hostile/zip.ts';
import { mxnet } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { run } from '../../../services/run.ts';

/** Content does not matter here: only what the archive itself is said to be. */
const anything = defineFormat({ name: 'anything', fits: () => true, inspect: (source, report) => { report.parsed(source.size); } });
const verdictOf = (bytes: Uint8Array, name = 'a.zip') => inspectSource(name, sourceOf(bytes), [zip, npz, anything].map((format, index) => index < 2 ? format : { ...format, fits: ({ name: inner }) => inner !== name && inner !== 'trailing' })).verdict;

interface Case { readonly name: string; readonly file: string; readonly bytes: Uint8Array }
interface Answer { readonly python: string; readonly stream: string; readonly directory: string }

/** What Python's zipfile, Java's ZipInputStream and Java's ZipFile see in each. */
async function ask(t: ExecutionContext, cases: readonly Case[]): Promise<readonly Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-zip-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const paths = cases.map((_, index) => join(folder, `${index}.zip`));
  await Promise.all(cases.map(({ bytes }, index) => writeFile(paths[index] ?? '', bytes)));
  const input = paths.map(path => `${path}\n`).join('');
  const { python } = await mxnet();
  const one = await run('bash', ['-c', 'ulimit -v 2000000; exec "$0" "$1"', python, join(import.meta.dirname, 'zip-oracle.py')], { input, timeoutMs: 100_000 });
  const two = await run('java', ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', join(import.meta.dirname, 'ZipOracle.java')], { input, timeoutMs: 100_000 });
  const [pythons, javas] = [one.stdout.trimEnd().split('\n'), two.stdout.trimEnd().split('\n')];
  t.is(pythons.length, cases.length, one.stderr);
  t.is(javas.length, cases.length * 2, two.stderr);
  return cases.map((_, index) => ({ python: pythons[index] ?? '', stream: javas[index * 2] ?? '', directory: javas[index * 2 + 1] ?? '' }));
}

/** All readers see the same members with the same content, and none refuses. */
const agree = ({ python, stream, directory }: Answer) => python === stream && stream === directory && !python.startsWith('!');

function judge(t: ExecutionContext, cases: readonly Case[], answers: readonly Answer[]) {
  const table = new Map<string, number>();
  for (const [index, answer] of answers.entries()) {
    const { name = '', bytes = new Uint8Array(), file = '' } = cases[index] ?? {};
    const verdict = verdictOf(bytes, file);
    const key = `${agree(answer) ? 'readers agree' : [answer.python, answer.stream, answer.directory].every(seen => seen.startsWith('!')) ? 'all refuse' : 'readers differ'} → ${verdict}`;
    table.set(key, (table.get(key) ?? 0) + 1);
    if (!agree(answer)) t.not(verdict, 'clean', `${name}: ${JSON.stringify(answer)}`);
  }
  for (const [key, count] of [...table].sort()) t.log(key, count);
  return table;
}

const descriptor = (() => {
  const entry = Buffer.from(zipFile([other]));
  return Buffer.concat([Buffer.from('PK\x07\x08', 'latin1'), entry.subarray(14, 18), little(entry.readUInt32LE(18), 4), little(entry.readUInt32LE(22), 4)]);
})();
const honest: readonly Uint8Array[] = [zipFile([json, other]), zipFile([{ ...later, descriptor }, json]), zipFile([json, { name: 'd/' }, { name: 'd/c.json', content: '[]', deflate: true }], { zip64: {}, comment: 'x' })];

testWith(['mxnet', 'java'], 'no hostile archive is clean that two readers see differently, or one refuses', async t => {
  const answers = await ask(t, hostileZips);
  const table = judge(t, hostileZips, answers);
  t.true((table.get('readers differ → suspicious') ?? 0) > 15);
});

testWith(['mxnet', 'java'], 'no archive with one byte changed is clean that two readers see differently, or one refuses', async t => {
  const cases = honest.flatMap((bytes, index) => [...bytes.keys()].flatMap(at => [1, 0x80, 0xff].map((flip): Case => ({ name: `${index} at ${at} by ${flip}`, file: 'a.zip', bytes: bytes.with(at, (bytes[at] ?? 0) ^ flip) }))));
  judge(t, cases, await ask(t, cases));
});

testWith(['mxnet', 'java'], 'no archive with a piece moved or left out is clean that two readers see differently, or one refuses', async t => {
  const cases = honest.flatMap((bytes, index) => Array.from({ length: 250 }, (_, round): Case => {
    const [from, length, to] = [round * 7_919 % bytes.length, round * 31 % 60, round * 104_729 % bytes.length];
    const piece = bytes.subarray(from, from + length);
    const rest = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
    return { name: `${index} round ${round}`, file: 'a.zip', bytes: Uint8Array.from(round % 3 === 0 ? rest : Buffer.concat([rest.subarray(0, to), piece, rest.subarray(to)])) };
  }));
  judge(t, cases, await ask(t, cases));
});

testWith(['mxnet', 'java'], 'the honest archives that are changed are seen alike by all readers, and are clean', async t => {
  const cases = honest.map((bytes, index): Case => ({ name: `${index}`, file: 'a.zip', bytes }));
  (await ask(t, cases)).forEach((answer, index) => {
    t.true(agree(answer), JSON.stringify(answer));
    t.is(verdictOf(honest[index] ?? new Uint8Array()), 'clean');
  });
});

test('the stand-in for content does not make an archive clean by itself', t => {
  t.not(verdictOf(zipFile([json], { trailing: 'x' })), 'clean');
});
