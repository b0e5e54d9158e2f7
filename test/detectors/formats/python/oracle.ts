import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canaryVariable } from '../../../fixtures/hostile/pickle.ts';
import { runPython } from '../../../services/mxnet.ts';

export interface Answer { readonly name: string; readonly outcome: 'imported' | 'refused' | 'raised' | 'killed'; readonly ran: boolean }

/** What Python 3.11 does when it imports each source, in limited children. */
export async function importEach(cases: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<readonly Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-python-'));
  try {
    const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'import.py') }, {
      cwd: folder, timeoutMs: 300_000, env: { [canaryVariable]: join(folder, 'canary') },
      input: cases.map(({ name, bytes }) => `${JSON.stringify({ name, bytes: Buffer.from(bytes).toString('base64') })}\n`).join(''),
    });
    const answers = stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Answer);
    if (answers.length !== cases.length) throw new Error(`${answers.length} answers for ${cases.length} sources\n${stderr.slice(-2_000)}`);
    return answers;
  } finally { await rm(folder, { recursive: true, force: true }); }
}
