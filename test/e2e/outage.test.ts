import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startKafka } from '../services/kafka.ts';
import { testWith } from '../services/require.ts';
import { type Alert, newest, ofScene, saveModel, scene, startAgent, startServer, until } from './rig.ts';

const topic = 'mxwarden.alerts';

testWith(['mxnet', 'kafka', 'root', 'tracefs'], 'what happens while the broker is down is delivered when it is back, and nothing else waits for it', async t => {
  t.timeout(240_000);
  await using broker = await startKafka();
  await broker.createTopic(topic);
  await using at = await scene({}, { kafka: { brokers: [broker.bootstrap], topic } });
  const model = join(at.models, 'net');
  await saveModel(model);
  await using agent = await startAgent(at);
  await broker.kill();
  await using server = await startServer();
  await server.tell(`load ${model} 0`);
  await server.tell('shell');
  await until(async () => newest(await at.alerts()).some(alert => alert.message.includes('/bin/sh')), 60_000, () => `the file has the alert while the broker is down\n${agent.stderr()}`);
  await broker.restart();
  const wanted = new Set((await at.alerts()).map(alert => alert.metadata.uid));
  await until(async () => {
    const have = new Set((await broker.consume(topic)).map(message => (JSON.parse(String(message.value)) as Alert).metadata.uid));
    return [...wanted].every(uid => have.has(uid));
  }, 60_000, () => `the broker has every alert\n${agent.stderr()}`);
  t.pass();
});

testWith(['mxnet', 'root', 'tracefs'], 'an agent that is killed in the middle goes on with the same incident after its restart', async t => {
  t.timeout(240_000);
  await using at = await scene();
  const model = join(at.models, 'net');
  await saveModel(model);
  await using server = await startServer();
  const severe = async () => newest(await at.alerts()).filter(alert => alert.severity_id >= 4).filter(ofScene(at, [server.pid]));
  let first: Alert | undefined;
  {
    await using agent = await startAgent(at);
    await server.tell(`load ${model} 0`);
    await server.tell('shell');
    await until(async () => severe().then(list => list.length > 0), 60_000, () => `an alert\n${agent.stderr()}`);
    [first] = await severe();
    agent.signal('SIGKILL');
    await agent.exited;
  }
  await using again = await startAgent(at);
  await delay(1_500);
  await server.tell('shell');
  await until(async () => newest(await at.alerts()).some(alert => alert.finding_info.uid === first?.finding_info.uid
    && alert.unmapped.mxwarden.gaps.some(gap => gap.includes('did not run'))), 60_000, () => `the incident goes on and says what was not seen\n${again.stderr()}`);
  t.is((await severe()).length, 1);
});
