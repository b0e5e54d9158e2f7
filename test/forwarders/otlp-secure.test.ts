import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpcJs from '@grpc/grpc-js';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { MisconfiguredError } from '../../agent/contract/errors.ts';
import type { Sink } from '../../agent/contract/forwarder.ts';
import otlp from '../../forwarders/otlp.ts';
import { freePorts } from '../services/ports.ts';
import { envelope, host, memoryLog } from './builders.ts';
import type { Authority, Identity } from './certificates.ts';
import { authority } from './certificates.ts';

const calm = new AbortController().signal;
async function sinkOn(t: ExecutionContext, change: object): Promise<Sink> {
  const sink = await otlp.open(otlp.config.parse(change), { log: memoryLog(), host });
  t.teardown(async () => { await sink[Symbol.asyncDispose](); });
  return sink;
}
async function certificates(t: ExecutionContext): Promise<{ ours: Authority; theirs: Authority; server: Identity; client: Identity }> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-otlp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [ours, theirs] = [await authority(folder, 'ours'), await authority(folder, 'theirs')];
  return { ours, theirs, server: await ours.issue('receiver', 'DNS:localhost,IP:127.0.0.1'), client: await ours.issue('agent', 'DNS:agent') };
}

test('OTLP/HTTP over TLS, to an address or a name, with a client certificate, or a reason why not', async t => {
  const { ours, theirs, server, client } = await certificates(t);
  let arrived = 0;
  const receiver = createServer({ cert: server.cert, key: server.key, ca: ours.ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    request.resume().on('end', () => { arrived += 1; response.end(); });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.teardown(() => { receiver.close(); receiver.closeAllConnections(); });
  const endpoint = `https://127.0.0.1:${(receiver.address() as { port: number }).port}`;
  const tls = { ca: ours.caPath, cert: client.certPath, key: client.keyPath };
  await (await sinkOn(t, { endpoint, tls })).send([envelope()], calm);
  t.is(arrived, 1);
  await t.throwsAsync((await sinkOn(t, { endpoint, tls: { ...tls, ca: theirs.ca } })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /authority that tls\.ca does not name/ });
  await t.throwsAsync((await sinkOn(t, { endpoint, tls: { ca: ours.ca } })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /client certificate/ });
  t.is(arrived, 1);
});

test('OTLP/gRPC over TLS to a name, or a reason why not', async t => {
  const { ours, theirs, server, client } = await certificates(t);
  const receiver = new grpcJs.Server();
  const identity = (bytes: Buffer): Buffer => bytes;
  const answer: grpcJs.handleUnaryCall<Buffer, Buffer> = (_, done) => { done(null, Buffer.alloc(0)); };
  receiver.addService({ export: {
    path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export', requestStream: false, responseStream: false,
    requestSerialize: identity, requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity,
  } }, { export: answer });
  t.teardown(() => { receiver.forceShutdown(); });
  const { port } = await freePorts('port');
  const credentials = grpcJs.ServerCredentials.createSsl(Buffer.from(ours.ca), [{ cert_chain: Buffer.from(server.cert), private_key: Buffer.from(server.key) }], true);
  await new Promise<void>((resolve, reject) => { receiver.bindAsync(`localhost:${port}`, credentials, error => { if (error) reject(error); else resolve(); }); });
  const endpoint = `https://localhost:${port}`;
  const tls = { ca: ours.ca, cert: client.cert, key: client.key };
  await t.notThrowsAsync((await sinkOn(t, { protocol: 'grpc', endpoint, tls })).send([envelope()], calm));
  await t.throwsAsync((await sinkOn(t, { protocol: 'grpc', endpoint, tls: { ...tls, ca: theirs.ca } })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /unable to verify|certificate/ });
  await t.throwsAsync((await sinkOn(t, { protocol: 'grpc', endpoint, tls: { ca: ours.ca } })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /alert certificate required/ });
});
