import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { refOf } from '../../collectors/kernel/procfs/describe.ts';
import type { HostPaths } from '../contract/component.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { ProcessRef } from '../contract/process.ts';
import type { Stage } from './stage.ts';

const answer = z.union([
  z.object({ begun: z.number(), about: z.string().max(1_000).optional() }),
  z.object({ cannot: z.string().max(10_000) }),
]);
export type Answer = z.infer<typeof answer>;

/** A process of actor.py. Disposing ends it and all its children. */
export interface Player extends AsyncDisposable {
  readonly ref: ProcessRef;
  /** What it acts with, in words: `MXNet 1.9.1`. */
  readonly about: string;
  readonly isAlive: boolean;
  /** Never rejects: what went wrong is an answer. `load`: the harmless model first. */
  act(source: string, load: boolean): Promise<Answer>;
}

const startMs = 120_000;
const actMs = 60_000;
const mostWords = 1_000;

/**
 * `library`: a stand-in, `mxnet` for the package of this Python, null for a bystander. Throws UnavailableError with what
 * the process said when it cannot begin. The signal ends it, at whatever it is.
 */
export async function startPlayer(python: string, stage: Stage, library: string | null, host: HostPaths, signal: AbortSignal): Promise<Player> {
  const words = ['-u', library === null ? stage.scripts.bystander : stage.scripts.actor, stage.folder, stage.shared, stage.models, ...library === null ? [] : [library]];
  const child = spawn(python, words, { cwd: stage.folder, detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  const interrupt = () => end(child);
  signal.addEventListener('abort', interrupt);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-mostWords); });
  child.stdin.on('error', () => { /* It ended: its exit says so. */ });
  const exited = new Promise<void>(resolve => { child.once('exit', () => resolve()); child.once('error', () => resolve()); });
  const started = await Promise.race([once(child, 'spawn').then(() => null), once(child, 'error').then(([error]) => error as NodeJS.ErrnoException)]);
  if (started !== null) throw new UnavailableError(`${python} cannot be started (${started.code ?? started.message}): acting needs Python 3; name it by --python PATH`);
  if (signal.aborted) end(child);
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  const isAlive = () => child.exitCode === null && child.signalCode === null;

  async function hear(timeoutMs: number): Promise<Answer> {
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), timeoutMs);
    const next = await Promise.race([lines.next(), late.promise]);
    clearTimeout(timer);
    if (next === null || next.done) { end(child); await exited; }
    if (next === null) return { cannot: `nothing came of it within ${timeoutMs / 1_000} s` };
    if (next.done) return { cannot: `its process ended: ${said.trim() || `${child.signalCode ?? child.exitCode}`}` };
    const parsed = answer.safeParse(parse(next.value));
    return parsed.success ? parsed.data : { cannot: 'its process answered in words that are not ours' };
  }

  const first = await hear(startMs);
  const ref = child.pid === undefined ? null : refOf(host, child.pid);
  if ('cannot' in first || ref === null) {
    end(child);
    await exited;
    throw new UnavailableError(`${python} cannot act: ${'cannot' in first ? first.cannot : 'its process ended'}`);
  }
  return {
    ref, about: first.about ?? '',
    get isAlive() { return isAlive(); },
    async act(source, load) {
      if (!isAlive()) return { cannot: 'its process has ended' };
      child.stdin.write(`${JSON.stringify({ act: source, load })}\n`);
      return await hear(actMs);
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', interrupt);
      end(child);
      await exited;
    },
  };
}

/** Its process group: all that it started. */
function end(child: ChildProcess) {
  try { if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL'); } catch { /* All of them have ended. */ }
}

function parse(line: string): unknown {
  try { return JSON.parse(line); } catch { return null; }
}
