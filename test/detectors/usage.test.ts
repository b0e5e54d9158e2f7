import test from 'ava';
import usage from '../../detectors/usage.ts';
import type { Suspicion } from '../../agent/contract/finding.ts';
import { memory, mxnetCalled, mxnetMapped, networkTransferred, noon, pathArgument, identity, process, processSampled, ref } from '../builders.ts';

const config = usage.config.parse({});
type See = ReturnType<typeof usage.create>;
type Level = Parameters<typeof processSampled>[0];
const second = 1_000;

/** One sample a second from `from` seconds after noon, for so many seconds. */
function run(see: See, from: number, seconds: number, level: Level): Suspicion[] {
  return Array.from({ length: seconds }, (_, index) => see(processSampled({ id: `s${from + index}`, at: noon + (from + index) * second, ...level }))).flat();
}

function start(kept = memory(), of = process()): See {
  const see = usage.create(config, kept);
  see(mxnetMapped({ process: of, at: noon - 600 * second }));
  return see;
}
const load = (see: See, change: Parameters<typeof mxnetCalled>[0] = {}) => see(mxnetCalled({ id: 'load', ...change }));

test('more CPU than ever before, after a load and for some time, is low and says how much', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  load(see);
  const [finding, ...more] = run(see, 1, 120, { cpuSeconds: 3 });
  t.deepEqual(more, []);
  t.like(finding, { rule: 'usage.cpu', severity: 'low' });
  t.is(finding?.because[1], 'load');
  t.regex(finding?.summary ?? '', /serve\.py \(pid 4121\) uses more CPU than in its past: 3\.00 cores against 0\.10 cores .* after loading "\/srv\/models/);
});

test('the load itself and half a minute after it are left out', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  load(see, { durationMs: 10_000 });
  t.deepEqual(run(see, 1, 38, { cpuSeconds: 3 }), []);
  t.deepEqual(run(see, 41, 200, { cpuSeconds: 0.1 }), []);
});

test('a short burst, a rise within the ratio and a rise below the floor are none', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.4 });
  load(see);
  for (let round = 0; round < 10; round++) {
    t.deepEqual(run(see, 40 + 20 * round, 5, { cpuSeconds: 3 }), []);
    t.deepEqual(run(see, 45 + 20 * round, 15, { cpuSeconds: 0.4 }), []);
  }
  t.deepEqual(run(see, 300, 100, { cpuSeconds: 0.75 }), []);
});

test('a past of work and pauses knows both levels', t => {
  const see = start();
  for (let at = -120; at < -1; at++) run(see, at, 1, { cpuSeconds: at % 3 === 0 ? 2 : 0.2 });
  load(see);
  t.deepEqual(run(see, 40, 60, { cpuSeconds: 2.4 }), []);
  t.is(run(see, 100, 60, { cpuSeconds: 2.6 }).length, 1);
});

test('a restless past needs more', t => {
  const see = start();
  for (let at = -120; at < -1; at++) run(see, at, 1, { cpuSeconds: 0.2 + (at % 5 + 5) % 5 * 0.2 });
  load(see);
  t.deepEqual(run(see, 40, 60, { cpuSeconds: 2 }), []);
  t.is(run(see, 100, 60, { cpuSeconds: 3 }).length, 1);
});

test('less than a minute of past is too little to judge by, and teaches', t => {
  const see = start();
  run(see, -30, 29, { cpuSeconds: 0.1 });
  load(see);
  t.deepEqual(run(see, 40, 120, { cpuSeconds: 3 }), []);
});

test('one finding per figure, process and hour', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  load(see);
  t.is(run(see, 40, 3_000, { cpuSeconds: 3 }).length, 1);
  const other = process({ pid: 9 });
  see(mxnetMapped({ process: other }));
  run(see, 3_000, 119, { process: ref({ pid: 9 }), cpuSeconds: 0.1 });
  see(mxnetCalled({ process: other, at: noon + 3_119 * second }));
  t.is(run(see, 3_160, 60, { process: ref({ pid: 9 }), cpuSeconds: 3 }).length, 1);
});

test('without a load nothing is judged, nor an hour after it', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  t.deepEqual(run(see, 0, 100, { cpuSeconds: 3 }), []);
  const late = start();
  run(late, -120, 119, { cpuSeconds: 0.1 });
  load(late);
  t.deepEqual(run(late, 3_700, 100, { cpuSeconds: 3 }), []);
});

test('who loads again every twenty seconds is judged all the same', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  const found = Array.from({ length: 30 }, (_, round) => {
    see(mxnetCalled({ id: `l${round}`, at: noon + round * 20 * second }));
    return run(see, round * 20 + 1, 19, { cpuSeconds: 3 });
  }).flat();
  t.is(found[0]?.rule, 'usage.cpu');
});

test('memory grows by what the model takes; beyond that it is told', t => {
  const big = pathArgument({ file: identity({ size: 2 ** 30 }) });
  const see = start();
  run(see, -120, 119, { rssBytes: 2 ** 30 });
  load(see, { argument: big });
  t.deepEqual(run(see, 40, 60, { rssBytes: 4 * 2 ** 30 }), []);
  t.is(run(see, 100, 60, { rssBytes: 8 * 2 ** 30 })[0]?.rule, 'usage.memory');
});

test('threads and sent bytes have their rules', t => {
  const see = start();
  run(see, -120, 119, { threads: 12 });
  load(see);
  t.is(run(see, 40, 60, { threads: 200 })[0]?.rule, 'usage.threads');
  const net = start();
  const send = (from: number, seconds: number, sentBytes: number) => Array.from({ length: seconds }, (_, index) => net(networkTransferred({ at: noon + (from + index) * second, sentBytes }))).flat();
  send(-120, 119, 5_000);
  load(net);
  t.deepEqual(send(40, 60, 100_000), []);
  t.is(send(100, 60, 5_000_000)[0]?.rule, 'usage.network-sent');
});

test('a restarted service is judged by the history of its program', t => {
  const kept = memory();
  const see = start(kept);
  run(see, -1_000, 900, { cpuSeconds: 0.2 });
  const again = process({ pid: 9 });
  const next = start(memory(kept.entries), again);
  next(mxnetCalled({ id: 'load', process: again }));
  const [finding] = run(next, 40, 60, { process: ref({ pid: 9 }), cpuSeconds: 3 });
  t.is(finding?.rule, 'usage.cpu');
  const stranger = process({ pid: 10, argv: ['python3', 'other.py'] });
  const unknown = start(memory(kept.entries), stranger);
  unknown(mxnetCalled({ process: stranger }));
  t.deepEqual(run(unknown, 40, 60, { process: ref({ pid: 10 }), cpuSeconds: 3 }), []);
});

test('what the program has used before on other days is no news', t => {
  const kept = memory();
  run(start(kept), -2_000, 900, { cpuSeconds: 3.5 });
  const again = process({ pid: 9 });
  const next = start(memory(kept.entries), again);
  run(next, -120, 119, { process: ref({ pid: 9 }), cpuSeconds: 0.1 });
  next(mxnetCalled({ process: again }));
  t.deepEqual(run(next, 40, 60, { process: ref({ pid: 9 }), cpuSeconds: 3 }), []);
});

test('medium needs a day of history, ten times the past, twice the highest, and two minutes on end', t => {
  const day = 86_400;
  const kept = memory();
  const see = start(kept);
  run(see, -day - 900, 800, { cpuSeconds: 0.2 });
  run(see, -120, 119, { cpuSeconds: 0.2 });
  load(see);
  const found = run(see, 40, 200, { cpuSeconds: 8 });
  t.deepEqual(found.map(finding => finding.severity), ['low', 'medium']);
  const young = start();
  run(young, -900, 899, { cpuSeconds: 0.2 });
  load(young);
  t.deepEqual(run(young, 40, 200, { cpuSeconds: 8 }).map(finding => finding.severity), ['low']);
});

test('the close look of 100 ms right after a load is not mixed in', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  load(see);
  t.deepEqual(run(see, 40, 60, { intervalMs: 100, cpuSeconds: 0.3 }), []);
});

test('a sample that is no number is left out', t => {
  const see = start();
  run(see, -120, 119, { cpuSeconds: 0.1 });
  load(see);
  t.deepEqual(run(see, 40, 60, { cpuSeconds: Number.NaN }), []);
  t.is(run(see, 100, 60, { cpuSeconds: 3 }).length, 1);
});
