import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canaryVariable } from '../../fixtures/hostile/pickle.ts';
import { runPython } from '../../services/mxnet.ts';

/** The function that such a file is for. `np-arrays`: in numpy mode. */
export type Loader = 'arrays' | 'np-arrays' | 'symbol' | 'states' | 'numpy' | 'records';

export interface Subject {
  readonly name: string;
  /** What it is called. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly loader: Loader;
}

export interface Answer {
  readonly outcome: 'loaded' | 'refused' | 'crashed' | 'memory' | 'hung' | 'ran code';
  readonly detail: string;
}

/** As many as the smallest machine of ours has processors. */
const processes = 2;
/** Real MXNet takes one thread, so that no test takes the machine. */
const sparing = { OMP_NUM_THREADS: '1', MXNET_ENGINE_TYPE: 'NaiveEngine' };

/** What the real loaders do with each of these files, once, in limited children. */
export async function load(subjects: readonly Subject[]): Promise<readonly Answer[]> {
  const shares = Array.from({ length: processes }, (_, share) => subjects.filter((_subject, index) => index % processes === share));
  const answers = await Promise.all(shares.map(loadShare));
  return subjects.map((_, index) => answers[index % processes]?.[Math.floor(index / processes)]).filter(answer => answer !== undefined);
}

async function loadShare(subjects: readonly Subject[]): Promise<readonly Answer[]> {
  if (subjects.length === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-load-'));
  try {
    await Promise.all(subjects.map(({ bytes }, index) => writeFile(join(folder, String(index)), bytes)));
    const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'confusion.py') }, {
      cwd: folder, timeoutMs: 115_000, env: { ...sparing, [canaryVariable]: join(folder, 'canary') },
      input: subjects.map(({ loader }, index) => `${JSON.stringify({ loader, path: join(folder, String(index)) })}\n`).join(''),
    });
    const answers = stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Answer);
    if (answers.length !== subjects.length) throw new Error(`${answers.length} answers for ${subjects.length} files\n${stderr.slice(-2_000)}`);
    return answers;
  } finally { await rm(folder, { recursive: true, force: true }); }
}
