import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type RunOptions = {
  readonly cwd?: string;
  /** Laid over this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Runs as this user and the group of the same number; needs root. */
  readonly uid?: number;
  readonly input?: string;
  /** After this time the command and all its children are killed. Default: one minute. */
  readonly timeoutMs?: number;
};

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type Outcome = Exit & { readonly stdout: string; readonly stderr: string; readonly timedOut: boolean };

/** The kernel kills the command when the thread that started it ends, however it ends: no test leaves anything running. */
export const tethered = (command: string, args: readonly string[]): [string, string[]] =>
  ['setpriv', ['--pdeathsig', 'KILL', '--', command, ...args]];

export const identity = (uid: number | undefined): { uid?: number; gid?: number } => (uid === undefined ? {} : { uid, gid: uid });

export const onPath = (command: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try { accessSync(join(folder, command), constants.X_OK); return true; } catch { return false; }
  });

/** Output beyond this is cut off, so that a runaway command cannot take the tests' memory. */
const maxOutput = 16 * 1024 * 1024;
/** A grandchild may hold the pipes open after the command ended; nobody waits longer than this for it. */
const pipesGraceMs = 2_000;

/** Runs a command to its end. Rejects only when it cannot be started; a bad exit is a result. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(...tethered(command, args), {
      cwd: options.cwd, env: { ...process.env, ...options.env }, detached: true, stdio: 'pipe', ...identity(options.uid),
    });
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    const killAll = () => { try { process.kill(-(child.pid ?? 0), 'SIGKILL'); } catch { /* it ended by itself */ } };
    const timer = setTimeout(() => { timedOut = true; killAll(); }, options.timeoutMs ?? 60_000);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < maxOutput) output[name] += text;
      });
    }
    child.stdin.on('error', () => { /* it ended without reading its input */ });
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => { clearTimeout(timer); reject(error); });
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, signal, timedOut, ...output });
    };
    child.on('exit', (code, signal) => setTimeout(finish, pipesGraceMs, code, signal).unref());
    child.on('close', finish);
  });
}

/** Runs a command that has to succeed; the error carries the end of what it said. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr, timedOut } = await run(command, args, options);
  if (code === 0) return stdout;
  const reason = timedOut ? 'took too long' : `ended with ${signal ?? code}`;
  throw new Error(`${command} ${args.join(' ')} ${reason}\n${`${stdout}\n${stderr}`.trim().slice(-2_000)}`);
}
