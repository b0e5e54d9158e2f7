import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MisconfiguredError, RejectedError, RetryableError } from '../../../agent/contract/errors.ts';
import type { Envelope } from '../../../agent/contract/forwarder.ts';
import { deliver } from '../../../agent/pipeline/deliver.ts';
import { openOutbox } from '../../../agent/store/outbox.ts';
import { heartbeat } from '../../forwarders/builders.ts';
import { database, draft, drafts, notebook, value } from '../store/drafts.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

type Send = (batch: readonly Envelope[]) => Promise<void>;

function bench(t: ExecutionContext, sends: Readonly<Record<string, Send>>, log = notebook(), pace = { firstMs: 5, maxMs: 20, misconfiguredMs: 20 }) {
  t.timeout(60_000);
  const names = Object.keys(sends);
  const outbox = openOutbox(database(t), names);
  const sinks = names.map(name => ({ name, open: async () => ({ send: sends[name] as Send, async [Symbol.asyncDispose]() {} }) }));
  const delivery = deliver({ outbox, sinks, log, pace });
  t.teardown(() => delivery.stop(100));
  return { outbox, delivery };
}

test('a heartbeat goes to every sink, leaves nothing in the outbox, and is the last success of a quiet sink', async t => {
  const seen: Record<string, string[]> = { a: [], b: [] };
  const to = (name: string): Send => async batch => { seen[name]?.push(...batch.map(({ id }) => id)); };
  const { outbox, delivery } = bench(t, { a: to('a'), b: to('b') });
  delivery.beat(heartbeat());
  await until(() => seen['a']?.length === 1 && seen['b']?.length === 1);
  await until(() => delivery.status().every(({ beatAt }) => beatAt !== null));
  t.deepEqual(seen, { a: ['beat-1'], b: ['beat-1'] });
  t.is(outbox.lastSequence(), 0);
  t.deepEqual(outbox.list(), []);
});

test('while a sink is down heartbeats do not pile up: when it is back it gets the alerts, then the newest one alone', async t => {
  let down = true;
  const seen: string[] = [];
  const { outbox, delivery } = bench(t, { a: async batch => { if (down) throw new RetryableError('down'); seen.push(...batch.map(({ id }) => id)); } });
  value(outbox.append(drafts(0, 3)));
  for (let number = 1; number <= 50; number += 1) delivery.beat(heartbeat({}, `beat-${number}`));
  await until(() => delivery.status()[0]?.state === 'retrying');
  t.is(outbox.depth()[0]?.pending, 3);
  down = false;
  await until(() => seen.length >= 4);
  t.deepEqual(seen, ['e0', 'e1', 'e2', 'beat-50']);
});

test('a sink that is down is noticed by its heartbeat, and alerts that come then are tried at once', async t => {
  const tried: string[][] = [];
  const { outbox, delivery } = bench(t, { a: async batch => { tried.push(batch.map(({ id }) => id)); if (batch.some(({ type }) => type === 'heartbeat')) throw new MisconfiguredError('no such topic'); } });
  delivery.beat(heartbeat());
  await until(() => delivery.status()[0]?.state === 'misconfigured');
  t.is(outbox.depth()[0]?.lastError?.reason, 'no such topic');
  value(outbox.append([draft('e0')]));
  delivery.notify();
  await until(() => outbox.depth()[0]?.pending === 0);
  t.deepEqual(tried, [['beat-1'], ['e0']], 'and what an operator must repair is not tried again before the next heartbeat');
  t.is(delivery.status()[0]?.state, 'healthy');
});

test('one that asks for another try gets it behind the next alerts', async t => {
  let fails = true;
  const seen: string[] = [];
  const { outbox, delivery } = bench(t, { a: async batch => { if (fails && batch.some(({ type }) => type === 'heartbeat')) throw new RetryableError('busy'); seen.push(...batch.map(({ id }) => id)); } });
  delivery.beat(heartbeat());
  await until(() => delivery.status()[0]?.state === 'retrying');
  fails = false;
  value(outbox.append([draft('e0')]));
  delivery.notify();
  await until(() => seen.length === 2);
  t.deepEqual(seen, ['e0', 'beat-1']);
});

test('a sink that refuses heartbeats is told once, stays well, and has no dead letter of them', async t => {
  const log = notebook();
  let tried = 0;
  const { outbox, delivery } = bench(t, { a: async batch => { tried += 1; throw new RejectedError('not wanted', batch.map(({ id }) => id)); } }, log);
  for (const number of [1, 2, 3]) {
    delivery.beat(heartbeat({}, `beat-${number}`));
    await until(() => tried === number);
  }
  t.deepEqual(outbox.list({ state: 'dead' }), []);
  await until(() => delivery.status()[0]?.state === 'healthy');
  t.is(log.lines.filter(({ message }) => message === 'a sink refuses heartbeats').length, 1);
});

test('a heartbeat that asks for another try has a back-off of its own: alerts that flow meanwhile do not pay for it', async t => {
  let beats = 0;
  const seen: string[] = [];
  const { outbox, delivery } = bench(t, { a: async batch => {
    if (batch.some(({ type }) => type === 'heartbeat')) { beats += 1; throw new RetryableError('busy', { afterMs: 3_600_000 }); }
    seen.push(...batch.map(({ id }) => id));
  } });
  delivery.beat(heartbeat());
  await until(() => delivery.status()[0]?.state === 'retrying');
  for (let index = 0; index < 20; index += 1) {
    value(outbox.append([draft(`e${index}`)]));
    delivery.notify();
    await until(() => outbox.depth()[0]?.pending === 0);
  }
  t.is(seen.length, 20);
  t.is(beats, 1);
});

test('heartbeats that failed for long do not lengthen the back-off of alerts', async t => {
  let beats = 0;
  const tried: number[] = [];
  const { outbox, delivery } = bench(t, { a: async batch => {
    if (batch.some(({ type }) => type === 'heartbeat')) { beats += 1; throw new MisconfiguredError('no such topic'); }
    tried.push(performance.now());
    if (tried.length === 1) throw new RetryableError('busy');
  } }, notebook(), { firstMs: 1, maxMs: 2 ** 31 - 1, misconfiguredMs: 20 });
  // After 40 tries anything up to 24 days would be waited.
  for (let number = 1; number <= 40; number += 1) {
    delivery.beat(heartbeat({}, `beat-${number}`));
    await until(() => beats === number);
  }
  value(outbox.append([draft('e0')]));
  delivery.notify();
  await until(() => outbox.depth()[0]?.pending === 0);
  t.is(tried.length, 2);
});

test('a sink that was down and then refuses heartbeats is there again', async t => {
  let answer: Error = new RetryableError('down');
  const { delivery } = bench(t, { a: async () => { throw answer; } });
  delivery.beat(heartbeat());
  await until(() => delivery.status()[0]?.state === 'retrying');
  answer = new RejectedError('not wanted', ['beat-1', 'beat-2']);
  delivery.beat(heartbeat({}, 'beat-2'));
  await until(() => delivery.status()[0]?.state === 'healthy');
  t.is(delivery.status()[0]?.reason, null);
});

test('a stop does not wait for a heartbeat that hangs, but delivers the alerts that wait', async t => {
  t.timeout(60_000);
  const seen: string[] = [];
  let hangs = false;
  const outbox = openOutbox(database(t), ['a']);
  const send: Send = async batch => {
    if (batch.some(({ type }) => type === 'heartbeat')) { hangs = true; await new Promise(() => { /* for ever */ }); }
    seen.push(...batch.map(({ id }) => id));
  };
  const delivery = deliver({ outbox, sinks: [{ name: 'a', open: async () => ({ send, async [Symbol.asyncDispose]() {} }) }], log: notebook(), pace: { firstMs: 5, maxMs: 20, misconfiguredMs: 20 } });
  value(outbox.append([draft('e0')]));
  delivery.notify();
  await until(() => seen.length === 1);
  value(outbox.append([draft('e1')]));
  delivery.beat(heartbeat());
  delivery.notify();
  await until(() => hangs);
  value(outbox.append([draft('e2')]));
  await delivery.stop(30_000);
  t.deepEqual(seen, ['e0', 'e1', 'e2']);
});
