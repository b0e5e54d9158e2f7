import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { type Answers, ask, serveControl } from '../../agent/control.ts';
import { RetryableError, UnavailableError } from '../../agent/contract/errors.ts';
import { finding } from '../builders.ts';
import { folder, notebook } from './store/drafts.ts';

async function serve(t: ExecutionContext, answers: Partial<Answers>) {
  const directory = folder(t);
  const log = notebook();
  const unexpected = () => { throw new TypeError('nobody asked for this'); };
  const server = await serveControl(directory, { status: unexpected, findings: unexpected, retry: unexpected, drop: unexpected, ...answers }, log);
  t.teardown(() => server[Symbol.asyncDispose]());
  return { directory, log };
}

const raw = (directory: string, sent: string | Buffer) => new Promise<string>((resolve, reject) => {
  let said = '';
  const socket = connect(join(directory, 'agent.sock'));
  socket.setEncoding('utf8').on('data', (piece: string) => { said += piece; }).on('close', () => resolve(said)).on('error', reject);
  socket.end(sent);
});

test('a question is answered, and the socket is for its owner alone', async t => {
  const { directory } = await serve(t, { findings: since => [{ ...finding({ at: since }), toldAt: since, collector: 'exec', level: null, processes: [], path: null }], retry: filter => filter.ids?.length ?? 0 });
  t.is((await ask(directory, { ask: 'findings', since: 7 }))[0]?.at, 7);
  t.is(await ask(directory, { ask: 'outbox.retry', filter: { sink: 'kafka', ids: ['a', 'b'] } }), 2);
  t.is(statSync(join(directory, 'agent.sock')).mode & 0o777, 0o600);
});

test('what is no question gets an answer that says so, and nothing is done', async t => {
  const { directory } = await serve(t, {});
  for (const sent of ['{"ask":"reboot"}\n', 'null\n', '[]\n', '{"ask":"outbox.drop","filter":{"sink":1}}\n', '{"ask":"outbox.drop","filter":{},"more":1}\n', '\n', '\xff\xfe\n']) {
    t.regex(await raw(directory, sent), /^\{"error":"the agent does not understand/, sent);
  }
});

test('a question without an end, or longer than a mebibyte, is cut off', async t => {
  const { directory } = await serve(t, {});
  t.is(await raw(directory, Buffer.alloc(1_200_000, 'x')).catch(() => ''), '');
  t.is(await raw(directory, '{"ask":"sta'), '');
});

test('a failure comes out as words, a bug only in the log', async t => {
  const { directory, log } = await serve(t, { drop: () => { throw new RetryableError('the disk is full'); } });
  await t.throwsAsync(ask(directory, { ask: 'outbox.drop', filter: {} }), { instanceOf: UnavailableError, message: 'the disk is full' });
  await t.throwsAsync(ask(directory, { ask: 'status' }), { instanceOf: UnavailableError, message: /its log says why/ });
  t.is(log.lines.filter(({ level }) => level === 'error').length, 1);
});
