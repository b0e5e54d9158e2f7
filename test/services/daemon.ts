import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { tethered } from './run.ts';

export type DaemonPlan = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Its stdout and stderr are appended here. */
  readonly logFile: string;
  /** It is ready when a line with this text is in the log. */
  readonly readyText: string;
  /** Called before each start. */
  readonly prepare?: () => Promise<void>;
};

/** What a test can do to a real server. Every call resolves when the effect is there; calls on one that is down do nothing. */
export type Power = {
  /** SIGKILL: a crash. */
  kill(): Promise<void>;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>;
  /** SIGSTOP: it hangs, its ports stay open. */
  pause(): void;
  resume(): void;
  /** Starts it again, on the same ports and data; stops it first if it runs. */
  restart(): Promise<void>;
};

const isStopped = (pid: number): boolean => readdirSync(`/proc/${pid}/task`).every(tid => /^\d+ \(.*\) T/s.test(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1')));

const startMs = 60_000;
const stopMs = 30_000;

/**
 * Owns: one child process and its log file. Must not own: its data folder.
 * The child dies with the thread that started it, so a killed test run leaves nothing behind.
 */
export class Daemon implements Power, AsyncDisposable {
  readonly #plan: DaemonPlan;
  #child: ChildProcess | null = null;

  private constructor(plan: DaemonPlan) { this.#plan = plan; }

  static async start(plan: DaemonPlan): Promise<Daemon> {
    const daemon = new Daemon(plan);
    await daemon.#start();
    return daemon;
  }

  get pid(): number | null { return this.#running()?.pid ?? null; }
  get log(): string { return readFileSync(this.#plan.logFile, 'utf8'); }

  async kill(): Promise<void> { await this.#end('SIGKILL'); }

  async stop(): Promise<void> {
    this.resume();
    await this.#end('SIGTERM');
  }

  pause(): void {
    const child = this.#running();
    if (child?.pid === undefined) return;
    child.kill('SIGSTOP');
    // On a busy machine some of its threads go on for a moment.
    for (const end = performance.now() + 10_000; performance.now() < end && !isStopped(child.pid);) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  resume(): void { this.#running()?.kill('SIGCONT'); }

  async restart(): Promise<void> {
    await this.stop();
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> { await this.kill(); }

  #running(): ChildProcess | null {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null ? child : null;
  }

  async #start(): Promise<void> {
    await this.#plan.prepare?.();
    const { command, args, cwd, logFile, readyText } = this.#plan;
    const log = openSync(logFile, 'a');
    const alreadyThere = statSync(logFile).size;
    const child = spawn(...tethered(command, args), { cwd, stdio: ['ignore', log, log] });
    closeSync(log);
    child.unref(); // A test that forgot to dispose of it ends all the same, and the kernel ends the server.
    this.#child = child;
    await once(child, 'spawn');
    const news = () => readFileSync(logFile).subarray(alreadyThere).toString();
    for (const deadline = Date.now() + startMs; !news().includes(readyText); await delay(25)) {
      const why = this.#running() === null ? 'ended while starting' : Date.now() > deadline ? 'did not become ready' : null;
      if (why === null) continue;
      await this.kill();
      throw new Error(`${command} ${why}\n${news().slice(-4_000)}`);
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#running();
    if (child === null) return;
    child.ref();
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = await Promise.race([ended, delay(stopMs, 'late' as const, { ref: false })]);
    if (late !== 'late') return;
    child.kill('SIGKILL');
    await ended;
    throw new Error(`${this.#plan.command} did not end within ${stopMs} ms of ${signal}`);
  }
}
