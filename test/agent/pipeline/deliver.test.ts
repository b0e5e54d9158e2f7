import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Log } from '../../../agent/contract/component.ts';
import { MisconfiguredError, RejectedError, RetryableError } from '../../../agent/contract/errors.ts';
import type { Envelope, Sink } from '../../../agent/contract/forwarder.ts';
import { failureOf, type Pace, pace, waitMs } from '../../../agent/pipeline/backoff.ts';
import type { SinkSpec } from '../../../agent/pipeline/courier.ts';
import { type Delivery, deliver } from '../../../agent/pipeline/deliver.ts';
import { type Outbox, openOutbox } from '../../../agent/store/outbox.ts';
import { database, draft, drafts, folder, notebook, value } from '../store/drafts.ts';
import { poster, receiver } from './receiver.ts';

const brisk: Pace = { firstMs: 5, maxMs: 20, misconfiguredMs: 20 };
/** So slow that whatever happens in a test happens within the first wait. */
const glacial: Pace = { firstMs: 86_400_000, maxMs: 86_400_000, misconfiguredMs: 86_400_000 };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const sink = (send: Sink['send']): Sink => ({ send, async [Symbol.asyncDispose]() {} });
const opening = (name: string, send: Sink['send'], more: Partial<SinkSpec> = {}): SinkSpec => ({ name, open: async () => sink(send), ...more });
const ids = (batch: readonly Envelope[]) => batch.map(({ id }) => id);

interface Bench { readonly outbox: Outbox; readonly delivery: Delivery; readonly directory: string; put(...drafts: ReturnType<typeof draft>[]): void }

function bench(t: ExecutionContext, sinks: readonly SinkSpec[], { pace = brisk, log = notebook() }: { pace?: Pace; log?: Log } = {}): Bench {
  t.timeout(60_000);
  const state = database(t);
  const outbox = openOutbox(state, sinks.map(({ name }) => name));
  const delivery = deliver({ outbox, sinks, log, pace });
  // Ava runs these in reverse order: delivery ends before its database closes.
  t.teardown(() => delivery.stop(100));
  return { outbox, delivery, directory: state.directory, put(...drafts) { value(outbox.append(drafts)); delivery.notify(); } };
}

const waiting = (outbox: Outbox, name: string) => outbox.depth().find(each => each.sink === name)?.pending;

test('batches keep their order and their limits', async t => {
  const far = await receiver(t, () => 200);
  const { outbox, put, delivery } = bench(t, [{ name: 'post', open: async () => poster(far.url), maxRecords: 20 }]);
  put(...drafts(0, 50));
  put(...drafts(50, 3));
  await until(() => waiting(outbox, 'post') === 0);
  t.deepEqual(ids(far.taken), drafts(0, 53).map(({ id }) => id));
  t.true(far.batches.every(({ length }) => length <= 20));
  t.like(delivery.status()[0], { sink: 'post', state: 'healthy', reason: null, tries: 0, inFlight: 0, delivered: 53, buried: 0 });
});

test('what fails is tried again, in order, until it is taken', async t => {
  const far = await receiver(t, (_, nth) => nth % 3 === 0 ? 200 : nth % 3 === 1 ? 503 : 'drop');
  const { outbox, put } = bench(t, [{ name: 'post', open: async () => poster(far.url), maxRecords: 4 }]);
  put(...drafts(0, 12));
  await until(() => waiting(outbox, 'post') === 0);
  t.deepEqual(far.taken.map(({ sequence }) => sequence), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('what comes next is read and prepared while the far side is waited for, and those very envelopes are sent', async t => {
  const prepared: Envelope[] = [];
  const sent: Envelope[] = [];
  let tries = 0;
  const eager: Sink = {
    prepare(some) { prepared.push(...some); },
    async send(batch) {
      tries += 1;
      if (tries <= 2) await until(() => prepared.length >= 2 * tries);
      if (tries === 1) throw new RetryableError('not yet');
      sent.push(...batch);
    },
    async [Symbol.asyncDispose]() {},
  };
  const { outbox, put } = bench(t, [{ name: 'eager', open: async () => eager, maxRecords: 2 }]);
  put(...drafts(0, 6));
  await until(() => waiting(outbox, 'eager') === 0);
  t.deepEqual(ids(sent), drafts(0, 6).map(({ id }) => id));
  t.true(sent.slice(2).every(envelope => prepared.includes(envelope)));
});

test('a dead letter that is sent again while another batch is under way still goes', async t => {
  const sent: string[] = [];
  const released = Promise.withResolvers<void>();
  const { outbox, put, delivery } = bench(t, [opening('strict', async batch => {
    if (ids(batch).includes('bad') && !sent.includes('bad')) { sent.push('bad'); throw new RejectedError('not wanted', ['bad']); }
    if (ids(batch).includes('slow')) await released.promise;
    sent.push(...ids(batch));
  })]);
  put(draft('bad'));
  await until(() => outbox.depth()[0]?.dead === 1);
  put(draft('slow'));
  await until(() => delivery.status()[0]?.inFlight === 1);
  t.is(value(outbox.retry({})), 1);
  released.resolve();
  await until(() => waiting(outbox, 'strict') === 0);
  t.deepEqual(sent, ['bad', 'slow', 'bad']);
});

test('a sink that hangs delays no other, is told as such, and gets everything once it answers', async t => {
  let hangs = true;
  const slow = await receiver(t, () => hangs ? 'hang' : 200);
  const quick = await receiver(t, () => 200);
  const { outbox, put, delivery } = bench(t, [
    { name: 'slow', open: async () => poster(slow.url), sendTimeoutMs: 200 },
    { name: 'quick', open: async () => poster(quick.url), maxRecords: 10 },
  ]);
  put(draft('first'));
  await until(() => slow.batches.length > 0);
  put(...drafts(0, 200));
  await until(() => waiting(outbox, 'quick') === 0);
  t.is(waiting(outbox, 'slow'), 201);
  await until(() => delivery.status()[0]?.state === 'retrying');
  t.is(delivery.status()[0]?.reason, 'no answer within 200 ms');
  hangs = false;
  await until(() => waiting(outbox, 'slow') === 0);
  t.is(new Set(ids(slow.taken)).size, 201);
});

test('a sink deaf to its signal is given up and opened anew, and its late answer counts for nothing', async t => {
  t.timeout(60_000);
  let opened = 0;
  const late = Promise.withResolvers<void>();
  const seen: string[] = [];
  const { outbox, put } = bench(t, [{
    name: 'deaf', sendTimeoutMs: 20,
    async open() {
      opened += 1;
      const deaf = opened === 1;
      return sink(async batch => deaf ? late.promise : void seen.push(...ids(batch)));
    },
  }]);
  put(draft('a'));
  await until(() => waiting(outbox, 'deaf') === 0);
  late.reject(new Error('too late'));
  await sleep(20);
  t.is(opened, 2);
  t.deepEqual(seen, ['a']);
});

test('refused envelopes become dead letters with the reason, the rest of their batch is delivered', async t => {
  const far = await receiver(t, batch => batch.some(({ type, body }) => type === 'incident' && body.severity === 'info') ? 422 : 200);
  const log = notebook();
  const { outbox, put, delivery } = bench(t, [{ name: 'post', open: async () => poster(far.url) }], { log });
  put(draft('a'), draft('b', 'info'), draft('c'), draft('d', 'info'));
  put(draft('e'));
  await until(() => waiting(outbox, 'post') === 0);
  t.deepEqual(outbox.list().map(({ id, state, buried }) => [id, state, buried?.reason]), [['b', 'dead', 'not wanted'], ['d', 'dead', 'not wanted']]);
  t.like(delivery.status()[0], { state: 'healthy', delivered: 3, buried: 2 });
  t.is(far.batches.filter(batch => ids(batch).includes('a')).length, 1);
  t.deepEqual(log.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields), [{ sink: 'post', count: 2, reason: 'not wanted' }]);
});

test('a refusal that names nothing of the batch says nothing about it: it is kept', async t => {
  let tries = 0;
  const { outbox, put } = bench(t, [opening('odd', async () => { tries += 1; if (tries === 1) throw new RejectedError('which?', ['other']); })]);
  put(draft('a'));
  await until(() => waiting(outbox, 'odd') === 0);
  t.is(tries, 2);
  t.is(outbox.depth()[0]?.dead, 0);
});

test('a misconfigured sink keeps everything, says why, and recovers by itself', async t => {
  let repaired = false;
  const taken: string[] = [];
  const log = notebook();
  const { outbox, put, delivery } = bench(t, [opening('kafka', async batch => {
    if (!repaired) throw new MisconfiguredError('topic alerts does not exist');
    taken.push(...ids(batch));
  })], { log });
  put(draft('a'), draft('b'));
  await until(() => (delivery.status()[0]?.tries ?? 0) >= 3);
  t.like(delivery.status()[0], { state: 'misconfigured', reason: 'topic alerts does not exist' });
  t.like(outbox.depth()[0], { pending: 2, dead: 0, lastError: { reason: 'topic alerts does not exist' } });
  repaired = true;
  await until(() => waiting(outbox, 'kafka') === 0);
  t.deepEqual(taken, ['a', 'b']);
  t.deepEqual(log.lines.map(({ level, message }) => [level, message]), [['warn', 'a sink takes no alerts; they wait'], ['info', 'a sink takes alerts again']]);
});

test('an error no sink may throw loses nothing, is logged as an error, and gets a fresh sink', async t => {
  let opened = 0;
  let closed = 0;
  const taken: string[] = [];
  const log = notebook();
  const { outbox, put } = bench(t, [{
    name: 'buggy',
    async open() {
      opened += 1;
      return {
        // Not even a promise: thrown on the spot.
        send(batch) { if (opened < 3) throw new TypeError('undefined is not a function'); taken.push(...ids(batch)); return Promise.resolve(); },
        async [Symbol.asyncDispose]() { closed += 1; },
      };
    },
  }], { log });
  put(draft('a'));
  await until(() => waiting(outbox, 'buggy') === 0);
  t.deepEqual([taken, opened, closed], [['a'], 3, 2]);
  t.is(log.lines.filter(({ level }) => level === 'error').length, 1);
});

test('a sink that cannot be opened is tried again like one that cannot send', async t => {
  let tries = 0;
  const taken: string[] = [];
  const { outbox, put, delivery } = bench(t, [{
    name: 'late',
    async open() {
      tries += 1;
      if (tries === 1) throw new RetryableError('refused');
      if (tries === 2) throw new MisconfiguredError('wrong password');
      return sink(async batch => void taken.push(...ids(batch)));
    },
  }]);
  put(draft('a'));
  await until(() => waiting(outbox, 'late') === 0);
  t.deepEqual([tries, taken], [3, ['a']]);
  t.is(delivery.status()[0]?.state, 'healthy');
});

test('new envelopes do not cut a back-off short: a dead sink costs one try', async t => {
  let tries = 0;
  const good: string[] = [];
  const { outbox, put, delivery } = bench(t, [
    opening('dead', async () => { tries += 1; throw new RetryableError('refused'); }),
    opening('good', async batch => void good.push(...ids(batch))),
  ], { pace: glacial });
  put(draft('first'));
  await until(() => delivery.status()[0]?.state === 'retrying');
  for (let n = 0; n < 300; n += 1) {
    put(draft(`e${n}`));
    if (n % 10 === 0) await sleep(1);
  }
  await until(() => waiting(outbox, 'good') === 0);
  t.is(tries, 1);
  t.is(good.length, 301);
});

test('a sink that answers at once leaves the event loop to others between batches', async t => {
  let batches = 0;
  const { outbox, put } = bench(t, [opening('stdout', async () => { batches += 1; }, { maxRecords: 1 })]);
  put(...drafts(0, 100));
  await until(() => batches > 0);
  t.true(batches < 100);
  await until(() => waiting(outbox, 'stdout') === 0);
});

test('an answer the outbox cannot note now is not asked for again', async t => {
  t.timeout(60_000);
  let sends = 0;
  const { outbox, put, directory, delivery } = bench(t, [opening('file', async () => {
    sends += 1;
    if (sends === 1) other.exec('BEGIN IMMEDIATE');
  })]);
  // Another process that holds the file's write lock, as a careless administrator would.
  const other = new DatabaseSync(join(directory, 'state.db'));
  t.teardown(() => other.close());
  put(draft('a'));
  await until(() => delivery.status()[0]?.state === 'retrying');
  t.regex(delivery.status()[0]?.reason ?? '', /busy/);
  t.is(waiting(outbox, 'file'), 1);
  other.exec('ROLLBACK');
  await until(() => waiting(outbox, 'file') === 0);
  t.is(sends, 1);
});

test('stopping delivers what is there, gives a failing sink one more try, and says what remains', async t => {
  let tries = 0;
  const good: string[] = [];
  const { put, delivery, outbox } = bench(t, [
    opening('good', async batch => void good.push(...ids(batch)), { maxRecords: 2 }),
    opening('dead', async () => { tries += 1; throw new RetryableError('refused'); }),
  ], { pace: glacial });
  put(draft('first'));
  await until(() => tries === 1);
  value(outbox.append(drafts(0, 9)));
  t.deepEqual(await delivery.stop(50_000), { undelivered: { good: 0, dead: 10 } });
  t.is(good.length, 10);
  t.is(tries, 2);
  t.is(outbox.next('dead', 100, 1e9).length, 10);
});

test('stopping does not wait for a sink that is deaf to its signal; its envelopes remain', async t => {
  let heard = false;
  const { put, delivery, outbox } = bench(t, [opening('deaf', () => { heard = true; return new Promise(() => {}); })]);
  put(draft('a'), draft('b'));
  await until(() => heard);
  t.deepEqual(await delivery.stop(100), { undelivered: { deaf: 2 } });
  t.deepEqual(ids(outbox.next('deaf', 100, 1e9)), ['a', 'b']);
});

test('stopping closes the sinks, and waits for no sink that will not close', async t => {
  const closed: string[] = [];
  const { delivery, put } = bench(t, [
    { name: 'tidy', open: async () => ({ async send() {}, async [Symbol.asyncDispose]() { closed.push('tidy'); } }) },
    { name: 'stuck', open: async () => ({ async send() {}, [Symbol.asyncDispose]: () => new Promise<void>(() => {}) }) },
  ]);
  put(draft('a'));
  await until(() => delivery.status().every(({ delivered }) => delivered === 1));
  t.deepEqual(await delivery.stop(1_000), { undelivered: { tidy: 0, stuck: 0 } });
  t.deepEqual(closed, ['tidy']);
});

test('delivered rows leave the outbox', async t => {
  const { outbox, put } = bench(t, [opening('file', async () => {})]);
  put(...drafts(0, 5));
  await until(() => waiting(outbox, 'file') === 0);
  await until(() => value(outbox.append(drafts(0, 5))).added === 5);
  t.pass();
});

test('the wait doubles up to its limit, anywhere below it, and what the far side asks for is the least', t => {
  const retry = failureOf(new RetryableError('refused'));
  const at = (tries: number, random: number) => waitMs(retry, tries, pace, () => random);
  t.deepEqual([1, 2, 3, 9, 10, 1_000_000].map(tries => at(tries, 1)), [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  t.is(at(3, 0.25), 1_000);
  t.true(at(1, 0) > 0);
  t.is(waitMs(failureOf(new RetryableError('slow down', { afterMs: 90_000 })), 1, pace, () => 0.5), 90_000);
  for (const afterMs of [Infinity, 1e300]) t.is(waitMs(failureOf(new RetryableError('never', { afterMs })), 1, pace), 3_600_000);
  for (const afterMs of [Number.NaN, -1]) t.true(waitMs(failureOf(new RetryableError('now', { afterMs })), 1, pace) > 0);
  t.is(waitMs(failureOf(new MisconfiguredError('wrong password')), 7, pace, () => 0.5), 60_000);
});

test('what the far side says is one bounded line', t => {
  const { reason } = failureOf(new RetryableError(`line\n\u202eforged${'x'.repeat(10_000)}`));
  t.regex(reason, /^line\\x0a\\u\{202e\}forgedx+…$/);
  t.true(reason.length < 600);
});

test('killed at any instant: all that was stored arrives, nothing else does, and each has one number', async t => {
  t.timeout(180_000);
  const far = await receiver(t, () => { const dice = Math.random(); return dice < 0.7 ? 200 : dice < 0.85 ? 503 : 'drop'; });
  const directory = folder(t);
  const notes = join(folder(t), 'notes');
  const script = fileURLToPath(new URL('../../fixtures/courier-crash.ts', import.meta.url));
  const start = (round: string) => spawn(process.execPath, [script, directory, far.url, notes, round], { stdio: ['pipe', 'pipe', 'inherit'] });
  for (let round = 0; round < 6; round += 1) {
    const child = start(`r${round}`);
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    await sleep(Math.random() * 250);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const last = start('drain');
  t.teardown(() => last.kill('SIGKILL'));
  t.deepEqual(await once(last, 'exit'), [0, null]);

  const marked = (mark: string) => readFileSync(notes, 'utf8').split('\n').filter(line => line.startsWith(`${mark} `)).map(line => line.slice(2));
  const taken = new Set(ids(far.taken));
  const tried = new Set(marked('t'));
  const stored = marked('s');
  t.true(stored.length > 50, `only ${stored.length} were stored before the kills`);
  t.deepEqual(stored.filter(id => !taken.has(id)), []);
  t.deepEqual([...taken].filter(id => !tried.has(id)), []);
  const numbers = new Map(far.batches.flat().map(({ id, sequence }) => [id, sequence]));
  t.true(far.batches.flat().every(({ id, sequence }) => numbers.get(id) === sequence));
  t.deepEqual([...numbers.values()].sort((a, b) => a - b), Array.from({ length: numbers.size }, (_, index) => index + 1));
});
