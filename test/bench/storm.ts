import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { act } from '../collectors/kernel/tracefs/stage.ts';
import { buildStandIn } from '../collectors/kernel/tracefs/standin.ts';
import { scene, startAgent, until } from '../e2e/rig.ts';
import { missing } from '../services/missing.ts';
import { mustRun, onPath } from '../services/run.ts';
import { cpuSeconds, pssBytes } from './agent.ts';
import { print, skipped } from './figure.ts';

const seconds = 10;
interface Recorded { readonly kind: string; readonly what?: string; readonly count?: number | null; readonly process?: { readonly argv?: readonly string[] } }

/** A watched process that opens 20,000 files and runs 500 programs a second, and one that does both as fast as it can: the whole agent. */
export async function stormFigures(): Promise<void> {
  const lacks = (['root', 'bpf'] as const).flatMap(part => missing(part) ?? []);
  if (!onPath('cc')) lacks.push('apt-get install gcc');
  if (lacks.length > 0) { skipped('storm', lacks.join('; ')); return; }
  for (const [name, opens, execs] of [['paced', 20_000, 500], ['flat-out', 0, 0]] as const) await storm(name, opens, execs);
}

async function storm(name: string, opens: number, execs: number): Promise<void> {
  using standIn = buildStandIn();
  const program = join(standIn.folder, 'storm');
  await mustRun('cc', ['-O2', '-o', program, new URL('../fixtures/storm.c', import.meta.url).pathname]);
  await using at = await scene();
  for (let index = 0; index < 64; index++) await writeFile(join(at.models, `${index}.params`), '');
  const recording = join(at.folder, 'storm.jsonl');
  await mkdir(join(at.folder, 'out'));
  await using agent = await startAgent(at, ['--record', recording]);
  const out = join(at.folder, 'out/done');
  using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'run', `${program} ${at.models} ${opens} ${execs} ${seconds} > ${out}`, 'line']);
  await delay(3_000);
  const [cpu, began] = [cpuSeconds(agent.pid), performance.now()];
  await actor.next();
  await actor.said('did run');
  const [used, took] = [cpuSeconds(agent.pid) - cpu, (performance.now() - began) / 1_000];
  const [opened = 0, run = 0] = (await readFile(out, 'utf8')).trim().split(' ').map(Number);
  const memory = pssBytes(agent.pid);
  const recorded = async (): Promise<readonly Recorded[]> => (await readFile(recording, 'utf8')).split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Recorded);
  const told = (list: readonly Recorded[]): number => list.filter(each => each.kind === 'process.executed' && each.process?.argv?.[1] === 'storm').length;
  const lost = (list: readonly Recorded[]): number => list.filter(each => each.kind === 'events.lost' && ['process.executed', 'any'].includes(each.what ?? 'any')).reduce((sum, each) => sum + (each.count ?? 0), 0);
  let list: readonly Recorded[] = [];
  // What was told and what was counted as lost must be all there was.
  await until(async () => { list = await recorded(); return told(list) + lost(list) >= run; }, 60_000, () => `${told(list)} told and ${lost(list)} lost of ${run}`).catch((error: unknown) => { process.stderr.write(`${String(error)}\n`); });
  print({ name: `storm.${name}.cpu`, value: used / took, unit: 'cores', against: 'one core', detail: { opensASecond: Math.round(opened / took), programsASecond: Math.round(run / took) } });
  print({ name: `storm.${name}.programs-lost`, value: run - told(list), unit: 'events', goal: '0', detail: { counted: lost(list), run } });
  print({ name: `storm.${name}.uncounted`, value: Math.max(0, run - told(list) - lost(list)), unit: 'events', goal: '0' });
  print({ name: `storm.${name}.memory`, value: memory / 2 ** 20, unit: 'MiB PSS' });
  await actor.next();
}
