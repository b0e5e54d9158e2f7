import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '../../agent/contract/errors.ts';
import kafka from '../../forwarders/kafka.ts';
import { asAdmin, consumeAll } from '../services/kafka-client.ts';
import { startKafka } from '../services/kafka.ts';
import { freePorts } from '../services/ports.ts';
import { testWith } from '../services/require.ts';
import { envelope, host, memoryLog } from './builders.ts';
import { stored } from './stored.ts';

const calm = new AbortController().signal;
const patienceMs = 60_000;

testWith.serial(['kafka'], 'of two brokers one dies: the alert goes to the new leader, and waits where two replicas are asked for', async t => {
  const ports = await freePorts('one', 'two', 'controller');
  const address = (port: number) => `127.0.0.1:${port}`;
  const quorum = { 'controller.quorum.voters': `1@${address(ports.controller)}` };
  const plaintext = (port: number) => ({ listeners: `PLAINTEXT://${address(port)}`, 'advertised.listeners': `PLAINTEXT://${address(port)}` });
  await using _first = await startKafka({ properties: { ...quorum, ...plaintext(ports.one), listeners: `PLAINTEXT://${address(ports.one)},CONTROLLER://${address(ports.controller)}` } });
  await using second = await startKafka({ properties: { ...quorum, ...plaintext(ports.two), 'process.roles': 'broker', 'node.id': '2' } });
  await asAdmin(address(ports.one), admin => admin.createTopics({ waitForLeaders: true, topics: [
    { topic: 'alerts', replicaAssignment: [{ partition: 0, replicas: [2, 1] }] },
    { topic: 'guarded', replicaAssignment: [{ partition: 0, replicas: [1, 2] }], configEntries: [{ name: 'min.insync.replicas', value: '2' }] },
  ] }));
  const sinkOf = async (topic: string) => await kafka.open(kafka.config.parse({ topic, brokers: [address(ports.one), address(ports.two)], requestTimeoutMs: 3_000 }), { log: memoryLog(), host });
  await using alerts = await sinkOf('alerts');
  await alerts.send([envelope({}, { id: 'before' })], calm);

  await second.kill();
  let tries = 0;
  for (const deadline = Date.now() + patienceMs; ; tries += 1) {
    try { await alerts.send([envelope({}, { id: 'after' })], calm); break; } catch (error) {
      t.true(error instanceof RetryableError, String(error));
      if (Date.now() > deadline) throw error;
      await delay(500);
    }
  }
  t.log(`the new leader took it at try ${tries + 1}`);
  const ids = (await stored(() => consumeAll(address(ports.one), 'alerts'))).map(({ headers }) => headers.ce_id);
  t.deepEqual([...new Set(ids)], ['before', 'after']);
  await using guarded = await sinkOf('guarded');
  await t.throwsAsync(guarded.send([envelope()], calm), { instanceOf: RetryableError, message: /too few replicas/ });
});
