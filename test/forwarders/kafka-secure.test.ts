import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';
import type { Sink } from '../../agent/contract/forwarder.ts';
import kafka from '../../forwarders/kafka.ts';
import { asAdmin, consumeAll } from '../services/kafka-client.ts';
import { startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/ports.ts';
import { testWith } from '../services/require.ts';
import { envelope, host, memoryLog } from './builders.ts';
import { authority } from './certificates.ts';
import { stored } from './stored.ts';

const calm = new AbortController().signal;
async function sinkOn(t: ExecutionContext, change: object): Promise<Sink & { lines: readonly string[] }> {
  const log = memoryLog();
  const sink = await kafka.open(kafka.config.parse({ topic: 'alerts', ...change }), { log, host });
  t.teardown(async () => { await sink[Symbol.asyncDispose](); });
  return Object.assign(sink, { lines: log.lines });
}

testWith.serial(['kafka'], 'a broker with TLS and passwords has the alerts; each wrong setting is told as what it is, without the password', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-secure-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [ours, theirs] = [await authority(folder, 'ours'), await authority(folder, 'theirs')];
  const server = await ours.issue('broker', 'IP:127.0.0.1');
  const [client, stranger] = [await ours.issue('agent', 'DNS:agent'), await theirs.issue('agent', 'DNS:agent')];
  const [bundle, truststore] = [join(folder, 'broker.bundle.pem'), join(folder, 'trust.pem')];
  await writeFile(bundle, server.key + server.cert);
  await writeFile(truststore, ours.ca);
  const ports = await freePorts('plaintext', 'controller', 'sasl', 'mtls');
  const listeners = `PLAINTEXT://127.0.0.1:${ports.plaintext},SASLSSL://127.0.0.1:${ports.sasl},MTLS://127.0.0.1:${ports.mtls}`;
  await using _broker = await startKafka({ properties: {
    listeners: `${listeners},CONTROLLER://127.0.0.1:${ports.controller}`, 'advertised.listeners': listeners,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASLSSL:SASL_SSL,MTLS:SSL',
    'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.saslssl.plain.sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required user_agent="hunter22";',
    'ssl.keystore.type': 'PEM', 'ssl.keystore.location': bundle, 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': truststore, 'listener.name.mtls.ssl.client.auth': 'required',
  } });
  await asAdmin(`127.0.0.1:${ports.plaintext}`, admin => admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'alerts', numPartitions: 1 }] }));

  const sasl = { mechanism: 'plain', username: 'agent', password: 'hunter22' };
  const [secure, mutual] = [{ brokers: [`127.0.0.1:${ports.sasl}`] }, { brokers: [`127.0.0.1:${ports.mtls}`] }];
  await (await sinkOn(t, { ...secure, sasl, tls: { ca: ours.caPath } })).send([envelope({}, { id: 'by-password' })], calm);
  await (await sinkOn(t, { ...mutual, tls: { ca: ours.ca, cert: client.certPath, key: client.key } })).send([envelope({}, { id: 'by-certificate' })], calm);
  t.deepEqual((await stored(() => consumeAll(`127.0.0.1:${ports.plaintext}`, 'alerts'))).map(({ headers }) => headers.ce_id), ['by-password', 'by-certificate']);

  for (const [situation, change, error, reason] of [
    ['wrong password', { ...secure, sasl: { ...sasl, password: 'wrong-and-secret' }, tls: { ca: ours.ca } }, MisconfiguredError, /user name or the password/],
    ['mechanism not offered', { ...secure, sasl: { ...sasl, mechanism: 'scram-sha-512' }, tls: { ca: ours.ca } }, MisconfiguredError, /does not offer this sasl\.mechanism/],
    ['untrusted authority', { ...secure, sasl, tls: { ca: theirs.ca } }, MisconfiguredError, /authority that tls\.ca does not name/],
    ['wrong host name', { brokers: [`localhost:${ports.sasl}`], sasl, tls: { ca: ours.ca } }, MisconfiguredError, /another host name/],
    ['no client certificate', { ...mutual, tls: { ca: ours.ca } }, MisconfiguredError, /client certificate/],
    ['client certificate of another authority', { ...mutual, tls: { ca: ours.ca, cert: stranger.cert, key: stranger.key } }, MisconfiguredError, /client certificate/],
    ['plaintext on a TLS port', secure, RetryableError, /check that tls and sasl/],
    ['TLS on a plaintext port', { brokers: [`127.0.0.1:${ports.plaintext}`], tls: { ca: ours.ca } }, RetryableError, /speak TLS/],
  ] as const) {
    const sink = await sinkOn(t, change);
    const thrown = await t.throwsAsync(sink.send([envelope()], calm), { instanceOf: error as typeof RetryableError, message: reason }, situation);
    t.notRegex(`${thrown.message}${sink.lines.join()}`, /secret|hunter22/, situation);
  }
});
