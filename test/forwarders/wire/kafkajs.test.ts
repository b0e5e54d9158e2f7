import { createRequire } from 'node:module';
import test from 'ava';
import { loadKafkajs, logTo } from '../../../forwarders/wire/kafkajs.ts';
import { quoter } from '../../../forwarders/wire/verdict.ts';
import { memoryLog } from '../builders.ts';

const require = createRequire(import.meta.url);
type Queue = { pending: unknown[]; throttledUntil: number; throttleCheckTimeoutId: NodeJS.Timeout | null; scheduleCheckPendingRequests(): void; destroy(): void };
const RequestQueue = require('kafkajs/src/network/requestQueue') as (new (options: object) => Queue) & { prototype: Queue };
const original = RequestQueue.prototype.scheduleCheckPendingRequests;
const idle = (): Queue => new RequestQueue({ logger: { debug() {} } });

test.serial('kafkajs is the version that the cure was made for, and still has the fault', t => {
  t.is((require('kafkajs/package.json') as { version: string }).version, '2.2.4');
  const queue = idle();
  original.call(queue);
  const timer = queue.throttleCheckTimeoutId as (NodeJS.Timeout & { _idleTimeout: number }) | null;
  t.true((timer?._idleTimeout ?? 0) <= 1, 'an idle queue arms a timer at once: if it does not any more, forwarders/wire/kafkajs.ts can go');
  queue.destroy();
});

test.serial('cured, an idle connection arms no timer, one with something pending does', async t => {
  await loadKafkajs();
  await loadKafkajs();
  const queue = idle();
  queue.scheduleCheckPendingRequests();
  t.is(queue.throttleCheckTimeoutId, null);
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  t.not(queue.throttleCheckTimeoutId, null);
  queue.destroy();
  const throttled = idle();
  throttled.throttledUntil = Date.now() + 60_000;
  throttled.scheduleCheckPendingRequests();
  t.not(throttled.throttleCheckTimeoutId, null);
  throttled.destroy();
});

test('its log lines are for debugging only, and come without secrets', t => {
  const log = memoryLog();
  logTo(log, quoter(['hunter22']))(2)({ namespace: 'Connection', level: 1, label: 'ERROR', log: { timestamp: '', message: 'failed with hunter22', broker: 'b:1' } });
  t.is(log.lines.length, 1);
  t.regex(log.lines[0] ?? '', /^debug kafkajs Connection: failed with \*\*\*/);
});
