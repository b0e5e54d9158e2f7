import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../../agent/control.ts';
import { startAgent, startServer, saveModel, scene, type Alert, until } from '../e2e/rig.ts';
import { startKafka, type RealKafka } from '../services/kafka.ts';
import { missing } from '../services/missing.ts';
import { print, quantile, skipped } from './figure.ts';

const idleMs = 20_000;
const rounds = 20;

/** The agent's own cost when nothing happens, its start, and how long an alert takes. */
export async function agentFigures(): Promise<void> {
  await idleFigures();
  const lacks = (['root', 'tracefs', 'mxnet', 'kafka'] as const).flatMap(part => missing(part) ?? []);
  if (lacks.length > 0) { skipped('alert.latency', lacks.join('; ')); return; }
  await latencyFigures();
}

async function idleFigures(): Promise<void> {
  await using at = await scene();
  const began = performance.now();
  await using agent = await startAgent(at);
  print({ name: 'start.to-armed', value: (performance.now() - began) / 1_000, unit: 's', goal: '<= 1.5', detail: { said: /armed in ([\d.]+) s/.exec(agent.stderr())?.[1] ?? '' } });
  await delay(5_000);
  const before = cpuSeconds(agent.pid);
  await delay(idleMs);
  const used = cpuSeconds(agent.pid) - before;
  print({ name: 'idle.cpu', value: used / (idleMs / 1_000), unit: 'cores', against: 'one core', goal: '<= 0.01', detail: { processes: family(agent.pid).length } });
  print({ name: 'idle.memory', value: pssBytes(agent.pid) / 2 ** 20, unit: 'MiB PSS', goal: '<= 120' });
}

/** From the moment the server says that it ran the shell to the alert that tells it. */
async function latencyFigures(): Promise<void> {
  await using broker = await startKafka();
  await broker.createTopic('mxwarden.alerts', { partitions: 1 });
  await using at = await scene({}, { kafka: { brokers: [broker.bootstrap], topic: 'mxwarden.alerts' } });
  const model = join(at.models, 'net');
  await saveModel(model);
  await using agent = await startAgent(at);
  const toFile: number[] = [];
  const toKafka: number[] = [];
  const toFinding: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using server = await startServer();
    await server.tell(`load ${model} 0`);
    await delay(300);
    const acted = Date.now();
    await server.tell('shell');
    await until(async () => (await at.alerts()).some(alert => tells(alert, server.pid)), 10_000, () => `the file has it\n${agent.stderr()}`);
    toFile.push(Date.now() - acted);
    toKafka.push(await stored(broker, server.pid) - acted);
    const findings = await ask(join(at.folder, 'state'), { ask: 'findings', since: acted - 1_000 });
    toFinding.push(...findings.filter(each => each.rule === 'child.shell' && each.processes.some(({ pid }) => pid === server.pid)).map(each => each.toldAt - each.at));
  }
  print({ name: 'finding.latency.p50', value: quantile(toFinding, 0.5), unit: 'ms', against: 'from the kernel to the finding', goal: '<= 20', detail: { findings: toFinding.length } });
  print({ name: 'finding.latency.p99', value: quantile(toFinding, 0.99), unit: 'ms', goal: '<= 100' });
  for (const [name, values, goal] of [['file', toFile, '1000'], ['kafka', toKafka, '1500']] as const) {
    print({ name: `alert.latency.${name}.p50`, value: quantile(values, 0.5), unit: 'ms', detail: { rounds } });
    print({ name: `alert.latency.${name}.p99`, value: quantile(values, 0.99), unit: 'ms', goal: `<= ${goal}` });
  }
}

const tells = (alert: Alert, pid: number): boolean => alert.message.includes(`[${pid}]`) && alert.message.includes('/bin/sh');

/** When the broker stored the first alert of it, by the broker's own clock on this same machine. */
async function stored(broker: RealKafka, pid: number): Promise<number> {
  let at = Number.NaN;
  await until(async () => {
    at = (await broker.consume('mxwarden.alerts')).find(message => tells(JSON.parse(message.value) as Alert, pid))?.timestamp ?? Number.NaN;
    return !Number.isNaN(at);
  }, 15_000, 'Kafka has it');
  return at;
}

/** The agent's process and all below it. */
export function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const all = [pid];
  for (const one of all) for (const [child, parent] of parents) if (parent === one) all.push(child);
  return all;
}

/** User and system time of the whole family, with the children it waited for. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, one) => {
    const fields = read(`/proc/${one}/stat`)?.split(') ').at(-1)?.split(' ') ?? [];
    return sum + [11, 12, 13, 14].reduce((ticks, field) => ticks + Number(fields[field] ?? 0), 0) / 100;
  }, 0);
}

export function pssBytes(pid: number): number {
  return family(pid).reduce((sum, one) => sum + 1_024 * Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${one}/smaps_rollup`) ?? '')?.[1] ?? 0), 0);
}

function read(path: string): string | null {
  try { return readFileSync(path, 'utf8'); } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
