import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { detectionFinding } from '../../forwarders/encode/ocsf-schema.ts';
import { startCollector } from '../services/collector.ts';
import { startKafka } from '../services/kafka.ts';
import { run } from '../services/run.ts';
import { testWith } from '../services/require.ts';
import { type Alert, lines, newest, ofScene, replaceFile, saveModel, scene, startAgent, startServer, until } from './rig.ts';

const root = new URL('../..', import.meta.url).pathname;
const topic = 'mxwarden.alerts';

/** A loopback port that takes a connection, as the attacker's side would. */
async function listener() {
  const server = createServer(socket => { socket.on('error', () => { /* the peer may leave first */ }).end(); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, async [Symbol.asyncDispose]() { server.close(); } };
}

testWith(['mxnet', 'kafka', 'collector', 'root', 'tracefs'], 'a replaced model whose server then runs a shell and connects is one incident, whole and alike in every sink', async t => {
  t.timeout(240_000);
  await using broker = await startKafka();
  await broker.createTopic(topic);
  await using collector = await startCollector();
  await using port = await listener();
  await using at = await scene({}, { kafka: { brokers: [broker.bootstrap], topic }, otlp: { protocol: 'http/protobuf', endpoint: collector.http } });
  const recording = join(at.folder, 'day.jsonl');
  const [honest, replaced] = [join(at.models, 'resnet'), join(at.folder, 'other')];
  await saveModel(honest);
  await saveModel(replaced);

  await using agent = await startAgent(at, ['--record', recording]);
  await using server = await startServer();
  t.is(await server.tell(`load ${honest} 0`), 'done');
  await delay(6_000);
  await replaceFile(`${replaced}-0000.params`, `${honest}-0000.params`);
  await delay(2_000);
  t.is(await server.tell(`load ${honest} 0`), 'done');
  t.is(await server.tell('shell'), 'done');
  t.is(await server.tell(`connect ${port.port}`), 'done');

  const bad = (alerts: readonly Alert[]) => newest(alerts).filter(alert => alert.severity_id >= 4).filter(ofScene(at, [server.pid]));
  await until(async () => bad(await at.alerts()).some(alert => alert.message.includes(`127.0.0.1:${port.port}`)), 60_000, () => `the alert is in the file\n${agent.stderr()}\n${agent.stdout()}`);
  const [alert, ...others] = bad(await at.alerts());
  t.deepEqual(others, [], 'exactly one incident');
  t.truthy(alert);
  if (!alert) return;

  // Named: the file, its digest, the change, the process, what it did; in the order in which it happened.
  const story = alert.unmapped.mxwarden.story.join('\n');
  t.log(story);
  const { sha256 } = await digest(`${honest}-0000.params`);
  t.true(JSON.stringify(alert.evidences).includes(sha256));
  inOrder(t, story, ['written', 'resnet-0000.params', 'MXNDArrayLoad', '/bin/sh', `127.0.0.1 port ${port.port}`]);
  t.true(story.includes(String(server.pid)));
  t.is(alert.severity_id, 5);
  for (const each of await at.alerts()) t.notThrows(() => detectionFinding.parse(each));

  // The same revisions in all four sinks.
  const uids = async () => new Set((await at.alerts()).map(each => each.metadata.uid));
  const inKafka = async () => new Set((await broker.consume(topic)).map(message => (JSON.parse(String(message.value)) as Alert).metadata.uid));
  const inCollector = async () => new Set((await collector.records()).map(record => (record.body as unknown as Alert).metadata.uid));
  const inStdout = async () => new Set(lines<Alert>(agent.stdout()).map(each => each.metadata.uid));
  for (const [name, sink] of Object.entries({ inKafka, inCollector, inStdout })) {
    await until(async () => { const have = await sink(); return [...await uids()].every(uid => have.has(uid)); }, 30_000, `${name} has every alert of the file`);
  }

  agent.signal('SIGTERM');
  t.is((await agent.exited).code, 0);
  t.regex(agent.stderr(), /everything is delivered/);

  // A recording replays to the same findings.
  const replayed = await run('sh', [join(root, 'agent/mxwarden'), 'replay', recording, '--config', at.config, '--format', 'json', '--incidents'], { timeoutMs: 60_000 });
  t.is(replayed.code, 1, replayed.stderr);
  const told = lines<{ incident?: { id: string; story: { finding?: { rule: string } }[] } }>(replayed.stdout);
  const again = told.flatMap(line => line.incident ? [line.incident] : []).find(incident => incident.id === alert.finding_info.uid);
  t.truthy(again, 'the same incident, under the same id');
  const rules = (again?.story ?? []).flatMap(chapter => chapter.finding ? [chapter.finding.rule] : []);
  t.deepEqual(rules, newest(await at.alerts()).find(each => each.finding_info.uid === alert.finding_info.uid)?.unmapped.mxwarden.story.flatMap(line => /flagged +\w+ ([\w.-]+):/.exec(line)?.[1] ?? []));
});

async function digest(file: string): Promise<{ sha256: string }> {
  const { createHash } = await import('node:crypto');
  return { sha256: createHash('sha256').update(await readFile(file)).digest('hex') };
}

function inOrder(t: { true(value: boolean, message?: string): void }, text: string, parts: readonly string[]) {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    t.true(at >= 0, `${part} comes in its turn in\n${text}`);
    from = Math.max(from, at);
  }
}
