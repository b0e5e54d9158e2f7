import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';

/** A process of its own that does something and stays until it is let go: what the agent itself does is not told. */
export interface Hands { readonly pid: number; letGo(): Promise<void> }

async function doing(t: ExecutionContext, child: ChildProcess): Promise<Hands> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const ended = once(child, 'exit');
  const letGo = async (): Promise<void> => { child.stdin?.end(); await ended; };
  t.teardown(letGo);
  await Promise.race([once(child.stdout ?? child, 'data'), ended.then(() => { throw new Error(`it ended before it was done: ${said}`); })]);
  return { pid: child.pid ?? 0, letGo };
}

/** By the shell, so that any user can; `first` is put before the shell, as in `unshare -m`. */
export const shell = (t: ExecutionContext, folder: string, script: string, options: { readonly uid?: number; readonly first?: readonly string[] } = {}): Promise<Hands> => {
  const [program = 'sh', ...rest] = [...options.first ?? [], 'sh', '-ec', `${script}\necho done; read _ || true`];
  return doing(t, spawn(program, rest, { cwd: folder, ...options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }, stdio: 'pipe' }));
};

export const python = (t: ExecutionContext, folder: string, script: string): Promise<Hands> =>
  doing(t, spawn('python3', ['-c', `import mmap, os, sys, time\n${script}\nprint('done', flush=True)\nsys.stdin.read()`], { cwd: folder, stdio: 'pipe' }));

export async function run(folder: string, program: string, ...words: readonly string[]): Promise<void> {
  const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit') as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}
