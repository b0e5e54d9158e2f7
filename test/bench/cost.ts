import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveModel, scene, startAgent, startServer } from '../e2e/rig.ts';
import { spawnPython } from '../services/mxnet.ts';
import { missing } from '../services/missing.ts';
import { mustRun, onPath } from '../services/run.ts';
import { median, print, skipped } from './figure.ts';

const root = new URL('../..', import.meta.url).pathname;
const rounds = 6;

/** What the agent costs the processes it watches, and those it does not: on against off, in alternation. */
export async function costFigures(): Promise<void> {
  const lacks = (['root', 'tracefs', 'mxnet'] as const).flatMap(part => missing(part) ?? []);
  if (lacks.length > 0) { skipped('cost', lacks.join('; ')); return; }
  await loadFigures();
  if (onPath('cc')) await syscallFigures();
  else skipped('cost.syscall', 'cc is missing: apt-get install gcc');
}

async function loadFigures(): Promise<void> {
  await using at = await scene();
  const [small, large] = [join(at.models, 'small'), join(at.models, 'large')];
  await saveModel(small);
  {
    await using server = await startServer();
    await server.tell(`large ${large}`, 120_000);
  }
  await using timer = await spawnPython({ file: join(root, 'test/fixtures/load-timer.py') });
  await timer.read(60_000);
  const time = async (prefix: string, repeats: number) => {
    timer.send(`${prefix} ${repeats}`);
    return median((await timer.read(120_000)).split(' ').map(Number));
  };
  for (const [name, prefix, repeats] of [['small', small, 200], ['100-mb', large, 15]] as const) {
    await time(prefix, repeats);
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const off = await time(prefix, repeats);
      await using agent = await startAgent(at);
      await time(prefix, 3);
      const on = await time(prefix, repeats);
      ratios.push(on / off);
      agent.signal('SIGTERM');
      await agent.exited;
    }
    print({ name: `cost.load.${name}`, value: median(ratios), unit: 'ratio', against: 'the same load without the agent', goal: '<= 1.02', detail: { least: Math.min(...ratios), most: Math.max(...ratios) } });
  }
}

/** A process that has nothing to do with MXNet, while one that has is watched. */
async function syscallFigures(): Promise<void> {
  const program = join(await mkdtemp(join(tmpdir(), 'mxwarden-bench-')), 'syscalls');
  await mustRun('cc', ['-O2', '-o', program, join(root, 'test/fixtures/syscalls.c')]);
  const measure = async () => (await mustRun(program, [], { timeoutMs: 120_000 })).trim().split(' ').map(Number);
  await using at = await scene();
  await using _ = await startServer();
  const ratios: number[][] = [[], [], []];
  await measure();
  for (let round = 0; round < rounds; round++) {
    const off = await measure();
    await using agent = await startAgent(at);
    const on = await measure();
    agent.signal('SIGTERM');
    await agent.exited;
    for (const [index, list] of ratios.entries()) list.push((on[index] ?? 0) / (off[index] ?? 1));
  }
  for (const [index, name] of ['null', 'open-close', 'fork-exec'].entries()) {
    const list = ratios[index] ?? [];
    print({
      name: `cost.syscall.${name}`, value: median(list), unit: 'ratio', against: 'the same calls without the agent', goal: '<= 1.01',
      detail: { least: Math.min(...list), most: Math.max(...list) },
    });
  }
}
