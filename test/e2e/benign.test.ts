import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { testWith } from '../services/require.ts';
import { newest, ofScene, saveModel, scene, startAgent, startServer } from './rig.ts';

testWith(['mxnet', 'root', 'tracefs'], 'training with loader workers and serving by four workers that ask their machine about itself raise no alert above low', async t => {
  t.timeout(240_000);
  await using at = await scene();
  const model = join(at.models, 'net');
  await saveModel(model);
  await using agent = await startAgent(at);
  const pids: number[] = [];
  {
    await using trainer = await startServer();
    pids.push(trainer.pid);
    t.is(await trainer.tell(`train ${join(at.models, 'dense.params')}`, 120_000), 'done');
    t.is(await trainer.tell(`save ${model} 0`), 'done');
    t.is(await trainer.tell(`load ${model} 0`), 'done');
  }
  const workers = await Promise.all([0, 1, 2, 3].map(() => startServer()));
  pids.push(...workers.map(worker => worker.pid));
  for (const round of [0, 1]) {
    for (const worker of workers) t.is(await worker.tell('probe'), 'done');
    for (const worker of workers) t.is(await worker.tell(`predict ${model} 0`), 'done', `round ${round}`);
  }
  await delay(3_000);
  for (const worker of workers) await worker[Symbol.asyncDispose]();
  await delay(2_000);
  const above = newest(await at.alerts()).filter(alert => alert.severity_id > 2).filter(ofScene(at, pids));
  t.deepEqual(above.map(alert => [alert.message, alert.unmapped.mxwarden.story]), [], agent.stderr());
});
