import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BpfRecord, decodeRecords } from '../../collectors/kernel/bpf/decode.ts';
import { type SensorProcess, startSensor } from '../../collectors/kernel/bpf/sensor-process.ts';
import type { Told } from '../../collectors/kernel/bpf/wire.ts';
import { missing } from '../services/missing.ts';
import { mustRun, onPath } from '../services/run.ts';
import { print, quantile, skipped } from './figure.ts';

const fixtures = new URL('../fixtures', import.meta.url).pathname;
const rounds = 6;
const ringBytes = 1 << 22;
const stormMs = 10_000;

interface Sense extends AsyncDisposable { readonly sensor: SensorProcess; readonly records: BpfRecord[]; readonly delays: number[]; readonly told: Told[] }
async function sense(syscalls: boolean): Promise<Sense> {
  const sensed = { records: [] as BpfRecord[], delays: [] as number[], told: [] as Told[] };
  const sensor = await startSensor({ proc: '/proc', sys: '/sys', mainBytes: ringBytes, bulkBytes: ringBytes / 4, syscalls }, {
    told(each) { sensed.told.push(each); },
    records(bytes) {
      const now = Number(process.hrtime.bigint());
      for (const record of decodeRecords(bytes).records) { sensed.delays.push((now - record.at) / 1e6); sensed.records.push(record); }
    },
  });
  return { ...sensed, sensor, async [Symbol.asyncDispose]() { await sensor.kill(); } };
}

/** What programs in the kernel cost those whom they do not watch, how fast their records come, and whether any is lost. */
export async function sensorFigures(): Promise<void> {
  const lacks = (['root', 'bpf'] as const).flatMap(part => missing(part) ?? []);
  if (!onPath('cc')) lacks.push('apt-get install gcc');
  if (lacks.length > 0) { skipped('sensor', lacks.join('; ')); return; }
  for (const syscalls of [false, true]) await costFigures(syscalls);
  await stormFigures();
}

const calls = [['null', 1.01], ['open-close', 1.01], ['fork-exec', 1.01], ['send-receive', 1.06], ['connect', 1.06]] as const;

/** A process that is not watched, while another one is; and one that is. */
async function costFigures(syscalls: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-bench-'));
  const programs = ['syscalls', 'sockets'].map(name => join(folder, name));
  for (const program of programs) await mustRun('cc', ['-O2', '-o', program, join(fixtures, `${program.slice(folder.length + 1)}.c`)]);
  const measure = async (under?: SensorProcess) => {
    const figures: number[] = [];
    for (const program of programs) {
      const child = spawn('/bin/sh', ['-c', 'read go; exec "$0"', program], { stdio: ['pipe', 'pipe', 'inherit'] });
      if (under !== undefined) { under.send({ do: 'watch', pid: child.pid ?? 0 }); await under.ask(id => ({ do: 'answer', id })); }
      child.stdin.write('go\n');
      const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      figures.push(...said.trim().split(' ').map(Number));
    }
    return figures;
  };
  // The best of all rounds of each: on a busy machine everything else measures the others.
  const best = { off: calls.map(() => Infinity), on: calls.map(() => Infinity), watched: calls.map(() => Infinity) };
  const keep = (list: number[], figures: readonly number[]): void => { for (const [index, each] of figures.entries()) list[index] = Math.min(list[index] ?? Infinity, each); };
  await measure();
  for (let round = 0; round < rounds; round++) {
    keep(best.off, await measure());
    const watched = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
    const sensed = await sense(syscalls);
    sensed.sensor.send({ do: 'watch', pid: watched.pid ?? 0 });
    await delay(2_500);
    keep(best.on, await measure());
    keep(best.watched, await measure(sensed.sensor));
    await sensed[Symbol.asyncDispose]();
    watched.kill('SIGKILL');
  }
  await rm(folder, { recursive: true });
  for (const [index, [name, goal]] of calls.entries()) {
    const [off = Number.NaN, on = Number.NaN, watched = Number.NaN] = [best.off[index], best.on[index], best.watched[index]];
    print({
      name: `sensor.cost.${syscalls ? 'with-syscalls.' : ''}${name}`, value: on / off, unit: 'ratio', against: 'the same calls without the sensor',
      ...syscalls ? {} : { goal: `<= ${goal}` }, detail: { ns: Math.round(on), nsWithout: Math.round(off) },
    });
    print({ name: `sensor.cost.${syscalls ? 'with-syscalls.' : ''}watched.${name}`, value: watched / off, unit: 'ratio', against: 'the same calls without the sensor', detail: { ns: Math.round(watched) } });
  }
}

/** A watched shell that runs programs as fast as it can: each is a fork, an execution and an end. */
async function stormFigures(): Promise<void> {
  await using sensed = await sense(false);
  const shell = spawn('/bin/sh', ['-c', 'read go; while :; do /bin/true; done'], { stdio: ['pipe', 'ignore', 'ignore'] });
  sensed.sensor.send({ do: 'watch', pid: shell.pid ?? 0 });
  await delay(500);
  const cpu = cpuSeconds(sensed.sensor.pid);
  shell.stdin.write('go\n');
  await delay(stormMs);
  const used = cpuSeconds(sensed.sensor.pid) - cpu;
  shell.kill('SIGKILL');
  await once(shell, 'exit');
  await sensed.sensor.ask(id => ({ do: 'answer', id }));
  await delay(1_500);
  const count = (type: string): number => sensed.records.filter(record => record.type === type).length;
  const lost = sensed.told.reduce((sum, each) => (each.kind === 'lost' ? sum + (each.count ?? Number.NaN) : sum), 0);
  const seconds = stormMs / 1_000;
  print({ name: 'sensor.storm.executed', value: count('executed') / seconds, unit: 'a second', detail: { forked: count('forked'), exited: count('exited') } });
  print({ name: 'sensor.storm.lost', value: lost, unit: 'records', goal: '0' });
  print({ name: 'sensor.storm.cpu', value: used / seconds, unit: 'cores', against: 'one core' });
  print({ name: 'sensor.delay.p50', value: quantile(sensed.delays, 0.5), unit: 'ms', against: 'from the kernel to the agent' });
  print({ name: 'sensor.delay.p99', value: quantile(sensed.delays, 0.99), unit: 'ms', against: 'from the kernel to the agent' });
}

/** utime and stime of proc(5), in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
