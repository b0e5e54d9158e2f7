import { createServer } from 'node:net';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { MisconfiguredError, RejectedError, RetryableError } from '../../agent/contract/errors.ts';
import type { Sink } from '../../agent/contract/forwarder.ts';
import { detectionFinding } from '../../forwarders/encode/ocsf-schema.ts';
import kafka, { messageOf } from '../../forwarders/kafka.ts';
import { startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/ports.ts';
import { testWith } from '../services/require.ts';
import { stored } from './stored.ts';
import { envelope, envelopes, finding, heartbeat, host, loaded, memoryLog, sha256, t0, told } from './builders.ts';

const calm = new AbortController().signal;
async function sinkOn(t: ExecutionContext, change: object): Promise<Sink> {
  const sink = await kafka.open(kafka.config.parse(change), { log: memoryLog(), host });
  t.teardown(async () => { await sink[Symbol.asyncDispose](); });
  return sink;
}

test('an alert is a CloudEvent in binary mode, keyed by the host', t => {
  const { key, headers, value } = messageOf(envelope(), { key: 'host', format: 'ocsf' });
  t.is(key, host.id);
  t.deepEqual(headers, {
    'content-type': 'application/json', ce_specversion: '1.0', ce_id: 'env-1', ce_type: 'mxwarden.detection', ce_source: `urn:mxwarden:host:${host.id}`,
    ce_subject: 'i-7f3a', ce_time: new Date(t0 + 2_310).toISOString(),
  });
  t.is(detectionFinding.parse(JSON.parse(String(value))).metadata.uid, 'env-1');
});

test('the key may be the artifact: its digest, its path where there is none, the host where there is no artifact', t => {
  t.is(messageOf(envelope(), { key: 'artifact', format: 'ocsf' }).key, sha256);
  t.is(messageOf(envelope({ artifact: { place: { path: '/m' }, file: null, sha256: null } }), { key: 'artifact', format: 'ocsf' }).key, '/m');
  t.is(messageOf(envelope({ artifact: null }), { key: 'artifact', format: 'ocsf' }).key, host.id);
});

test('a configuration that cannot work is refused before anything starts', t => {
  for (const wrong of [
    { brokers: [] }, { brokers: ['no-port'] }, { brokers: ['user@host:1'] }, { topic: '..' }, { topic: 'a b' }, { tls: { cert: 'x' } }, { tls: { rejectUnauthorized: false } },
    { sasl: { mechanism: 'gssapi', username: 'a', password: 'b' } }, { key: 'random' }, { requestTimeoutMs: 1 }]) {
    t.throws(() => kafka.config.parse(wrong), undefined, JSON.stringify(wrong));
  }
  t.notThrows(() => kafka.config.parse({ brokers: ['[::1]:9092', 'kafka.example:9093'], tls: {}, sasl: { mechanism: 'plain', username: 'a', password: 'b' } }));
});

test('a broker that is not there asks for another try, a missing CA file for an operator', async t => {
  const { gone } = await freePorts('gone');
  const brokers = [`127.0.0.1:${gone}`];
  await t.throwsAsync((await sinkOn(t, { brokers })).send([envelope()], calm), { instanceOf: RetryableError, message: /nobody listens there \(ECONNREFUSED\)/ });
  await t.throwsAsync((await sinkOn(t, { brokers, tls: { ca: '/nowhere/ca.pem' } })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /tls\.ca: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/ });
});

test('a listener that never answers does not hold a stopping agent', async t => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => { silent.close(); });
  const sink = await sinkOn(t, { brokers: [`127.0.0.1:${(silent.address() as { port: number }).port}`] });
  const stop = new AbortController();
  silent.once('connection', () => { stop.abort(); });
  await t.throwsAsync(sink.send([envelope()], stop.signal), { instanceOf: RetryableError, message: /stopped while sending/ });
});

/** About `size` bytes as JSON that gzip cannot make small. */
const bulky = (index: number, size: number) => envelope({
  id: `i-${index}`, story: told(loaded, ...Array.from({ length: Math.ceil(size / 1_000) }, (_, part) => finding({
    id: `f${part}`, rule: `r.${part}`, summary: Array.from({ length: 100 }, () => Math.random().toString(36).slice(2, 10)).join(''),
  }))),
}, { id: `env-${index}`, sequence: index });

testWith.serial(['kafka'], 'alerts reach a real broker once, in order, through a crash and a freeze; what is too large is shortened, and named only when even that is too much', async t => {
  await using broker = await startKafka();
  await broker.createTopic('alerts', { partitions: 3, configs: { 'max.message.bytes': '30000' } });
  const sink = await sinkOn(t, { brokers: [broker.bootstrap], topic: 'alerts', requestTimeoutMs: 3_000 });
  const ids = async (): Promise<(string | undefined)[]> => (await stored(() => broker.consume('alerts'))).map(({ headers }) => headers.ce_id);

  await t.throwsAsync((await sinkOn(t, { brokers: [broker.bootstrap], topic: 'absent' })).send([envelope()], calm), { instanceOf: MisconfiguredError, message: /topic does not exist/ });

  await sink.send(envelopes(3), calm);
  const [first, ...others] = await stored(() => broker.consume('alerts'));
  t.is(new Set([first, ...others].map(message => message?.partition)).size, 1, 'one key, one partition, one order');
  t.is(first?.key, host.id);
  t.is(detectionFinding.parse(JSON.parse(first?.value ?? '')).metadata.uid, first?.headers.ce_id ?? '');

  const batch = [bulky(10, 1_000), bulky(11, 120_000), bulky(12, 1_000), bulky(13, 90_000), ...Array.from({ length: 12 }, (_, index) => bulky(14 + index, 6_000))];
  await sink.send(batch, calm);
  t.deepEqual((await ids()).slice(3), batch.map(({ id }) => id));
  const shortened = (await stored(() => broker.consume('alerts'))).map(({ value }) => detectionFinding.parse(JSON.parse(value)).metadata).filter(({ is_truncated }) => is_truncated);
  t.deepEqual(shortened.map(({ uid }) => uid), ['env-11', 'env-13'], 'what is too large even alone is told with less, and says so');
  await broker.createTopic('narrow', { configs: { 'max.message.bytes': '1500' } });
  const narrow = await sinkOn(t, { brokers: [broker.bootstrap], topic: 'narrow', requestTimeoutMs: 3_000 });
  const error = await t.throwsAsync(narrow.send([bulky(40, 1_000)], calm), { instanceOf: RejectedError, message: /larger than the broker or the topic accepts/ });
  t.deepEqual(error.ids, ['env-40']);

  await broker.createTopic('beats');
  const sorting = await sinkOn(t, { brokers: [broker.bootstrap], topic: 'narrow', topics: { alerts: 'alerts', heartbeats: 'beats' } });
  await sorting.send([bulky(29, 100), heartbeat()], calm);
  t.is((await ids()).at(-1), 'env-29');
  t.deepEqual((await stored(() => broker.consume('beats'))).map(({ headers }) => [headers.ce_id, headers.ce_type]), [['beat-1', 'mxwarden.heartbeat']]);

  await broker.kill();
  await t.throwsAsync(sink.send([bulky(30, 100)], calm), { instanceOf: RetryableError });
  await broker.restart();
  await sink.send([bulky(30, 100)], calm);
  t.is((await ids()).at(-1), 'env-30');

  broker.pause();
  await t.throwsAsync(sink.send([bulky(31, 100)], AbortSignal.timeout(1_000)), { instanceOf: RetryableError });
  broker.resume();
  await sink.send([bulky(31, 100), bulky(32, 100)], calm);
  const all = await ids();
  t.deepEqual([...new Set(all)].slice(-3), ['env-30', 'env-31', 'env-32'], 'at least once; a request given up may have been stored');
});
