import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { child, mxnetCalled, noon, process as processOf, processExecuted, ref } from '../builders.ts';
import { detection } from './feed.ts';
import { randomEvent, randomFrom } from './random-events.ts';

const rounds = 200_000;

/** Notes how large each Map and Set grows while `act` runs; nothing in the detectors has to help. */
async function largest(act: () => Promise<void>): Promise<number> {
  const [set, add] = [Map.prototype.set, Set.prototype.add];
  let most = 0;
  Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) { set.call(this, key, value); most = Math.max(most, this.size); return this; };
  Set.prototype.add = function (this: Set<unknown>, value: unknown) { add.call(this, value); most = Math.max(most, this.size); return this; };
  try { await act(); } finally { Map.prototype.set = set; Set.prototype.add = add; }
  return most;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = () => { collect(); return process.memoryUsage().heapUsed + process.memoryUsage().external; };

test.serial('200,000 events that want to fill every memory leave each map below its cap, and the whole below 200 MiB', async t => {
  t.timeout(300_000);
  const random = randomFrom(20_261_124);
  const before = heap();
  const by = detection();
  const most = await largest(async () => {
    for (let index = 0; index < rounds; index++) {
      by.see(randomEvent(random, index));
      // The pipeline stores each memory from time to time; what changed since is not the detectors' to bound.
      if (index % 1_000 !== 0) continue;
      for (const kept of by.memories.values()) kept.takeChanges();
      await setImmediate();
    }
  });
  const grown = (heap() - before) / 2 ** 20;
  t.log({ largestMap: most, grownMiB: Math.round(grown) });
  t.is(by.failures, 0);
  // One more than a cap of 20,000, at the moment before the oldest is forgotten.
  t.true(most > 10_000 && most <= 20_001, `${most}`);
  t.true(grown < 200, `${grown} MiB`);
});

test.serial('a shell after a load is still seen, and joined with its load, when 2,000 such events come in between', t => {
  const random = randomFrom(7);
  const by = detection();
  const of = processOf({ pid: 70_000 });
  by.see(mxnetCalled({ id: 'load', process: of }));
  for (let index = 0; index < 2_000; index++) by.see(randomEvent(random, index));
  const [finding] = by.see(processExecuted({ id: 'shell', at: noon + 1_000, process: child({ ancestors: [] }), tree: ref({ pid: 70_000 }) }));
  t.like(finding, { rule: 'child.shell', severity: 'high', because: ['shell', 'load'] });
});
