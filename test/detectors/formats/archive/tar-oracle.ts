import { join } from 'node:path';
import { runPython } from '../../../services/mxnet.ts';

interface Reading { readonly names?: readonly string[]; readonly digest?: string; readonly error?: string | null }
/** What the readers made of one archive. */
export interface Answer {
  readonly name: string;
  readonly python: Reading;
  readonly gnu: Reading;
  /** Why Python did not unpack it. */
  readonly unpacked: string | null;
  /** What stands outside of the folder it was unpacked to, or leads there. */
  readonly outside: readonly string[];
}

export async function readTars(cases: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<readonly Answer[]> {
  const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'tar-oracle.py') }, {
    timeoutMs: 300_000, input: cases.map(({ name, bytes }) => `${JSON.stringify({ name, bytes: Buffer.from(bytes).toString('base64') })}\n`).join(''),
  });
  const answers = stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Answer);
  if (answers.length !== cases.length) throw new Error(`${answers.length} answers for ${cases.length} archives\n${stderr.slice(-2_000)}`);
  return answers;
}

/** Why this archive may not be called clean; null when both readers read the same and nothing left its folder. */
export function danger({ python, gnu, outside, unpacked }: Answer): string | null {
  if (outside.length > 0) return `leaves its folder: ${outside.join(', ')}`;
  if (python.error) return `Python refuses it: ${python.error}`;
  if (gnu.error) return `GNU tar complains: ${gnu.error.trim().split('\n')[0]}`;
  if (JSON.stringify(python.names) !== JSON.stringify(gnu.names)) return `read differently: ${JSON.stringify(python.names).slice(0, 200)} and ${JSON.stringify(gnu.names).slice(0, 200)}`;
  if (python.digest !== gnu.digest) return 'the same names, other contents';
  return unpacked ? `Python does not unpack it: ${unpacked}` : null;
}
