import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningAgent, type Scene, scene, startAgent, until } from '../e2e/rig.ts';
import { startKafka } from '../services/kafka.ts';
import { missing } from '../services/missing.ts';
import { cpuSeconds } from './agent.ts';
import { print, skipped } from './figure.ts';

const settleMs = 15_000;
const idleMs = 60_000;
const topic = 'mxwarden.alerts';
const program = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]);
const forwarders = { stdout: { enabled: false } };
/** As still as an agent can be, so that the difference is not lost in what its sensors do. */
const still = { collectors: { watch: { askWho: false }, ...Object.fromEntries(['system', 'mxnet', 'exec', 'network', 'processes', 'secrets', 'usage', 'host', 'self'].map(name => [name, { enabled: false }])) } };

/** What a connected forwarder costs while nothing happens: an agent that has one beside an agent that has none, in the same minute. */
export async function idleForwarderFigure(): Promise<void> {
  const lacks = missing('kafka');
  if (lacks !== null) { skipped('kafka.idle', lacks); return; }
  await using broker = await startKafka();
  await broker.createTopic(topic);
  await using connected = await scene(still, { ...forwarders, kafka: { brokers: [broker.bootstrap], topic } });
  await using alone = await scene(still, forwarders);
  await using one = await toldOnce(connected);
  await using other = await toldOnce(alone);
  await until(async () => (await broker.consume(topic)).length > 0, 60_000, () => `the forwarder is connected\n${one.stderr()}`);
  await delay(settleMs);
  const before = [one, other].map(({ pid }) => cpuSeconds(pid));
  await delay(idleMs);
  const [own = 0, plain = 0] = [one, other].map(({ pid }, index) => (cpuSeconds(pid) - (before[index] ?? 0)) / (idleMs / 1_000));
  print({ name: 'kafka.idle', value: own - plain, unit: 'cores', against: 'the same agent without the forwarder, at the same time', goal: '< 0.003', detail: { with: own, without: plain } });
}

/** Its sinks have something to connect for. */
async function toldOnce(at: Scene): Promise<RunningAgent> {
  const agent = await startAgent(at);
  await writeFile(join(at.models, 'net-0000.params'), program);
  await until(async () => (await at.alerts()).length > 0, 60_000, () => `an alert\n${agent.stderr()}`);
  return agent;
}
