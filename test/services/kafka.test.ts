import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RealKafka } from './kafka.ts';
import { startKafka } from './kafka.ts';
import { testWith } from './require.ts';

const values = async (kafka: RealKafka, topic: string): Promise<string[]> => (await kafka.consume(topic)).map(({ value }) => value);

testWith.serial(['kafka'], 'real Kafka keeps what was sent through a crash, a stop and a hang', async (t) => {
  await using kafka = await startKafka();
  await kafka.createTopic('alerts', { partitions: 2, configs: { 'max.message.bytes': '20000' } });
  t.deepEqual(await kafka.consume('alerts'), []);

  await kafka.send('alerts', ['first']);
  t.deepEqual(await values(kafka, 'alerts'), ['first']);

  await kafka.kill();
  await t.throwsAsync(once(createConnection(Number(kafka.bootstrap.split(':')[1]), '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  await kafka.restart();
  t.deepEqual(await values(kafka, 'alerts'), ['first']);

  kafka.pause();
  const sending = kafka.send('alerts', ['second']).then(() => 'sent');
  t.is(await Promise.race([sending, delay(500, 'hanging')]), 'hanging');
  kafka.resume();
  t.is(await sending, 'sent');

  await kafka.stop();
  await kafka.restart();
  t.deepEqual((await values(kafka, 'alerts')).sort(), ['first', 'second']);
  await t.throwsAsync(kafka.send('alerts', ['x'.repeat(30_000)]), { name: 'KafkaJSProtocolError', message: /larger than the max message size/ });
});
