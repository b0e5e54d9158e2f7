import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, EachBatchPayload, IHeaders } from 'kafkajs';
import kafkajs from 'kafkajs';

/** One record as a consumer sees it. An absent value (a tombstone) is the empty string. */
export type Message = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
};

type Queue = { pending: unknown[]; throttledUntil: number };
type QueueClass = { prototype: { scheduleCheckPendingRequests?: unknown } };

/** kafkajs 2.2.4 asks an idle connection's queue again and again, with negative times: busy work and a warning since Node 24. */
const requestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as QueueClass;
const original = requestQueue.prototype.scheduleCheckPendingRequests;
if (typeof original !== 'function') throw new TypeError('kafkajs has changed: see whether its request queue still needs the cure');
requestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: Queue) {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.call(this);
};

const consumeMs = 20_000;

export const client = (bootstrap: string): kafkajs.Kafka => new kafkajs.Kafka({
  clientId: 'mxwarden-test', brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING,
  connectionTimeout: 3_000, requestTimeout: 10_000, retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
});

export async function asAdmin<Result>(bootstrap: string, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = client(bootstrap).admin();
  await admin.connect();
  try { return await work(admin); } finally { await admin.disconnect(); }
}

const headersOf = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));

const messagesOf = ({ batch }: EachBatchPayload): Message[] => batch.messages.map((message) => ({
  partition: batch.partition, offset: Number(message.offset), key: message.key?.toString() ?? null,
  value: message.value?.toString() ?? '', headers: headersOf(message.headers), timestamp: Number(message.timestamp),
}));

/** A broker that has just come back is not yet the leader of its partitions. */
async function offsetsOf(bootstrap: string, topic: string, tries = 20): Promise<{ partition: number; low: string; high: string }[]> {
  try { return await asAdmin(bootstrap, (admin) => admin.fetchTopicOffsets(topic)); } catch (error) {
    if (tries === 0 || !(error instanceof kafkajs.KafkaJSProtocolError && error.retriable)) throw error;
    await delay(500);
    return await offsetsOf(bootstrap, topic, tries - 1);
  }
}

/** Everything in the topic up to now, by partition and offset. */
export async function consumeAll(bootstrap: string, topic: string): Promise<Message[]> {
  const found: Message[] = [];
  await consumeEach(bootstrap, topic, (message) => { found.push(message); });
  return found.sort((one, other) => one.partition - other.partition || one.offset - other.offset);
}

/** The same without keeping it: each partition in its order. */
export async function consumeEach(bootstrap: string, topic: string, take: (message: Message) => void): Promise<void> {
  const offsets = await offsetsOf(bootstrap, topic);
  const unread = new Map(offsets.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]));
  if (unread.size === 0) return;

  let count = 0;
  const done = Promise.withResolvers<void>();
  const consumer = client(bootstrap).consumer({ groupId: `mxwarden-test-${randomUUID()}`, maxWaitTimeInMs: 50, sessionTimeout: 30_000 });
  consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) done.reject(payload.error); });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const messages = messagesOf(payload);
        count += messages.length;
        messages.forEach(take);
        if (Number(payload.batch.lastOffset()) + 1 >= (unread.get(payload.batch.partition) ?? 0)) unread.delete(payload.batch.partition);
        if (unread.size === 0) done.resolve();
      },
    });
    for (let before = -1; (await Promise.race([done.promise, delay(consumeMs, 'late' as const, { ref: false })])) === 'late'; before = count) {
      if (count === before) throw new Error(`${topic} was not read to its end, and nothing came for ${consumeMs} ms: ${count} messages so far`);
    }
  } finally {
    await consumer.disconnect();
  }
}
