import test from 'ava';
import self from '../../collectors/self.ts';
import { here, listeningPort, patience, until } from './kernel/procfs/tree.ts';

test.beforeEach(t => { t.timeout(patience * 2); });

test('the agent\'s own processor time, memory and a loop that was held up', async t => {
  const { port, of } = listeningPort(here);
  await using _ = await self.start(self.config.parse({ intervalMs: 300 }), port);
  await until(() => of('agent.sampled').length > 0);
  for (const end = performance.now() + 250; performance.now() < end;);
  const held = await until(() => of('agent.sampled').find(each => each.loopDelayMs > 100));
  t.true(held.cpuSeconds > 0);
  t.true(held.rssBytes > 1 << 20);
  t.true(held.intervalMs >= 290);
});
