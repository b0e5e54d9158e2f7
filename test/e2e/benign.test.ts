import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mxnet } from '../services/mxnet.ts';
import { testWith } from '../services/require.ts';
import { mustRun, run } from '../services/run.ts';
import { lines, newest, ofScene, saveModel, scene, startAgent, startServer } from './rig.ts';

const root = new URL('../..', import.meta.url).pathname;
/** An ordinary day is as long as one wants; without a wish everything is done once. */
const minutes = Number(process.env['MXWARDEN_ORDINARY_MINUTES'] ?? 0);
const severities = ['info', 'low', 'medium', 'high', 'critical'];

testWith(['mxnet', 'root', 'bpf'], 'an ordinary day raises no alert above low, and its recording replays to the same: training with loader workers, four serving workers that ask their machine about itself, model-zoo code, a notebook, pip beside them', async t => {
  t.timeout(minutes * 60_000 + 480_000);
  await using at = await scene();
  const recording = join(at.folder, 'day.jsonl');
  const model = join(at.models, 'net');
  await saveModel(model);
  const pids: number[] = [];
  let rounds = 0;
  let told = '';
  {
    await using agent = await startAgent(at, ['--record', recording]);
    const until = Date.now() + minutes * 60_000;
    do {
      rounds += 1;
      await Promise.all([day(pids, at.models, model, rounds), pip(at.folder, rounds)]);
    } while (Date.now() < until);
    await delay(3_000);
    told = agent.stderr();
  }
  const above = newest(await at.alerts()).filter(alert => alert.severity_id > 2).filter(ofScene(at, pids));
  t.deepEqual(above.map(alert => [alert.message, alert.unmapped.mxwarden.story]), [], told);

  const replayed = await run('sh', [join(root, 'agent/mxwarden'), 'replay', recording, '--config', at.config, '--format', 'json', '--incidents'], { timeoutMs: 300_000 });
  const again = lines<{ incident?: { severity: string; title: string } }>(replayed.stdout).flatMap(line => (line.incident === undefined ? [] : [line.incident]));
  t.deepEqual(again.filter(incident => severities.indexOf(incident.severity) > 1 && JSON.stringify(incident).includes(at.folder)).map(incident => incident.title), []);
  t.log(`${rounds} rounds, ${pids.length} processes with MXNet, ${again.length} incidents up to low when replayed`);
});

/** What is done by those who have MXNet. */
async function day(pids: number[], models: string, model: string, round: number): Promise<void> {
  const must = async (server: Awaited<ReturnType<typeof startServer>>, line: string): Promise<void> => {
    const answer = await server.tell(line, 180_000);
    if (answer !== 'done') throw new Error(`${line}: ${answer}\n${server.stderr()}`);
  };
  const train = async (): Promise<void> => {
    await using trainer = await startServer();
    pids.push(trainer.pid);
    for (const line of [`train ${join(models, 'dense.params')}`, `save ${model} 0`, `load ${model} 0`]) await must(trainer, line);
  };
  const explore = async (): Promise<void> => {
    await using explorer = await startServer();
    pids.push(explorer.pid);
    for (const line of [`zoo squeezenet1.0 ${join(models, `zoo-${round % 4}`)}`, `notebook ${model}`]) await must(explorer, line);
  };
  await train();
  const workers = await Promise.all([0, 1, 2, 3].map(() => startServer()));
  pids.push(...workers.map(worker => worker.pid));
  try {
    for (let turn = 0; turn < 2; turn++) {
      for (const worker of workers) await must(worker, 'probe');
      for (const worker of workers) await must(worker, `predict ${model} 0`);
    }
    await explore();
  } finally { for (const worker of workers) await worker[Symbol.asyncDispose](); }
}

/** A package is built from its source and installed, from this machine alone. */
async function pip(folder: string, round: number): Promise<void> {
  const source = join(folder, `package-${round}`);
  await mkdir(source);
  await writeFile(join(source, 'setup.py'), `from setuptools import setup\nsetup(name='tool${round}', version='1.0', py_modules=['tool'], entry_points={'console_scripts': ['tool=tool:main']})\n`);
  await writeFile(join(source, 'tool.py'), 'def main():\n    print("tool")\n');
  const { python } = await mxnet();
  await mustRun(python, ['-m', 'pip', 'install', '--no-index', '--no-build-isolation', '--no-deps', '--disable-pip-version-check', '--target', join(folder, `installed-${round}`), source], { timeoutMs: 180_000 });
}
