import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parseCheckpoint } from '../../agent/audit/checkpoint.ts';
import { parseVkey, signersOf } from '../../agent/audit/note.ts';
import { startCollector } from '../services/collector.ts';
import { startKafka } from '../services/kafka.ts';
import { testWith } from '../services/require.ts';
import { run } from '../services/run.ts';
import { lines, type Scene, scene, startAgent, until } from './rig.ts';

const bin = new URL('../../agent/mxwarden', import.meta.url).pathname;
const program = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]);
const audit = (at: Scene, ...args: string[]) => run(bin, ['audit', ...args, '--config', at.config], { timeoutMs: 60_000 });

interface Told { readonly action: string; readonly object: string; readonly outcome: string; readonly detail: Readonly<Record<string, unknown>> }
const recordsOf = async (at: Scene): Promise<Told[]> => lines<Told>((await audit(at, 'export')).stdout);

test.serial('what the agent did is in its trail: start, configuration, rules, sensors, verdicts, incidents, readings, stop', async t => {
  t.timeout(180_000);
  await using at = await scene({ audit: { checkpointMs: 1_000 } });
  {
    await using agent = await startAgent(at);
    const model = join(at.models, 'net-0000.params');
    await writeFile(model, program);
    await until(async () => (await recordsOf(at)).some(({ action }) => action === 'artifact.inspected'), 60_000, () => `a verdict is in the trail\n${agent.stderr()}`);
    await until(async () => (await at.alerts()).length > 0, 60_000, () => `an alert\n${agent.stderr()}`);
    await writeFile(at.config, `${await readFile(at.config, 'utf8')}log: { level: debug }\n`);
    agent.signal('SIGHUP');
    await until(async () => (await recordsOf(at)).filter(({ action }) => action === 'config.loaded').length === 2, 60_000, () => agent.stderr());
    agent.signal('SIGTERM');
    await agent.exited;
  }
  const told = await recordsOf(at);
  const alerted = new Set((await at.alerts()).map(({ metadata }) => metadata.uid));
  for (const uid of alerted) t.true(told.some(({ action, detail }) => action === 'incident.changed' && detail['envelope'] === uid), uid);
  t.deepEqual(told.slice(0, 2).map(({ action }) => action), ['trail.begun', 'agent.started']);
  t.is(told.at(-1)?.action, 'agent.stopped');
  const [first, second] = told.filter(({ action }) => action === 'config.loaded').map(({ detail }) => detail['sha256']);
  t.not(first, second);
  t.like(told.find(({ action, object }) => action === 'artifact.inspected' && object.endsWith('net-0000.params')), { outcome: 'malicious' });
  for (const action of ['rules.loaded', 'sensor.changed', 'trail.read']) t.true(told.some(each => each.action === action), action);
  const vkey = (await audit(at, 'key', 'show')).stdout.trim();
  const verified = await audit(at, 'verify', '--key', vkey);
  t.is(verified.code, 0, verified.stdout);
  t.is((await run(bin, ['outbox', 'list', '--config', at.config])).code, 0, 'nothing of the trail is left undelivered');
});

test.serial('a trail that was changed behind the agent\'s back is an incident at the next start, and a new epoch', async t => {
  t.timeout(180_000);
  await using at = await scene({ collectors: { watch: { roots: [] } } });
  { await using agent = await startAgent(at); agent.signal('SIGTERM'); await agent.exited; }
  const file = join(at.folder, 'state/audit/1/pending/0.jsonl');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"agent.stopped"', '"agent.sleeping"'));
  t.is((await audit(at, 'verify')).code, 1);
  await using agent = await startAgent(at);
  await until(async () => (await at.alerts()).some(alert => alert.severity_id === 4 && JSON.stringify(alert).includes('audit.broken') && JSON.stringify(alert).includes('The audit trail is not as it was left')), 60_000, () => `the incident\n${agent.stderr()}`);
  t.regex(agent.stderr(), /a new epoch begins/);
  const { code, stdout } = await audit(at, 'verify', '--format', 'json');
  t.is(code, 1);
  t.deepEqual(lines<{ epoch: number; faults: unknown[] }>(stdout).map(({ epoch, faults }) => [epoch, faults.length > 0]), [[1, true], [2, false]]);
});

test.serial('a trail that was taken away is an incident at the next start', async t => {
  t.timeout(180_000);
  await using at = await scene({ collectors: { watch: { roots: [] } } });
  { await using agent = await startAgent(at); agent.signal('SIGTERM'); await agent.exited; }
  await rm(join(at.folder, 'state/audit'), { recursive: true });
  await using agent = await startAgent(at);
  await until(async () => (await at.alerts()).some(alert => JSON.stringify(alert).includes('it is gone')), 60_000, () => `the incident\n${agent.stderr()}`);
  t.pass();
});

test.serial('without the trail the agent runs as before', async t => {
  t.timeout(180_000);
  await using at = await scene({ audit: { enabled: false } });
  await using agent = await startAgent(at);
  await writeFile(join(at.models, 'net-0000.params'), program);
  await until(async () => (await at.alerts()).length > 0, 60_000, () => agent.stderr());
  t.is((await audit(at, 'verify')).code, 69);
});

testWith.serial(['kafka', 'collector'], 'every checkpoint leaves the host: Kafka and the Collector have it, signed, and the trail continues it', async t => {
  await using broker = await startKafka();
  await broker.createTopic('mxwarden.alerts', { partitions: 1 });
  await using collector = await startCollector();
  await using at = await scene({ audit: { checkpointMs: 1_000 } }, { kafka: { brokers: [broker.bootstrap], topic: 'mxwarden.alerts' }, otlp: { endpoint: collector.http } });
  await using agent = await startAgent(at);
  const isCheckpoint = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) => headers['ce_type'] === 'mxwarden.audit.checkpoint';
  await until(async () => (await broker.consume('mxwarden.alerts')).some(isCheckpoint), 60_000, () => `Kafka has one\n${agent.stderr()}`);
  await until(async () => (await collector.records()).some(({ eventName }) => eventName === 'mxwarden.audit.checkpoint'), 60_000, () => `the Collector has one\n${agent.stderr()}`);
  const value = JSON.parse((await broker.consume('mxwarden.alerts')).find(isCheckpoint)?.value ?? '') as { readonly unmapped: { readonly mxwarden: { readonly checkpoint: string } } };
  const note = value.unmapped.mxwarden.checkpoint;
  const key = parseVkey((await audit(at, 'key', 'show')).stdout.trim());
  t.is(signersOf(parseCheckpoint(Buffer.from(note)).parsed, [key]).length, 1);
  const kept = join(at.folder, 'kept');
  await writeFile(kept, note);
  const { code, stdout } = await audit(at, 'verify', '--checkpoint', kept);
  t.is(code, 0, stdout);
  t.regex(stdout, /it is signed, and epoch 1 continues it/);
  t.false((await at.alerts()).some(alert => JSON.stringify(alert).includes('"class_uid":1008')), 'the file on this host has alerts alone');
});
