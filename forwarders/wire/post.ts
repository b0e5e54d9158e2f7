import { once } from 'node:events';
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { TlsMaterial } from './tls.ts';

export interface HttpAnswer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Uint8Array }
export interface PostClient extends Disposable {
  /** One POST on a kept connection. Rejects with the socket's error, or an AbortError when `signal` says stop. */
  post(headers: Readonly<Record<string, string>>, body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer>;
}
/** More of an answer is not read: what OTLP has to say is short. */
const maxAnswerBytes = 65_536;

export function openPost(url: URL, tls: TlsMaterial): PostClient {
  const secure = url.protocol === 'https:';
  const agent = secure ? new TlsAgent({ keepAlive: true, maxSockets: 1, ...tls }) : new PlainAgent({ keepAlive: true, maxSockets: 1 });
  const send = secure ? tlsRequest : plainRequest;
  return {
    async post(headers, body, signal) {
      const options: RequestOptions = { method: 'POST', agent, signal, headers: { ...headers, 'content-length': body.byteLength } };
      const request = send(url, options);
      // A receiver may answer and hang up before it has read everything: then the answer counts, not the write that failed.
      // An error before the answer rejects below.
      request.on('error', () => {});
      const answered = once(request, 'response');
      request.end(body);
      const [response] = await answered;
      return { status: response.statusCode ?? 0, headers: response.headers, body: await readBody(response) };
    },
    [Symbol.dispose]() { agent.destroy(); },
  };
}

async function readBody(response: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part);
    length += part.byteLength;
    if (length > maxAnswerBytes) break;
  }
  return Buffer.concat(parts).subarray(0, maxAnswerBytes);
}
