import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { Socket } from 'node:net';
import { dirname, extname, join } from 'node:path';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { type Command, createLines, encode, type Reply, type WatcherSetup } from './wire.ts';

const flags = ['--max-semi-space-size=1', '--max-old-space-size=64', '--v8-pool-size=0', '--disable-warning=ExperimentalWarning'];
const silentForMs = 10_000;
const askEveryMs = 3_000;
const startMs = 60_000;

export interface Watcher {
  readonly pid: number;
  /** Programs are looked at when they start: who is gone at once is mostly known. */
  readonly knowsBirths: boolean;
  /** Resolves when it has ended, also when it was we who ended it, and says how. */
  readonly ended: Promise<string>;
  send(command: Command): void;
  /** Resolves true when everything that happened before has been heard; false when it ends first. */
  settle(): Promise<boolean>;
  /** Ends it and resolves when it is gone: its marks go with it. */
  stop(): Promise<void>;
}

/**
 * Starts the watcher process and resolves once it is armed; UnavailableError when this host does not allow it. Kills it
 * when it says nothing for ten seconds.
 */
export async function startWatcher(host: HostPaths, hear: (reply: Reply) => void): Promise<Watcher> {
  const setup: WatcherSetup = { ...host, agent: process.pid };
  const program = join(import.meta.dirname, `watcher${extname(import.meta.filename)}`);
  const cache = getCompileCacheDir();
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(setup)], {
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'], cwd: '/',
  });
  const ended = endOf(child);
  const socket = child.stdio[3];
  if (!(socket instanceof Socket) || child.pid === undefined) throw new Error(`the process that watches files did not start: ${await ended}`);
  const ready = Promise.withResolvers<boolean>();
  const settling = new Map<number, (done: boolean) => void>();
  let asked = 0;
  let heardAt = Infinity; // How long it may take to start, `late` watches over.

  const take = createLines<Reply>(reply => {
    switch (reply.kind) {
      case 'ready': ready.resolve(reply.births); break;
      case 'unavailable': ready.reject(new UnavailableError(reasonOf(reply.error))); break;
      case 'settled': settling.get(reply.id)?.(true); settling.delete(reply.id); break;
      default: hear(reply);
    }
  });
  socket.setEncoding('utf8').on('data', (text: string) => {
    heardAt = performance.now();
    try { take(text); } catch { child.kill('SIGKILL'); } // not what we wrote: it is started anew
  });
  socket.on('error', () => { /* It ended: `ended` says how. */ });
  const send = (command: Command): void => { if (socket.writable) socket.write(encode(command)); };
  const settle = (): Promise<boolean> => new Promise(resolve => {
    settling.set(++asked, resolve);
    send({ do: 'settle', id: asked });
  });

  let beatAt = performance.now();
  const heartbeat = setInterval(() => {
    // When we ourselves were stopped, what it said meanwhile is still to be read.
    const wasAsleep = performance.now() - beatAt > 2 * askEveryMs;
    beatAt = performance.now();
    if (!wasAsleep && performance.now() - heardAt > silentForMs) { child.kill('SIGKILL'); return; }
    void settle();
  }, askEveryMs);
  const late = setTimeout(() => { child.kill('SIGKILL'); }, startMs);
  void ended.then(why => {
    clearInterval(heartbeat);
    clearTimeout(late);
    ready.reject(new Error(`the process that watches files ended: ${why}`));
    for (const resolve of settling.values()) resolve(false);
    settling.clear();
  });
  const knowsBirths = await ready.promise;
  clearTimeout(late);
  return { pid: child.pid, knowsBirths, ended, send, settle, async stop() { child.kill('SIGKILL'); await ended; } };
}

function reasonOf(code: string): string {
  switch (code) {
    case 'EPERM': return 'fanotify needs CAP_SYS_ADMIN';
    case 'EINVAL': return 'this kernel\'s fanotify does not say which process it was (Linux 5.15 and later do)';
    case 'ENOSYS': return 'this kernel has no fanotify';
    case 'EMFILE': return 'the limit of fanotify groups is reached: sysctl fs.fanotify.max_user_groups';
    default: return `fanotify: ${code}`;
  }
}

function endOf(child: ChildProcess): Promise<string> {
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { last = (last + text).slice(-2_000); });
  return new Promise(resolve => {
    child.on('error', error => resolve(String(error)));
    child.on('close', (code, signal) => resolve([`${signal ?? `exit ${code}`}`, last.trim()].filter(Boolean).join(': ')));
  });
}
