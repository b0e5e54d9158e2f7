import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Log } from './contract/component.ts';
import { UnavailableError } from './contract/errors.ts';

/** What a running agent tells of itself; version 1 of this shape is an interface. */
export interface Status {
  readonly version: 1;
  readonly agent: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly armedAt: number | null;
  readonly collectors: readonly { readonly name: string; readonly state: string; readonly reason: string | null; readonly restarts: number; readonly sees: string | null; readonly blind: readonly string[] }[];
  readonly processes: number;
  readonly events: { readonly emitted: number; readonly waiting: number; readonly dropped: number; readonly lost: number };
  readonly detectors: { readonly on: readonly string[]; readonly failures: number; readonly findings: number };
  readonly incidents: { readonly open: number; readonly suppressed: number };
  readonly inspector: { readonly waiting: number; readonly inspected: number; readonly unread: number };
  readonly sinks: readonly SinkStatus[];
  /** Why nothing can be stored at the moment; null when it can. */
  readonly storeFailure: string | null;
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

/** One forwarder's delivery. */
export interface SinkStatus {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly pending: number;
  readonly dead: number;
  readonly oldestAt: number | null;
  readonly lastSuccessAt: number | null;
}

const socketName = 'agent.sock';
const longestAnswer = 1_048_576;
/** Path length that a unix socket address holds, sockaddr_un in unix(7). */
const longestPath = 107;

/** Answers whoever may enter the state directory, on a unix socket of mode 0600; one JSON object, then the end. */
export async function serveStatus(stateDirectory: string, status: () => Status, log: Log): Promise<AsyncDisposable> {
  const path = join(stateDirectory, socketName);
  if (Buffer.byteLength(path) > longestPath) {
    log.warn('the state directory\'s path is too long for a socket: `mxwarden status` will not work', { path });
    return { async [Symbol.asyncDispose]() {} };
  }
  // The directory is held by this process alone: a socket there is of one that is gone.
  rmSync(path, { force: true });
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(2_000, () => socket.destroy());
    socket.end(`${JSON.stringify(status())}\n`);
  });
  server.maxConnections = 16;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  chmodSync(path, 0o600);
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      await new Promise<void>(resolve => server.close(() => resolve()));
      rmSync(path, { force: true });
    },
  };
}

/** Asks the running agent. Throws UnavailableError when none answers. */
export async function askStatus(stateDirectory: string, timeoutMs = 3_000): Promise<Status> {
  const path = join(stateDirectory, socketName);
  const text = await new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    const fail = (why: string) => { socket.destroy(); reject(new UnavailableError(`no agent answers at ${path}: ${why}`)); };
    socket.setTimeout(timeoutMs, () => fail(`nothing came within ${timeoutMs} ms`));
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => { answer += piece; if (answer.length > longestAnswer) fail('its answer is too long'); });
    socket.on('end', () => resolve(answer));
    socket.on('error', error => fail('code' in error ? String(error.code) : error.message));
  });
  return JSON.parse(text) as Status;
}
