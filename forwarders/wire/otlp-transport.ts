import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ServiceError } from '@grpc/grpc-js';
import type { Answer, ParseResponse } from './otlp-answers.ts';
import { judgeGrpcStatus, judgeHttpAnswer, judgeHttpError, judgePartialSuccess, retryInfoMs } from './otlp-answers.ts';
import type { TlsMaterial } from './tls.ts';
import type { Quote } from './verdict.ts';

/** One connection to a receiver of OTLP logs. */
export interface Transport extends Disposable {
  /** Sends one ExportLogsServiceRequest of `count` records and says what became of it; rejects never. */
  exchange(request: Uint8Array, count: number, signal: AbortSignal): Promise<Answer>;
}
export interface TransportPlan {
  readonly url: URL;
  /** Of the request, for HTTP. */
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  readonly timeoutMs: number;
  readonly gzip: boolean;
  readonly parse: ParseResponse;
  readonly quote: Quote;
}

const compress = promisify(gzip);

/** Node's HTTP client and gRPC cost megabytes: each is loaded only by who speaks it. */
export async function openHttp({ url, contentType, headers, tls, timeoutMs, gzip: zipped, parse, quote }: TransportPlan): Promise<Transport> {
  const { openPost } = await import('./post.ts');
  const client = openPost(url, tls);
  const fixed = { ...headers, 'content-type': contentType, 'user-agent': 'mxwarden', ...(zipped ? { 'content-encoding': 'gzip' } : {}) };
  return {
    async exchange(request, count, signal) {
      const body = zipped ? await compress(request) : request;
      try {
        const answer = await client.post(fixed, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
        return judgeHttpAnswer(answer, count, parse, quote, Date.now());
      } catch (error) {
        return judgeHttpError(error, quote);
      }
    },
    [Symbol.dispose]() { client[Symbol.dispose](); },
  };
}

const exportMethod = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const gzipAlgorithm = 2;

export async function openGrpc({ url, headers, tls, timeoutMs, gzip: zipped, parse, quote }: TransportPlan): Promise<Transport> {
  const grpc = await import('@grpc/grpc-js');
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const credentials = url.protocol === 'https:'
    ? grpc.credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert))
    : grpc.credentials.createInsecure();
  const client = new grpc.Client(url.host.includes(':') ? url.host : `${url.host}:${url.protocol === 'https:' ? 443 : 80}`, credentials, {
    'grpc.enable_http_proxy': 0, 'grpc.max_reconnect_backoff_ms': 10_000,
    ...(zipped ? { 'grpc.default_compression_algorithm': gzipAlgorithm } : {}),
  });
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const identity = (bytes: Buffer): Buffer => bytes;
  const judge = (error: ServiceError): Answer => {
    const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
    return judgeGrpcStatus(error.code, error.details ?? error.message, details instanceof Uint8Array ? retryInfoMs(details) : undefined, quote);
  };
  return {
    exchange(request, count, signal) {
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
      const call = client.makeUnaryRequest(exportMethod, identity, identity, bytes, metadata, { deadline: Date.now() + timeoutMs }, (error, response) => {
        signal.removeEventListener('abort', cancel);
        if (error) { resolve(judge(error)); return; }
        try { resolve(judgePartialSuccess(parse(response ?? new Uint8Array()), count, quote)); } catch {
          resolve(judgeGrpcStatus(12, 'the answer is no OTLP response', undefined, quote));
        }
      });
      const cancel = (): void => { call.cancel(); };
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      return promise;
    },
    [Symbol.dispose]() { client.close(); },
  };
}
