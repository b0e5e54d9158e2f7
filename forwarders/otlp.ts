import { isIP } from 'node:net';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { z } from 'zod';
import { ConfigError, RetryableError } from '../agent/contract/errors.ts';
import type { ForwarderPort, Sink } from '../agent/contract/forwarder.ts';
import { defineForwarder } from '../agent/contract/forwarder.ts';
import { encodeLogRecord, rememberOrigins } from './encode/otlp.ts';
import { courier, pack } from './wire/courier.ts';
import { otlpEnvironment } from './wire/otlp-environment.ts';
import type { Transport } from './wire/otlp-transport.ts';
import { openGrpc, openHttp } from './wire/otlp-transport.ts';
import { readTls, type TlsConfig, tlsConfig } from './wire/tls.ts';
import type { Refused } from './wire/verdict.ts';
import { errorOf, quoter, retry } from './wire/verdict.ts';

const ownHeaders = /^(grpc-|content-|host$|connection$|transfer-encoding$|te$)|-bin$/i;
const headerName = z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/i, { error: 'is no header name' })
  .refine(name => !ownHeaders.test(name), { error: 'is a header name that the protocol sets itself' });
const headerValue = z.string().regex(/^[\x20-\x7e]*$/, { error: 'must be printable ASCII on one line' });
const endpoint = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine(text => { const url = new URL(text); return url.username === '' && url.password === ''; }, { error: 'must hold no credentials: give them as headers' });

const shape = {
  protocol: z.enum(['http/protobuf', 'http/json', 'grpc']).optional().describe('Default http/protobuf'),
  endpoint: endpoint.optional().describe('Default http://127.0.0.1:4318, or http://127.0.0.1:4317 for grpc; /v1/logs is added for http'),
  headers: z.record(headerName, headerValue).optional().meta({ secret: true }),
  tls: tlsConfig.optional(),
  timeoutMs: z.int().min(100).max(300_000).optional().describe('Default 10000'),
  compression: z.enum(['gzip', 'none']).optional().describe('Default gzip'),
};
const reachable = ({ protocol, endpoint: text }: { readonly protocol?: string | undefined; readonly endpoint?: string | undefined }): boolean =>
  !(protocol === 'grpc' && text?.startsWith('https:') && isIP(new URL(text).hostname.replace(/^\[|\]$/g, '')) !== 0);
const unreachable = { path: ['endpoint'], error: 'gRPC with TLS cannot reach an IP address: write the host name that the certificate names, or use protocol http/protobuf' };
/** What is not given here comes from the environment, see `otlpEnvironment`, and then from the defaults. */
const config = z.strictObject(shape).refine(reachable, unreachable);
export type OtlpConfig = z.infer<typeof config>;

const complete = z.strictObject({ ...shape, exact: z.boolean().optional() }).refine(reachable, unreachable);
export interface OtlpSettings {
  readonly protocol: NonNullable<OtlpConfig['protocol']>;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsConfig;
  readonly timeoutMs: number;
  readonly compression: NonNullable<OtlpConfig['compression']>;
}

/** Configuration, then environment, then defaults. Throws ConfigError for a variable that cannot be what it says. */
export function settingsOf(given: OtlpConfig, env: Readonly<Record<string, string | undefined>>): OtlpSettings {
  const merged = complete.safeParse({ ...otlpEnvironment(env), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), ...given.endpoint && { exact: false } });
  if (!merged.success) throw new ConfigError(`otlp: the environment (OTEL_EXPORTER_OTLP_…) and the configuration together do not work: ${z.prettifyError(merged.error)}`);
  const { protocol = 'http/protobuf', endpoint: text, exact = false, headers = {}, tls = {}, timeoutMs = 10_000, compression = 'gzip' } = merged.data;
  return { protocol, url: urlOf(protocol, text, exact), headers, tls, timeoutMs, compression };
}

/** Alerts as OpenTelemetry log events, acknowledged one batch at a time by the receiver itself. */
export default defineForwarder({ name: 'otlp', optIn: true, config, open: openOtlp });

function urlOf(protocol: OtlpSettings['protocol'], text: string | undefined, exact: boolean): URL {
  const url = new URL(text ?? (protocol === 'grpc' ? 'http://127.0.0.1:4317' : 'http://127.0.0.1:4318'));
  if (protocol !== 'grpc' && !exact && !url.pathname.endsWith('/v1/logs')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/logs`;
  return url;
}

/** So often in a row may a receiver fail on a batch before single records come under suspicion. */
const patience = 5;

/** Owns: one transport, made at the first send and anew after the receiver turned out to be misconfigured. */
async function openOtlp(given: OtlpConfig, { log }: ForwarderPort): Promise<Sink> {
  const settings = settingsOf(given, process.env);
  const { url } = settings;
  // Loaded here and not above: the encoder costs some 8 MiB, which an agent without this forwarder does not pay.
  const [{ ProtobufLogsSerializer, JsonLogsSerializer }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/otlp-transformer'), import('@opentelemetry/resources')]);
  const serializer = settings.protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
  const originOf = rememberOrigins(resourceFromAttributes);
  const quote = quoter([...Object.values(settings.headers), ...Object.values(settings.headers).flatMap(value => value.split(' ').slice(1))]);
  if (url.protocol === 'http:' && Object.keys(settings.headers).length > 0 && !/^(localhost$|127\.|\[::1\]$)/.test(url.hostname)) {
    log.warn('otlp: headers without tls: whoever listens on the network can read them');
  }
  let transport: Transport | null = null;
  let failures = 0;

  async function connect(): Promise<Transport> {
    const plan = {
      url, contentType: settings.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf', headers: settings.headers, tls: await readTls(settings.tls), timeoutMs: settings.timeoutMs, gzip: settings.compression === 'gzip',
      parse: (body: Uint8Array) => serializer.deserializeResponse(body), quote,
    };
    return settings.protocol === 'grpc' ? openGrpc(plan) : openHttp(plan);
  }

  const deliver = courier<ReadableLogRecord>(async (parcels, signal): Promise<Refused | null> => {
    transport ??= await connect();
    const request = serializer.serializeRequest(parcels.map(({ value }) => value)) ?? new Uint8Array();
    const answer = await transport.exchange(request, parcels.length, signal);
    switch (answer.outcome) {
      case 'taken':
        if (answer.warning !== null) log.warn(`otlp: the receiver has a remark: ${answer.warning}`);
        return null;
      case 'refused':
        if (answer.how !== 'doubtful') return answer;
        failures += 1;
        if (failures > patience) return answer;
        throw errorOf(retry(answer.reason));
      case 'configuration':
        transport[Symbol.dispose]();
        transport = null;
        throw errorOf(answer);
      default: throw errorOf(answer);
    }
  });

  return {
    async send(batch, signal) {
      const { parcels, unwanted } = pack(batch, envelope => encodeLogRecord(envelope, originOf));
      try { await deliver([parcels], unwanted, signal); } catch (error) {
        if (!(error instanceof RetryableError)) failures = 0;
        throw error;
      }
      failures = 0;
    },
    async [Symbol.asyncDispose]() { transport?.[Symbol.dispose](); },
  };
}
