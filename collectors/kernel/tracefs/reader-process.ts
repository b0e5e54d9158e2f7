import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { Socket } from 'node:net';
import { dirname, extname, join } from 'node:path';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { onlineCpus } from './channel.ts';
import { type Command, encode, type ReaderSetup, receive, type Reply } from './wire.ts';

const mostSeats = 1_000;
/** For what the reader reads beside the buffers: four looks into /proc, two filters being written. */
const otherSeats = 6;
const flags = ['--max-semi-space-size=1', '--max-old-space-size=64', '--v8-pool-size=0', '--disable-warning=ExperimentalWarning'];
const silentForMs = 10_000;
const askEveryMs = 5_000;

export interface Reader {
  readonly pid: number;
  /** Resolves when it has ended, also when it was we who killed it, and says how. */
  readonly ended: Promise<string>;
  hear(listener: (reply: Reply) => void): void;
  send(command: Command): void;
  /** Resolves when the reader has done it; rejects when the reader ends first. */
  ask(command: (id: number) => Command): Promise<void>;
  kill(): Promise<void>;
}

/** Starts the process that reads our ring buffers; kills it when, once it has spoken, it says nothing for ten seconds. */
export async function startReader(host: HostPaths): Promise<Reader> {
  // Two instances are read by waiting, one thread for each processor in each.
  const seats = Math.min(mostSeats, 2 * onlineCpus(host.sys).length);
  const setup: ReaderSetup = { proc: host.proc, sys: host.sys, seats };
  const program = join(import.meta.dirname, `reader${extname(import.meta.filename)}`);
  // With the agent's compile cache it starts in a third of the time and needs half the memory: no type stripper is loaded.
  const cache = getCompileCacheDir();
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(setup)], {
    env: { UV_THREADPOOL_SIZE: String(seats + otherSeats), ...cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) } },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'], cwd: '/',
  });
  const ended = endOf(child);
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  const listeners: ((reply: Reply) => void)[] = [];
  let asked = 0;
  /** Infinity until it has said anything at all: how long it may take to start is for others to say. */
  let heardAt = Infinity;
  const socket = child.stdio[3];
  if (!(socket instanceof Socket) || child.pid === undefined) throw new Error(`the reader process did not start: ${await ended}`);
  socket.on('error', () => { /* It ended: `ended` says how. */ });

  receive<Reply>(socket, reply => {
    heardAt = performance.now();
    if (reply.kind === 'done') { waiting.get(reply.id)?.resolve(); waiting.delete(reply.id); } else for (const listener of listeners) listener(reply);
  });
  const send = (command: Command): void => { if (socket.writable) socket.write(encode(command)); };
  const ask = (command: (id: number) => Command): Promise<void> => {
    const answer = Promise.withResolvers<void>();
    waiting.set(++asked, answer);
    send(command(asked));
    return answer.promise;
  };
  let beatAt = performance.now();
  const heartbeat = setInterval(() => {
    // When we ourselves were stopped, what it said meanwhile is still to be read.
    const wasAsleep = performance.now() - beatAt > 2 * askEveryMs;
    beatAt = performance.now();
    if (!wasAsleep && performance.now() - heardAt > silentForMs) { child.kill('SIGKILL'); return; }
    ask(id => ({ do: 'answer', id })).catch(() => { /* It ended: `ended` says so. */ });
  }, askEveryMs);
  void ended.then(why => {
    clearInterval(heartbeat);
    for (const answer of waiting.values()) answer.reject(new Error(`the reader process ended: ${why}`));
  });
  return { pid: child.pid, ended, hear: listener => { listeners.push(listener); }, send, ask, async kill() { child.kill('SIGKILL'); await ended; } };
}

function endOf(child: ChildProcess): Promise<string> {
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { last = (last + text).slice(-2_000); });
  return new Promise(resolve => {
    child.on('error', error => resolve(String(error)));
    child.on('close', (code, signal) => resolve([`${signal ?? `exit ${code}`}`, last.trim()].filter(Boolean).join(': ')));
  });
}
