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

/** A token that a broker without a key takes: unsecured JWS (RFC 7515, `alg` none), as Kafka's development validator does. */
function unsecured(subject: string, lifetimeSeconds = 3_600): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now + Math.min(lifetimeSeconds, 0) - 10, exp: now + lifetimeSeconds })}.`;
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
  const outdated = await ours.issue('outdated', 'IP:127.0.0.1', 0);
  const old = join(folder, 'outdated.bundle.pem');
  await writeFile(old, outdated.key + outdated.cert);
  const ports = await freePorts('plaintext', 'controller', 'sasl', 'mtls', 'outdated');
  const listeners = `PLAINTEXT://127.0.0.1:${ports.plaintext},SASLSSL://127.0.0.1:${ports.sasl},MTLS://127.0.0.1:${ports.mtls},OUTDATED://127.0.0.1:${ports.outdated}`;
  await using _broker = await startKafka({ properties: {
    listeners: `${listeners},CONTROLLER://127.0.0.1:${ports.controller}`, 'advertised.listeners': listeners,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASLSSL:SASL_SSL,MTLS:SSL,OUTDATED:SSL',
    'listener.name.outdated.ssl.keystore.location': old,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.saslssl.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.saslssl.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.saslssl.oauthbearer.sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="agent";',
    'listener.name.saslssl.plain.sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required user_agent="hunter22" user_nobody="hunter22";',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users': 'User:ANONYMOUS;User:agent;User:CN=agent',
    'ssl.keystore.type': 'PEM', 'ssl.keystore.location': bundle, 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': truststore, 'listener.name.mtls.ssl.client.auth': 'required',
  }, format: ['--add-scram', 'SCRAM-SHA-256=[name=agent,password=hunter22]', '--add-scram', 'SCRAM-SHA-512=[name=agent,password=hunter22]'] });
  await asAdmin(`127.0.0.1:${ports.plaintext}`, admin => admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'alerts', numPartitions: 1 }] }));

  const sasl = { mechanism: 'plain', username: 'agent', password: 'hunter22' };
  const [secure, mutual] = [{ brokers: [`127.0.0.1:${ports.sasl}`] }, { brokers: [`127.0.0.1:${ports.mtls}`] }];
  await (await sinkOn(t, { ...secure, sasl, tls: { ca: ours.caPath } })).send([envelope({}, { id: 'by-password' })], calm);
  await (await sinkOn(t, { ...mutual, tls: { ca: ours.ca, cert: client.certPath, key: client.key } })).send([envelope({}, { id: 'by-certificate' })], calm);
  for (const mechanism of ['scram-sha-256', 'scram-sha-512']) await (await sinkOn(t, { ...secure, sasl: { ...sasl, mechanism }, tls: { ca: ours.ca } })).send([envelope({}, { id: mechanism })], calm);
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${unsecured('agent')}\n`);
  await (await sinkOn(t, { ...secure, sasl: { mechanism: 'oauthbearer', bearer: { tokenFile } }, tls: { ca: ours.ca } })).send([envelope({}, { id: 'by-token' })], calm);
  t.deepEqual((await stored(() => consumeAll(`127.0.0.1:${ports.plaintext}`, 'alerts'))).map(({ headers }) => headers.ce_id), ['by-password', 'by-certificate', 'scram-sha-256', 'scram-sha-512', 'by-token']);

  for (const [situation, change, error, reason] of [
    ['wrong password', { ...secure, sasl: { ...sasl, password: 'wrong-and-secret' }, tls: { ca: ours.ca } }, MisconfiguredError, /user name or the password/],
    ['wrong password by SCRAM', { ...secure, sasl: { ...sasl, mechanism: 'scram-sha-512', password: 'wrong-and-secret' }, tls: { ca: ours.ca } }, MisconfiguredError, /user name or the password/],
    ['token that has expired', { ...secure, sasl: { mechanism: 'oauthbearer', bearer: { token: unsecured('agent', -3_600) } }, tls: { ca: ours.ca } }, RetryableError, /check that tls and sasl/],
    ['no token at all', { ...secure, sasl: { mechanism: 'oauthbearer', bearer: { tokenFile: join(folder, 'absent') } }, tls: { ca: ours.ca } }, MisconfiguredError, /tokenFile: .*ENOENT/],
    ['no right to write', { ...secure, sasl: { ...sasl, username: 'nobody' }, tls: { ca: ours.ca } }, MisconfiguredError, /may not (write to this topic|see it)|grant WRITE/],
    ['expired certificate', { brokers: [`127.0.0.1:${ports.outdated}`], tls: { ca: ours.ca } }, MisconfiguredError, /has expired/],
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
