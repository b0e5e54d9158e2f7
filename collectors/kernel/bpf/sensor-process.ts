import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { Socket } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { type Order, receiveFrames, type Setup, type Sight, type Told } from './wire.ts';

const flags = ['--max-semi-space-size=1', '--max-old-space-size=64', '--v8-pool-size=0', '--disable-warning=ExperimentalWarning'];
const silentForMs = 10_000;
const askEveryMs = 5_000;
const readyWithinMs = 120_000;

export interface Refusal { readonly probe: number; readonly why: string }
/** What it said since it was ready, and records as the kernel wrote them; in the order of both. */
export interface Hearer { told(told: Told): void; records(bytes: Buffer): void }

export interface SensorProcess {
  readonly pid: number;
  readonly sights: readonly Sight[];
  /** Resolves when it has ended, also when it was we who killed it, and says how. */
  readonly ended: Promise<string>;
  send(order: Order): void;
  /** Resolves when the sensor has done it, and after all that it had read before; rejects when it ends first. */
  ask(order: (id: number) => Order): Promise<readonly Refusal[]>;
  kill(): Promise<void>;
}

/**
 * Starts the process that owns our programs in the kernel; resolves when these have shown that they work. It is killed when
 * it says nothing for ten seconds. Throws UnavailableError with the reason where they do not.
 */
export async function startSensor(setup: Setup, hearer: Hearer): Promise<SensorProcess> {
  if (process.geteuid?.() !== 0) throw new UnavailableError('programs in the kernel need root');
  const program = join(import.meta.dirname, `sensor${extname(import.meta.filename)}`);
  // With the agent's compile cache it starts in a third of the time and needs half the memory: no type stripper is loaded.
  const cache = getCompileCacheDir();
  const child = spawn(process.execPath, [...flags, program, JSON.stringify(setup)], {
    env: { UV_THREADPOOL_SIZE: '2', ...cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) } },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'], cwd: '/',
  });
  const ended = endOf(child);
  const socket = child.stdio[3];
  if (!(socket instanceof Socket) || child.pid === undefined) throw new UnavailableError(`the sensor process did not start: ${await ended}`);
  socket.on('error', () => { /* It ended: `ended` says how. */ });
  const waiting = new Map<number, PromiseWithResolvers<readonly Refusal[]>>();
  const ready = Promise.withResolvers<readonly Sight[]>();
  let asked = 0;
  let heardAt = performance.now();
  receiveFrames(socket, told => {
    heardAt = performance.now();
    switch (told.kind) {
      case 'ready': ready.resolve(told.sights); break;
      case 'unavailable': ready.reject(new UnavailableError(told.why)); break;
      case 'done': waiting.get(told.id)?.resolve(told.refused); waiting.delete(told.id); break;
      default: hearer.told(told);
    }
  }, bytes => { heardAt = performance.now(); hearer.records(bytes); });

  const send = (order: Order): void => { if (socket.writable) socket.write(`${JSON.stringify(order)}\n`); };
  const ask = (order: (id: number) => Order): Promise<readonly Refusal[]> => {
    const answer = Promise.withResolvers<readonly Refusal[]>();
    asked += 1;
    waiting.set(asked, answer);
    send(order(asked));
    return answer.promise;
  };
  void ended.then(why => {
    ready.reject(new UnavailableError(`the sensor process ended: ${why}`));
    for (const answer of waiting.values()) answer.reject(new Error(`the sensor process ended: ${why}`));
  });
  const kill = async (): Promise<void> => { child.kill('SIGKILL'); await ended; };
  const late = setTimeout(() => ready.reject(new UnavailableError('the sensor process did not get ready')), readyWithinMs);
  try {
    const sights = await ready.promise;
    keepAlive(child, ended, () => heardAt, () => { ask(id => ({ do: 'answer', id })).catch(() => { /* It ended: `ended` says so. */ }); });
    return { pid: child.pid, sights, ended, send, ask, kill };
  } catch (error) { await kill(); throw error; } finally { clearTimeout(late); }
}

function keepAlive(child: ChildProcess, ended: Promise<string>, heardAt: () => number, ask: () => void): void {
  let beatAt = performance.now();
  const heartbeat = setInterval(() => {
    // When we ourselves were stopped, what it said meanwhile is still to be read.
    const wasAsleep = performance.now() - beatAt > 2 * askEveryMs;
    beatAt = performance.now();
    if (!wasAsleep && performance.now() - heardAt() > silentForMs) child.kill('SIGKILL'); else ask();
  }, askEveryMs);
  void ended.then(() => clearInterval(heartbeat));
}

function endOf(child: ChildProcess): Promise<string> {
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { last = (last + text).slice(-2_000); });
  return new Promise(resolve => {
    child.on('error', error => resolve(String(error)));
    child.on('close', (code, signal) => resolve([`${signal ?? `exit ${code}`}`, last.trim()].filter(Boolean).join(': ')));
  });
}
