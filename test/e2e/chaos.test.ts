import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { testWith } from '../services/require.ts';
import { run } from '../services/run.ts';
import { count, emptyTally, openLedger, startWriter, type Tally } from './chaos-ledger.ts';
import { startWorld, topic, type World } from './chaos-world.ts';
import { type Fault, planOf } from './faults.ts';
import { until } from './rig.ts';

const rounds = Number(process.env.MXWARDEN_CHAOS_ROUNDS ?? 6);
/** Always the same faults unless asked otherwise: `MXWARDEN_CHAOS_SEED=random` for others. */
const wish = process.env.MXWARDEN_CHAOS_SEED ?? '1023231379';
const seed = wish === 'random' ? randomInt(2 ** 31) : Number(wish);
const perSecond = 50;
const bin = new URL('../../agent/mxwarden', import.meta.url).pathname;

test('a seed gives the same faults again, and every six of them strike everything', t => {
  t.deepEqual(planOf(7, 60), planOf(7, 60));
  t.notDeepEqual(planOf(7, 60), planOf(8, 60));
  const struck = (faults: readonly Fault[]) => new Set(faults.map(fault => fault.split('.')[0])).size;
  for (let at = 0; at < 60; at += 6) t.is(struck(planOf(7, 60).slice(at, at + 6).map(({ fault }) => fault)), 6);
  t.is(new Set(planOf(7, 200).map(({ fault }) => fault)).size, 13);
});

/** All that a sink has now. */
async function tallies({ broker, collector }: World): Promise<{ kafka: Tally; otlp: Tally }> {
  const [kafka, otlp] = [emptyTally(), emptyTally()];
  await broker.consumeEach(topic, ({ value }) => count(kafka, JSON.parse(value)));
  await collector.eachRecord(({ body }) => count(otlp, body as unknown as Parameters<typeof count>[1]));
  return { kafka, otlp };
}

testWith.serial(['kafka', 'collector', 'root', 'cc'], 'whatever fails, and in whatever order: every incident that was stored is in the topic and in the Collector, and no other', async t => {
  t.timeout(600_000 + rounds * 120_000);
  t.log(`MXWARDEN_CHAOS_SEED=${seed} MXWARDEN_CHAOS_ROUNDS=${rounds}`);
  const began = performance.now();
  await using world = await startWorld(256 + 16 * rounds);
  await using ledger = openLedger(world.state);
  await using writer = startWriter(world.at.models, perSecond, path => ledger.files.has(path));
  const plan = planOf(seed, rounds);
  for (const [number, round] of plan.entries()) {
    const before = performance.now();
    await world.strike(round);
    await delay(round.restMs);
    process.stderr.write(`chaos ${number + 1}/${rounds} ${round.fault}: ${Math.round(performance.now() - before)} ms, ${JSON.stringify({ written: writer.written.size, ...ledger.look() })}\n`);
  }
  await writer.stop();

  const missing = (tally: Tally) => ({ sequences: (ledger.look()?.last ?? Number.NaN) - tally.bySequence.size, files: writer.written.difference(tally.files).size });
  let found = await tallies(world);
  await until(async () => {
    if (ledger.look()?.pending !== 0) return false;
    found = await tallies(world);
    return Object.values(found).every(tally => missing(tally).files === 0 && missing(tally).sequences <= 0);
  }, 300_000 + rounds * 15_000, () => `both sinks have everything; missing in the topic: ${JSON.stringify(missing(found.kafka))}, in the Collector: ${JSON.stringify(missing(found.otlp))}\n${world.said().slice(-4_000)}`);

  const stored = ledger.look()?.last ?? 0;
  for (const [name, tally] of Object.entries(found)) {
    const sequences = [...tally.bySequence.keys()].sort((a, b) => a - b);
    t.deepEqual([sequences[0], sequences.at(-1)], [1, sequences.length], `${name}: without a gap`);
    t.true(sequences.length >= stored, `${name}: ${sequences.length} of ${stored}`);
    for (const [sequence, ids] of tally.bySequence) if (ids.size !== 1) t.fail(`${name}: ${sequence} is ${[...ids].join(' and ')}`);
    for (const [sequence, id] of ledger.ids) if (!tally.bySequence.get(sequence)?.has(id)) t.fail(`${name}: ${sequence} is not ${id}`);
    t.deepEqual([...writer.written.difference(tally.files)], [], `${name}: every file is told of`);
    t.deepEqual([...tally.files.difference(writer.written)], [], `${name}: no other file is`);
  }
  const verified = await run(bin, ['audit', 'verify', '--config', world.at.config]);
  t.is(verified.code, 0, verified.stdout);
  const said = (text: string) => world.said().split(text).length - 1;
  t.log(JSON.stringify({
    rounds, seconds: Math.round((performance.now() - began) / 1_000), filesWritten: writer.written.size, stored, seenInTheOutbox: ledger.ids.size,
    duplicates: { kafka: found.kafka.records - found.kafka.bySequence.size, otlp: found.otlp.records - found.otlp.bySequence.size },
    timesTheDiskWasTooFull: said('nothing can be stored'), timesASinkFailed: said('a sink takes no alerts'),
  }));
});
