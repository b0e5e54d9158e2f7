import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../services/run.ts';
import { lines, ofClass, type Scene, scene, startAgent, until } from './rig.ts';

const bin = new URL('../../agent/mxwarden', import.meta.url).pathname;
const program = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]);
const verb = (at: Scene, ...args: string[]) => run(bin, [...args, '--config', at.config], { timeoutMs: 60_000 });

interface Told {
  readonly collectors: readonly { readonly name: string }[];
  readonly outbox: { readonly dropped: Readonly<Record<string, number>> };
  readonly audit: { readonly epoch: number; readonly size: number; readonly checkpoint: { readonly size: number } | null } | null;
  readonly sinks: readonly { readonly name: string; readonly bytes: number; readonly oldestAt: number | null; readonly lastSuccessAt: number | null; readonly lastError: { readonly reason: string } | null }[];
}
const statusOf = async (at: Scene): Promise<Told> => JSON.parse((await verb(at, 'status', '--format', 'json')).stdout) as Told;

test.serial('heartbeats go to every sink at their interval with each sensor; status has the trail, and of each sink age, bytes, success and error', async t => {
  t.timeout(240_000);
  await using at = await scene({ heartbeat: { intervalMs: 1_000 }, audit: { checkpointMs: 1_000 } }, { otlp: { endpoint: 'http://127.0.0.1:9' } });
  await using agent = await startAgent(at);
  await until(async () => (await at.heartbeats()).length >= 3, 60_000, () => `heartbeats\n${agent.stderr()}`);
  const [first] = await at.heartbeats();
  const told = await statusOf(at);
  t.deepEqual(first?.unmapped.mxwarden.sensors.map(({ name }) => name), told.collectors.map(({ name }) => name));
  t.is(first?.unmapped.mxwarden.interval_ms, 1_000);
  await until(async () => (await at.heartbeats()).some(({ unmapped }) => unmapped.mxwarden.sensors.some(({ spoke }) => spoke !== null)), 60_000, 'a sensor spoke');
  await until(() => ofClass(agent.stdout(), 6002).length > 0, 60_000, 'standard output has them too');
  t.is((await verb(at, 'outbox', 'list')).stdout.includes('beat'), false, 'none waits in the outbox');
  await writeFile(join(at.models, 'net-0000.params'), program);
  await until(async () => { const { sinks, audit } = await statusOf(at); return (sinks.find(({ name }) => name === 'otlp')?.bytes ?? 0) > 0 && audit?.checkpoint != null; }, 60_000, () => agent.stderr());
  const { sinks, audit } = await statusOf(at);
  const [file, otlp] = ['file', 'otlp'].map(name => sinks.find(each => each.name === name));
  t.true((file?.lastSuccessAt ?? 0) > 0 && file?.lastError === null);
  t.true((otlp?.oldestAt ?? 0) > 0 && otlp?.lastSuccessAt === null);
  t.regex(otlp?.lastError?.reason ?? '', /nobody listens/);
  t.is(audit?.epoch, 1);
  t.true((audit?.size ?? 0) >= (audit?.checkpoint?.size ?? Infinity));
  t.regex((await verb(at, 'status')).stdout, /audit {6}epoch 1, \d+ records; signed up to \d+ \d+ s ago/);
});

test.serial('a state that was damaged is salvaged at the next start: an incident says so, and what waited is delivered', async t => {
  t.timeout(240_000);
  await using at = await scene({ heartbeat: { enabled: false } }, { otlp: { endpoint: 'http://127.0.0.1:9' } });
  {
    await using agent = await startAgent(at);
    await writeFile(join(at.models, 'net-0000.params'), program);
    await until(async () => (await at.alerts()).length > 0, 60_000, () => `an alert\n${agent.stderr()}`);
  }
  const waiting = lines<{ sink: string; id: string }>((await verb(at, 'outbox', 'list', '--format', 'json')).stdout).filter(({ sink }) => sink === 'otlp').map(({ id }) => id);
  t.true(waiting.length > 0);
  const path = join(at.folder, 'state/state.db');
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0, 0, 4_096));
  await using agent = await startAgent(at);
  await until(async () => (await at.alerts()).some(alert => JSON.stringify(alert).includes('loss.state')), 60_000, () => `the incident\n${agent.stderr()}`);
  t.true((await at.alerts()).some(alert => /rows are saved, none lost/.test(JSON.stringify(alert))));
  const after = lines<{ sink: string; id: string }>((await verb(at, 'outbox', 'list', '--format', 'json')).stdout).filter(({ sink }) => sink === 'otlp').map(({ id }) => id);
  t.deepEqual(after.slice(0, waiting.length), waiting);
  t.true((await at.heartbeats()).length === 0);
  await until(async () => (await verb(at, 'audit', 'export')).stdout.includes('"state.replaced"'), 60_000, 'the trail has it');
});

test.serial('alerts that are dropped while no agent runs are told by the next one, with their severity', async t => {
  t.timeout(240_000);
  await using at = await scene({}, { otlp: { endpoint: 'http://127.0.0.1:9' } });
  {
    await using agent = await startAgent(at);
    await writeFile(join(at.models, 'net-0000.params'), program);
    await until(async () => (await at.alerts()).length > 0, 60_000, () => `an alert\n${agent.stderr()}`);
  }
  const dropped = await verb(at, 'outbox', 'drop', '--all', '--pending', '--severity', 'critical');
  t.regex(dropped.stdout, /^[1-9]\d* alerts that waited are dropped/);
  await using agent = await startAgent(at);
  await until(async () => ((await statusOf(at)).outbox.dropped['critical'] ?? 0) > 0, 60_000, () => agent.stderr());
  await until(async () => (await at.alerts()).some(alert => /alerts of severity critical were dropped from the outbox/.test(JSON.stringify(alert))), 60_000, () => agent.stderr());
  await until(async () => /"severity":"critical"/.test((await verb(at, 'audit', 'export')).stdout.split('\n').filter(line => line.includes('"events.lost"')).join('\n')), 60_000, 'the trail has it');
  t.regex((await verb(at, 'status')).stdout, /DROPPED +alerts that not every sink had: [1-9]\d* critical/);
});
