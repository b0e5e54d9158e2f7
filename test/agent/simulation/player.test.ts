import { readdirSync, readlinkSync } from 'node:fs';
import { startPlayer } from '../../../agent/simulation/player.ts';
import { scenarios } from '../../../agent/simulation/scenarios.ts';
import { openStage } from '../../../agent/simulation/stage.ts';
import { until } from '../../e2e/rig.ts';
import { mxnet } from '../../services/mxnet.ts';
import { testWith } from '../../services/require.ts';

/** All that was started there has the folder as its own, unless it went elsewhere. */
const startedIn = (folder: string): string[] => readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(pid => {
  try { return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder); } catch { return false; /* It has ended. */ }
});

testWith(['mxnet'], 'a real program that starts another one leaves neither behind, though it is ended before that one', async t => {
  const step = scenarios.find(({ name }) => name === 'first-ever-program')?.steps[0];
  if (step === undefined || !('actor' in step)) { t.fail('there is no such scenario'); return; }
  const { python } = await mxnet();
  using stage = openStage([], null);
  {
    await using player = await startPlayer(python, stage, null, { proc: '/proc' } as Parameters<typeof startPlayer>[3], new AbortController().signal);
    const answer = await player.act(step.actor, false);
    t.false('cannot' in answer, JSON.stringify(answer));
    await until(() => startedIn(stage.folder).length >= 3, 60_000, () => 'it has started its program');
    // The next act ends what the last one started.
    await player.act('pass', false);
  }
  await until(() => startedIn(stage.folder).length === 0, 60_000, () => `no process is left: ${startedIn(stage.folder).join(' ')}`);
});
