import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { RealPart } from '../../../services/missing.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { inspectBytes } from '../../inspect-bytes.ts';
import { honestHandlers } from '../python/handlers.ts';

/** Which part brings the tool, how it is called there, and how many archives it writes at least. */
const writers: readonly (readonly [called: string, part: RealPart, program: string, tool: string, least: number])[] = [
  ['Python and NumPy', 'mxnet', 'honest-zip.py', 'python', 13], ['Info-ZIP', 'zip', 'honest-zip.py', 'zip', 6], ['jar', 'java', 'honest-zip.py', 'jar', 2],
  ['GNU tar, Python and gzip', 'tar', 'honest-tar.py', 'tar', 38], ['bsdtar', 'bsdtar', 'honest-tar.py', 'bsdtar', 4],
];

for (const [called, part, program, tool, least] of writers) {
  testWith(['mxnet', part], `archives by ${called} are clean to the last byte`, async t => { await judge(t, program, tool, least); });
}

testWith(['mxnet'], 'a model archive of a real checkpoint with a handler for Multi Model Server is clean', async t => { await judge(t, 'honest-zip.py', 'served', 1); });
testWith(['mxnet', 'tar'], 'a model.tar.gz of a real checkpoint with code/inference.py for SageMaker is clean', async t => { await judge(t, 'honest-tar.py', 'served', 1); });

async function judge(t: ExecutionContext, program: string, written: string, least: number) {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-archives-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, source] of Object.entries(honestHandlers)) await writeFile(join(folder, name), source);
  const { code, stdout, stderr } = await runPython({ file: join(import.meta.dirname, program), args: [folder, written] });
  t.is(code, 0, stderr);
  const archives = stdout.trim().split('\n').map(line => JSON.parse(line) as { readonly tool: string; readonly path: string });
  t.true(archives.length >= least, `${archives.length} archives`);
  for (const { tool, path } of archives) {
    const { verdict, observations, coverage, format } = inspectBytes(basename(path), await readFile(path));
    t.deepEqual(observations.filter(({ severity }) => severity !== 'info').map(({ rule, summary }) => `${rule}: ${summary}`), [], tool);
    t.is(verdict, 'clean', `${tool}: ${JSON.stringify(coverage)}`);
    t.is(coverage.parsed, coverage.bytes, tool);
    t.is(format, formatOf(path), tool);
  }
}

const formatOf = (path: string): string => /numpy/.test(basename(path)) ? 'npz' : /\.(?:zip|mar)$/.test(path) ? 'zip' : path.endsWith('.tar') ? 'tar' : 'gzip';
