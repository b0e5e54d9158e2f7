import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from './contract/component.ts';
import { RetryableError, UnavailableError } from './contract/errors.ts';
import { severities } from './contract/finding.ts';
import type { RecentFinding } from './recent.ts';
import type { Status } from './status.ts';

/*
 * How a verb speaks with the running agent: one question and one answer, each a JSON object on a line, through a unix
 * socket of mode 0600 in the state directory. Whoever may enter that directory may ask.
 */

const filter = z.strictObject({
  sink: z.string().max(100).optional(), state: z.enum(['pending', 'dead']).optional(), severity: z.enum(severities).optional(),
  before: z.number().optional(), ids: z.array(z.string().max(1_000)).max(10_000).optional(),
});
const question = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('status') }),
  z.strictObject({ ask: z.literal('findings'), since: z.number() }),
  z.strictObject({ ask: z.literal('outbox.retry'), filter }),
  z.strictObject({ ask: z.literal('outbox.drop'), filter }),
]);
export type Question = z.infer<typeof question>;
export type LetterFilter = z.infer<typeof filter>;

export interface Answers {
  status(): Status;
  /** The latest findings at or after a moment, oldest first; at most 1,000 are remembered. */
  findings(since: number): readonly RecentFinding[];
  /** How many dead letters wait again. */
  retry(filter: LetterFilter): number;
  /** How many were given up. */
  drop(filter: LetterFilter): number;
}

const socketName = 'agent.sock';
const longestQuestion = 1_048_576;
const longestAnswer = 16_777_216;
const patienceMs = 2_000;
/** Path length that a unix socket address holds, sockaddr_un in unix(7). */
const longestPath = 107;

export async function serveControl(stateDirectory: string, answers: Answers, log: Log): Promise<AsyncDisposable> {
  const path = join(stateDirectory, socketName);
  if (Buffer.byteLength(path) > longestPath) {
    log.warn('the state directory\'s path is too long for a socket: `mxwarden status` will not work', { path });
    return { async [Symbol.asyncDispose]() {} };
  }
  // The directory is held by this process alone: a socket there is of one that is gone.
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, socket => serve(socket, answers, log));
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

function serve(socket: Socket, answers: Answers, log: Log) {
  let asked = '';
  socket.on('error', () => socket.destroy());
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => {
    asked += piece;
    if (asked.length > longestQuestion) { socket.destroy(); return; }
    const end = asked.indexOf('\n');
    if (end < 0) return;
    socket.pause();
    socket.end(`${JSON.stringify(reply(asked.slice(0, end), answers, log))}\n`);
  });
}

type Reply = { readonly answer: unknown } | { readonly error: string };

function reply(line: string, answers: Answers, log: Log): Reply {
  const parsed = question.safeParse(parse(line));
  if (!parsed.success) return { error: `the agent does not understand the question: ${z.prettifyError(parsed.error)}` };
  try { return { answer: answer(parsed.data, answers) }; } catch (error) {
    if (error instanceof RetryableError) return { error: error.message };
    log.error('a question could not be answered', { ask: parsed.data.ask, error });
    return { error: 'the agent failed over the question; its log says why' };
  }
}

function parse(line: string): unknown {
  try { return JSON.parse(line); } catch { return null; /* No JSON is no question either. */ }
}

function answer(asked: Question, answers: Answers): unknown {
  switch (asked.ask) {
    case 'status': return answers.status();
    case 'findings': return answers.findings(asked.since);
    case 'outbox.retry': return answers.retry(asked.filter);
    case 'outbox.drop': return answers.drop(asked.filter);
    default: return asked satisfies never;
  }
}

/** Asks the running agent. Throws UnavailableError when none answers, or when it cannot. */
export async function ask(stateDirectory: string, asked: { readonly ask: 'status' }, timeoutMs?: number): Promise<Status>;
export async function ask(stateDirectory: string, asked: { readonly ask: 'findings'; readonly since: number }, timeoutMs?: number): Promise<readonly RecentFinding[]>;
export async function ask(stateDirectory: string, asked: { readonly ask: 'outbox.retry' | 'outbox.drop'; readonly filter: LetterFilter }, timeoutMs?: number): Promise<number>;
export async function ask(stateDirectory: string, asked: Question, timeoutMs = 3_000): Promise<unknown> {
  const path = join(stateDirectory, socketName);
  const text = await new Promise<string>((resolve, reject) => {
    let said = '';
    const socket = connect(path);
    const fail = (why: string) => { socket.destroy(); reject(new UnavailableError(`no agent answers at ${path}: ${why}`)); };
    socket.setTimeout(timeoutMs, () => fail(`nothing came within ${timeoutMs} ms`));
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(asked)}\n`));
    socket.on('data', (piece: string) => { said += piece; if (said.length > longestAnswer) fail('its answer is too long'); });
    socket.on('end', () => { socket.end(); resolve(said); });
    socket.on('error', error => fail('code' in error ? String(error.code) : error.message));
  });
  const replied = parse(text) as Reply | null;
  if (replied === null) throw new UnavailableError(`what answers at ${path} is no agent`);
  if ('error' in replied) throw new UnavailableError(replied.error);
  return replied.answer;
}
