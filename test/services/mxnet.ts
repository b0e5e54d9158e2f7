import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { installed } from './cache.ts';
import { parts } from './parts.ts';
import type { Exit, Outcome, RunOptions } from './run.ts';
import { identity, run, tethered } from './run.ts';

export type MXNet = {
  readonly python: string;
  /** The real libmxnet.so, the file on which kernel probes sit. */
  readonly library: string;
};

/** Python source, or a file with arguments. */
export type Program = string | { readonly file: string; readonly args?: readonly string[] };

/** A Python that can `import mxnet` (1.9.1). */
export async function mxnet(): Promise<MXNet> {
  const folder = installed(parts.mxnet);
  return { python: join(folder, 'bin/python'), library: join(folder, 'lib/python3.11/site-packages/mxnet/libmxnet.so') };
}

const argsOf = (program: Program): string[] =>
  typeof program === 'string' ? ['-c', program] : [program.file, ...(program.args ?? [])];

/** Runs a program to its end. A crash or a timeout is a result, not an error. */
export async function runPython(program: Program, options: RunOptions = {}): Promise<Outcome> {
  return await run((await mxnet()).python, argsOf(program), options);
}

export type PythonProcess = AsyncDisposable & {
  /** Until the program has said its first line, /proc may still show the process that becomes Python. */
  readonly pid: number;
  send(line: string): void;
  /** The next line of stdout. Rejects, with stderr, when the program ends or the time is over. */
  read(timeoutMs?: number): Promise<string>;
  stderr(): string;
  kill(signal?: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
};

/** A program that goes on: lines in on stdin, lines out on stdout. Killed when disposed of. */
export async function spawnPython(program: Program, options: Omit<RunOptions, 'input' | 'timeoutMs'> = {}): Promise<PythonProcess> {
  const { python } = await mxnet();
  const child = spawn(...tethered(python, ['-u', ...argsOf(program)]), {
    cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: 'pipe', ...identity(options.uid),
  });
  const exited = once(child, 'exit').then(([code, signal]): Exit => ({ code, signal }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-1_000_000); });
  child.stdin.on('error', () => { /* it ended: `read` and `exited` say so */ });
  await once(child, 'spawn');

  return {
    pid: child.pid as number,
    exited,
    send(line) { child.stdin.write(`${line}\n`); },
    async read(timeoutMs = 30_000) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => { late.reject(new Error(`Python said nothing for ${timeoutMs} ms\n${stderr}`)); }, timeoutMs);
      try {
        const next = await Promise.race([lines.next(), late.promise]);
        if (next.done) throw new Error(`Python ended: ${JSON.stringify(await exited)}\n${stderr}`);
        return next.value;
      } finally { clearTimeout(timer); }
    },
    stderr: () => stderr,
    kill(signal = 'SIGKILL') { child.kill(signal); },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}
