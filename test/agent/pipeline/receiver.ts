import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { RejectedError, RetryableError } from '../../../agent/contract/errors.ts';
import type { Envelope, Sink } from '../../../agent/contract/forwarder.ts';

/** How a receiver answers a batch: a status, or nothing at all ('drop' cuts the line, 'hang' leaves it open). */
export type Answer = number | 'drop' | 'hang';

export interface Receiver {
  readonly url: string;
  /** Each batch as it came in, whatever was answered. */
  readonly batches: Envelope[][];
  /** Those answered with 200. */
  readonly taken: Envelope[];
}

/** A far side on a loopback port. `answer` is asked for each batch. */
export async function receiver(t: ExecutionContext, answer: (batch: readonly Envelope[], nth: number) => Answer): Promise<Receiver> {
  const batches: Envelope[][] = [];
  const taken: Envelope[] = [];
  const reply = (batch: Envelope[], response: ServerResponse) => {
    batches.push(batch);
    const said = answer(batch, batches.length);
    if (said === 'hang') return;
    if (said === 'drop') { response.destroy(); return; }
    if (said === 200) taken.push(...batch);
    response.writeHead(said).end();
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => reply(JSON.parse(Buffer.concat(chunks).toString()), response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, batches, taken };
}

/** A sink that posts a batch as JSON. 422 refuses those whose severity is 'info'. */
export const poster = (url: string): Sink => ({
  async send(batch, signal) {
    let status: number;
    try {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(batch), signal });
      await response.arrayBuffer();
      status = response.status;
    } catch (error) {
      if (signal.aborted) throw error;
      throw new RetryableError('no connection', { cause: error });
    }
    if (status === 422) throw new RejectedError('not wanted', batch.filter(({ type, body }) => type === 'incident' && body.severity === 'info').map(({ id }) => id));
    if (status !== 200) throw new RetryableError(`status ${status}`);
  },
  async [Symbol.asyncDispose]() {},
});
