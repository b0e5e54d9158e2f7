import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import grpcJs from '@grpc/grpc-js';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { ConfigError, MisconfiguredError, RejectedError, RetryableError } from '../../agent/contract/errors.ts';
import type { Sink } from '../../agent/contract/forwarder.ts';
import { detectionFinding } from '../../forwarders/encode/ocsf-schema.ts';
import otlp, { settingsOf } from '../../forwarders/otlp.ts';
import { startCollector } from '../services/collector.ts';
import { freePorts } from '../services/ports.ts';
import { testWith } from '../services/require.ts';
import { envelope, envelopes, host, memoryLog, sha256, t0 } from './builders.ts';

const calm = new AbortController().signal;
async function sinkOn(t: ExecutionContext, change: object): Promise<Sink & { lines: readonly string[] }> {
  const log = memoryLog();
  const sink = await otlp.open(otlp.config.parse({ timeoutMs: 5_000, ...change }), { log, host });
  t.teardown(async () => { await sink[Symbol.asyncDispose](); });
  return Object.assign(sink, { lines: log.lines });
}

type Reply = (response: ServerResponse, request: IncomingMessage, body: Buffer) => void;
/** A receiver that gives exactly this answer; `seen` holds each request's body. */
async function receiver(t: ExecutionContext, reply: Reply): Promise<{ endpoint: string; seen: { request: IncomingMessage; body: Buffer }[] }> {
  const seen: { request: IncomingMessage; body: Buffer }[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then(body => { seen.push({ request, body }); reply(response, request, body); });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.close(); server.closeAllConnections(); });
  return { endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`, seen };
}
const answering = (status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): Reply => response => { response.writeHead(status, headers).end(body); };

test('the endpoint is a base to which the path of logs is added, unless it is there', t => {
  const of = (change: object): string => settingsOf(otlp.config.parse(change), {}).url.href;
  t.is(of({}), 'http://127.0.0.1:4318/v1/logs');
  t.is(of({ protocol: 'grpc' }), 'http://127.0.0.1:4317/');
  t.is(of({ endpoint: 'https://otel.example/in/' }), 'https://otel.example/in/v1/logs');
  t.is(of({ endpoint: 'https://otel.example/v1/logs' }), 'https://otel.example/v1/logs');
});

test('the standard variables stand in for what the configuration does not say, those of logs before the others', t => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://all.example/base', OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://logs.example/own/path', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-scope = a=b ,nonsense,=x', OTEL_EXPORTER_OTLP_TIMEOUT: '2500', OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/etc/ca.pem', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '',
  };
  const { url, ...rest } = settingsOf(otlp.config.parse({}), env);
  t.is(url.href, 'https://logs.example/own/path', 'the endpoint of logs is used as it is');
  t.deepEqual(rest, { protocol: 'http/json', headers: { authorization: 'Bearer abc', 'x-scope': 'a=b' }, timeoutMs: 2_500, compression: 'none', tls: { ca: '/etc/ca.pem' } });
  t.is(settingsOf(otlp.config.parse({}), { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://all.example/base' }).url.href, 'https://all.example/base/v1/logs');
  const own = settingsOf(otlp.config.parse({ endpoint: 'https://mine.example', timeoutMs: 100, headers: {} }), env);
  t.deepEqual([own.url.href, own.timeoutMs, own.headers], ['https://mine.example/v1/logs', 100, {}]);
});

test('a variable that cannot be what it says is a fault of the configuration', t => {
  for (const env of [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' }, { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, { OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'a=x%0d%0ab' }, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'https://10.0.0.1:4317' }]) {
    t.throws(() => settingsOf(otlp.config.parse({}), env), { instanceOf: ConfigError, message: /environment/ }, JSON.stringify(env));
  }
});

test('a configuration that cannot work is refused before anything starts', t => {
  for (const [wrong, reason] of [
    [{ protocol: 'grpc', endpoint: 'https://10.0.0.1:4317' }, /cannot reach an IP address: write the host name/],
    [{ protocol: 'grpc', endpoint: 'https://[::1]:4317' }, /cannot reach an IP address/],
    [{ endpoint: 'http://user:secret@otel.example' }, /no credentials/], [{ endpoint: 'ftp://otel.example' }, /http or https/],
    [{ headers: { 'a b': 'x' } }, /header name/], [{ headers: { a: 'x\r\nb: y' } }, /one line/], [{ headers: { 'Content-Type': 'x' } }, /sets itself/], [{ tls: { key: 'x' } }, /both or neither/],
  ] as const) t.throws(() => otlp.config.parse(wrong), { message: reason });
  t.notThrows(() => otlp.config.parse({ protocol: 'grpc', endpoint: 'https://otel.example:4317', headers: { authorization: 'Bearer x' } }));
});

test('a batch is one compressed request with our headers, and ends when the receiver has it', async t => {
  const { endpoint, seen } = await receiver(t, answering(200, { 'content-type': 'application/x-protobuf' }));
  const sink = await sinkOn(t, { endpoint, headers: { authorization: 'Bearer abc' } });
  await sink.send(envelopes(3), calm);
  t.is(seen.length, 1);
  t.like(seen[0]?.request.headers, { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', authorization: 'Bearer abc' });
  t.is(seen[0]?.request.url, '/v1/logs');
  const bytes = gunzipSync(seen[0]?.body ?? '').toString('latin1');
  t.is(bytes.split('service.name').length - 1, 1, 'one resource for all records');
  t.is(bytes.split('mxwarden.detection').length - 1, 3);
});

const refusals: readonly (readonly [situation: string, reply: Reply, error: unknown, reason: RegExp])[] = [
  ['busy, for 7 seconds', answering(429, { 'retry-after': '7' }), RetryableError, /status 429/],
  ['an error of its own', answering(500, {}, 'oops'), RetryableError, /status 500: oops/],
  ['a login page with status 200', answering(200, { 'content-type': 'text/html' }, '<html>login</html>'), MisconfiguredError, /proxy or login page/],
  ['a redirect', answering(307, { location: 'http://127.0.0.1:1/' }), MisconfiguredError, /redirects/],
  ['no entry', answering(401, {}, 'who is Bearer abc?'), MisconfiguredError, /status 401: who is \*\*\*\?/],
  ['nothing, and hangs up', (_, request) => { request.socket.destroy(); }, RetryableError, /cut/],
  ['half an answer, and hangs up', response => { response.writeHead(200, { 'content-length': '99' }).write('x'); setImmediate(() => response.destroy()); }, RetryableError, /./],
  ['an endless answer', response => { response.writeHead(500); const more = (): void => { if (response.write(Buffer.alloc(65_536, 'x'))) setImmediate(more); else response.once('drain', more); }; more(); }, RetryableError, /status 500/],
];
for (const [situation, reply, error, reason] of refusals) {
  test(`a receiver that answers with ${situation}`, async t => {
    const { endpoint } = await receiver(t, reply);
    const sink = await sinkOn(t, { endpoint, headers: { authorization: 'Bearer abc' } });
    const thrown = await t.throwsAsync(sink.send(envelopes(2), calm), { instanceOf: error as typeof RetryableError, message: reason });
    if (situation.startsWith('busy')) t.is((thrown as RetryableError).afterMs, 7_000);
    t.notRegex(JSON.stringify([thrown.message, sink.lines]), /Bearer abc/);
  });
}

test('a receiver that says nothing is given up after the timeout, or at once when the agent stops', async t => {
  const { endpoint } = await receiver(t, () => {});
  await t.throwsAsync((await sinkOn(t, { endpoint, timeoutMs: 200 })).send([envelope()], calm), { instanceOf: RetryableError, message: /no answer in time/ });
  await t.throwsAsync((await sinkOn(t, { endpoint, timeoutMs: 300_000 })).send([envelope()], AbortSignal.timeout(100)), { instanceOf: RetryableError });
});

test('one bad record is found and named, the others arrive once', async t => {
  const arrived: string[] = [];
  const { endpoint } = await receiver(t, (response, _, body) => {
    const ids: string[] = [...gunzipSync(body).toString('latin1').match(/env-\d/g) ?? []];
    if (ids.includes('env-5')) { response.writeHead(400).end('bad record'); return; }
    arrived.push(...new Set(ids));
    response.writeHead(200).end();
  });
  const error = await t.throwsAsync((await sinkOn(t, { endpoint })).send(envelopes(8), calm), { instanceOf: RejectedError, message: /status 400: bad record/ });
  t.deepEqual(error.ids, ['env-5']);
  t.deepEqual(arrived, ['env-0', 'env-1', 'env-2', 'env-3', 'env-4', 'env-6', 'env-7']);
});

/** ExportLogsServiceResponse{partial_success{rejected_log_records, error_message}} */
const partial = (rejected: number, words: string): Buffer => {
  const inner = Buffer.concat([Uint8Array.of(8, rejected, 18, words.length), Buffer.from(words)]);
  return Buffer.concat([Uint8Array.of(10, inner.length), inner]);
};

test('a partial success goes to the dead letters whole and is never sent again; a remark is only told', async t => {
  const { endpoint, seen } = await receiver(t, answering(200, { 'content-type': 'application/x-protobuf' }, partial(2, 'too old')));
  const error = await t.throwsAsync((await sinkOn(t, { endpoint })).send(envelopes(5), calm), { instanceOf: RejectedError, message: /refused 2 of 5 records.*too old/ });
  t.deepEqual([error.ids.length, seen.length], [5, 1]);
  const remark = await receiver(t, answering(200, { 'content-type': 'application/x-protobuf' }, partial(0, 'please upgrade')));
  const sink = await sinkOn(t, { endpoint: remark.endpoint });
  await sink.send(envelopes(1), calm);
  t.regex(sink.lines.join('\n'), /warn .*please upgrade/);
});

type Call = Parameters<grpcJs.handleUnaryCall<Buffer, Buffer>>;
/** A gRPC receiver that gives exactly this answer. */
async function grpcReceiver(t: ExecutionContext, reply: (...call: Call) => void): Promise<string> {
  const server = new grpcJs.Server();
  const identity = (bytes: Buffer): Buffer => bytes;
  server.addService({ export: {
    path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export', requestStream: false, responseStream: false,
    requestSerialize: identity, requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity,
  } }, { export: reply });
  t.teardown(() => { server.forceShutdown(); });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', grpcJs.ServerCredentials.createInsecure(), (error, port) => { if (error) reject(error); else resolve(port); });
  return `http://127.0.0.1:${await promise}`;
}
const status = (code: number, details: string) => (_: Call[0], done: Call[1]): void => { done({ code, details }); };

const grpcRefusals: readonly (readonly [situation: string, reply: (...call: Call) => void, error: unknown, reason: RegExp])[] = [
  ['UNAVAILABLE', status(14, 'draining'), RetryableError, /draining/], ['UNAUTHENTICATED', status(16, 'no token'), MisconfiguredError, /does not let us in: no token/],
  ['UNIMPLEMENTED', status(12, 'no such service'), MisconfiguredError, /no OTLP\/gRPC receiver/], ['INTERNAL', status(13, 'boom'), RetryableError, /boom/],
  ['INVALID_ARGUMENT', status(3, 'bad record'), RejectedError, /bad record/], ['a partial success', (_, done) => { done(null, partial(1, 'too old')); }, RejectedError, /refused 1 of 2.*too old/],
  ['an answer that is no protobuf', (_, done) => { done(null, Buffer.from([0x0a, 0xff])); }, MisconfiguredError, /no OTLP response/],
];
for (const [situation, reply, error, reason] of grpcRefusals) {
  test(`a gRPC receiver that answers with ${situation}`, async t => {
    const sink = await sinkOn(t, { protocol: 'grpc', endpoint: await grpcReceiver(t, reply) });
    await t.throwsAsync(sink.send(envelopes(2), calm), { instanceOf: error as typeof RetryableError, message: reason });
  });
}

test('a record on which a gRPC receiver fails again and again is refused once the others have passed', async t => {
  const endpoint = await grpcReceiver(t, (call, done) => { if (call.request.includes('env-1')) done({ code: 13, details: 'boom' }); else done(null, Buffer.alloc(0)); });
  const sink = await sinkOn(t, { protocol: 'grpc', endpoint, compression: 'none' });
  for (let attempt = 0; attempt < 5; attempt += 1) await t.throwsAsync(sink.send(envelopes(3), calm), { instanceOf: RetryableError });
  t.deepEqual((await t.throwsAsync(sink.send(envelopes(3), calm), { instanceOf: RejectedError })).ids, ['env-1']);
});

test('a receiver that is not there asks for another try, by either protocol', async t => {
  const { gone } = await freePorts('gone');
  for (const protocol of ['http/protobuf', 'grpc']) {
    await t.throwsAsync((await sinkOn(t, { protocol, endpoint: `http://127.0.0.1:${gone}` })).send([envelope()], calm), { instanceOf: RetryableError, message: /ECONNREFUSED/ });
  }
});

testWith.serial(['collector'], 'a real Collector has every alert as a log event: name, severity, attributes, and the OCSF object as a map', async t => {
  await using collector = await startCollector();
  for (const [protocol, endpoint] of [['http/protobuf', collector.http], ['http/json', collector.http], ['grpc', `http://${collector.grpc}`]] as const) {
    const sink = await sinkOn(t, { protocol, endpoint });
    await sink.send(envelopes(3), calm);
    const records = (await collector.records()).slice(-3);
    t.deepEqual(records.map(({ attributes }) => attributes['mxwarden.envelope.id']), ['env-0', 'env-1', 'env-2']);
    const [record] = records;
    t.like(record, { eventName: 'mxwarden.detection', severityNumber: 21, severityText: 'FATAL', time: BigInt(t0 + 2_310) * 1_000_000n });
    t.like(record?.resource, { 'service.name': 'mxwarden', 'service.version': '0.1.0', 'host.id': host.id, 'host.name': 'gpu-17' });
    t.like(record?.scope, { name: 'mxwarden', version: '0.1.0' });
    t.like(record?.attributes, {
      'mxwarden.incident.id': 'i-0', 'security_rule.name': 'child.shell', 'file.path': '/srv/m-0000.params', 'mxwarden.file.sha256': sha256,
      'process.pid': 4_121, 'process.executable.path': '/usr/bin/python3.11',
    });
    t.deepEqual(detectionFinding.parse(record?.body).finding_info.uid, 'i-0');
  }
  t.is((await collector.records()).length, 9);
  const sink = await sinkOn(t, { endpoint: collector.http });
  await collector.stop();
  await t.throwsAsync(sink.send([envelope()], calm), { instanceOf: RetryableError });
  await collector.restart();
  await sink.send([envelope()], calm);
  t.is((await collector.records()).length, 10);
});
