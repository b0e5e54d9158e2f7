import { setTimeout as delay } from 'node:timers/promises';
import type { Message, Producer, SASLOptions } from 'kafkajs';
import { z } from 'zod';
import { MisconfiguredError, RetryableError } from '../agent/contract/errors.ts';
import type { Envelope, ForwarderPort, Sink } from '../agent/contract/forwarder.ts';
import { defineForwarder } from '../agent/contract/forwarder.ts';
import { encodeCheckpoint } from './encode/checkpoint.ts';
import { type AlertFormat, contentType, encodeAs, formatConfig } from './encode/format.ts';
import { isoTime } from './encode/story.ts';
import { bearer, bearerConfig } from './wire/bearer.ts';
import { courier, pack } from './wire/courier.ts';
import { judgeKafkaError } from './wire/kafka-errors.ts';
import { loadKafkajs, logTo } from './wire/kafkajs.ts';
import { readTls, tlsConfig } from './wire/tls.ts';
import { errorOf, quoter } from './wire/verdict.ts';

const broker = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/@]+):\d{1,5}$/, { error: 'must be host:port' });
const topicName = z.string().regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, { error: 'must be 1 to 249 letters, digits, dots, underscores or hyphens' });

const config = z.strictObject({
  brokers: z.array(broker).min(1).default(['127.0.0.1:9092']),
  topic: topicName.default('mxwarden.alerts').describe('Must exist: the agent creates none'),
  topics: z.strictObject({
    alerts: topicName.optional(), checkpoints: topicName.optional(), heartbeats: topicName.optional(),
  }).prefault({}).describe('A topic of its own for one class of records; it must exist. Default: topic'),
  clientId: z.string().min(1).default('mxwarden'),
  key: z.enum(['host', 'artifact']).default('host').describe('Which alerts keep their order: those of a host, or those of an artifact by its digest'),
  format: formatConfig.default('ocsf'),
  tls: tlsConfig.optional(),
  sasl: z.union([
    z.strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1),
      password: z.string().min(1).meta({ secret: true }),
    }),
    z.strictObject({ mechanism: z.literal('oauthbearer'), bearer: bearerConfig }),
  ]).optional(),
  connectionTimeoutMs: z.int().min(1_000).max(60_000).default(5_000),
  requestTimeoutMs: z.int().min(2_000).max(300_000).default(30_000),
});
export type KafkaConfig = z.infer<typeof config>;

/** Enough for a broker's hiccup or a moved leader; the patience for more is deliver.ts's. */
const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 500 };
/** To what a record is shortened that is too large even alone. */
const trims = [131_072, 65_536, 32_768, 8_192, 2_048] as const;
/** How long a farewell to the broker may take. */
const farewellMs = 2_000;

/** Alerts into a Kafka topic, one record each: OCSF JSON with CloudEvents headers. */
export default defineForwarder({ name: 'kafka', optIn: true, config, open: openKafka });

/**
 * Owns: one producer, made at the first send. A producer whose send failed is never used again: its idempotence counts
 * records, so after a failure the broker could take different records for ones it already has, and drop them.
 */
async function openKafka(settings: KafkaConfig, { log }: ForwarderPort): Promise<Sink> {
  const library = await loadKafkajs();
  const quote = quoter(secretsOf(settings.sasl));
  const token = settings.sasl?.mechanism === 'oauthbearer' ? bearer(settings.sasl.bearer, quote) : null;
  if (settings.sasl && !settings.tls) log.warn('kafka: sasl without tls: whoever listens on the network can learn the credentials');
  let current: Promise<Producer> | null = null;
  let sending: ReadonlyMap<string, Envelope> = new Map();
  const prepared = new WeakMap<Envelope, Message>();

  async function connect(): Promise<Producer> {
    const { brokers, clientId, sasl, connectionTimeoutMs, requestTimeoutMs } = settings;
    // Asked for before the broker is: what is wrong with the token then comes out as what it is.
    await token?.();
    const made = new library.Kafka({
      brokers, clientId, connectionTimeout: connectionTimeoutMs, requestTimeout: requestTimeoutMs, authenticationTimeout: connectionTimeoutMs * 2,
      logLevel: library.logLevel.WARN, logCreator: logTo(log, quote), retry,
      ...(settings.tls ? { ssl: await readTls(settings.tls) } : {}),
      ...(token ? { sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) } } : sasl ? { sasl: sasl as SASLOptions } : {}),
    }).producer({
      createPartitioner: library.Partitioners.DefaultPartitioner, idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false,
      retry,
    });
    try { await made.connect(); } catch (error) { await part(made); throw error; }
    return made;
  }

  /** It failed, or is not needed any more: that it cannot say goodbye changes nothing. */
  const part = (old: Producer): Promise<void> => old.disconnect().catch((error: unknown) => { log.debug(`kafka: disconnect failed: ${quote(String(error))}`); });
  const retire = (old: Promise<Producer>): Promise<void> => old.then(part, () => { /* it never connected; whoever waited for it knows */ });

  const sendAll = (producer: Producer, topic: string, messages: Message[]) => producer.send({
    topic, acks: -1, timeout: Math.ceil(settings.requestTimeoutMs * 0.8), compression: library.CompressionTypes.GZIP, messages,
  });

  const deliver = courier<Addressed>(async (parcels, signal) => {
    current ??= connect();
    const using = current;
    const sent = using.then(producer => {
      if (signal.aborted) throw new RetryableError('stopped before it was sent');
      return sendAll(producer, parcels[0]?.value.topic ?? settings.topic, parcels.map(({ value }) => value.message));
    });
    try {
      await abortable(sent, signal);
      return null;
    } catch (error) {
      const verdict = isOurs(error) ? null : judgeKafkaError(error, quote);
      if (verdict?.outcome === 'refused') return parcels.length === 1 && await trimmed(using, parcels[0]?.id ?? '', signal) ? null : verdict;
      if (current === using) current = null;
      void retire(using);
      throw verdict === null ? error : errorOf(verdict);
    }
  });

  /** A record that is too large even alone is told with less, as long as that may help. True when it was taken. */
  async function trimmed(using: Promise<Producer>, id: string, signal: AbortSignal): Promise<boolean> {
    const envelope = sending.get(id);
    // The others have nothing to leave out.
    if (envelope?.type !== 'incident') return false;
    const whole = Buffer.byteLength(encodeAs(settings.format, envelope));
    for (const most of trims.filter(size => size < whole)) {
      try {
        await abortable(using.then(producer => sendAll(producer, topicOf(envelope, settings), [messageOf(envelope, settings, most)])), signal);
        log.warn(`kafka: ${quote(id)} was shortened from ${whole} to at most ${most} bytes, the broker takes no more`);
        return true;
      } catch (error) {
        if (error instanceof RangeError) return false;
        if (isOurs(error) || judgeKafkaError(error, quote).outcome !== 'refused') throw error;
      }
    }
    return false;
  }

  return {
    prepare(some) {
      // What cannot be encoded is refused when it is sent.
      pack(some, envelope => prepared.set(envelope, messageOf(envelope, settings)));
    },
    async send(batch, signal) {
      sending = new Map(batch.map(envelope => [envelope.id, envelope]));
      const { parcels, unwanted } = pack(batch, envelope => ({ topic: topicOf(envelope, settings), message: prepared.get(envelope) ?? messageOf(envelope, settings) }));
      await deliver([...Map.groupBy(parcels, ({ value: { topic, message } }) => `${topic} ${String(message.key)}`).values()], unwanted, signal);
    },
    async [Symbol.asyncDispose]() {
      const last = current;
      current = null;
      if (last) await Promise.race([retire(last), delay(farewellMs, undefined, { ref: false })]);
    },
  };
}

/** Those of one topic and key go together: of these the order is kept. */
interface Addressed { readonly topic: string; readonly message: Message }

/** Where records of this class go. */
export function topicOf(envelope: Envelope, { topic, topics }: Pick<KafkaConfig, 'topic' | 'topics'>): string {
  switch (envelope.type) {
    case 'incident': return topics.alerts ?? topic;
    case 'checkpoint': return topics.checkpoints ?? topic;
    case 'heartbeat': return topics.heartbeats ?? topic;
    default: return envelope satisfies never;
  }
}

/** What must not come back in a reason. */
function secretsOf(sasl: KafkaConfig['sasl']): readonly string[] {
  if (!sasl) return [];
  if (sasl.mechanism !== 'oauthbearer') return [sasl.password, sasl.username];
  const { token, clientSecret, clientId } = sasl.bearer;
  return [token, clientSecret, clientId].filter(each => each !== undefined);
}

const isOurs = (error: unknown): boolean => error instanceof RetryableError || error instanceof MisconfiguredError;

/** kafkajs cannot be told to stop: the caller goes on, and what it left behind is answered to nobody. */
function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const stop = (): void => { reject(new RetryableError('stopped while sending (it may be stored already)')); };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  void work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', stop); });
  return promise;
}

const uriPart = (text: string): string => encodeURIComponent(text.toWellFormed());

/** CloudEvents 1.0, binary content mode: the attributes are headers, the value is the alert as it is. */
export function messageOf(envelope: Envelope, { key, format }: { readonly key: KafkaConfig['key']; readonly format: AlertFormat }, most?: number): Message {
  const { id, host } = envelope;
  const { key: own, value, mime, type, subject, at } = contentOf(envelope, format, most);
  return {
    key: key === 'artifact' && own !== undefined ? own : host.id, value,
    headers: {
      'content-type': mime, ce_specversion: '1.0', ce_id: id, ce_type: type, ce_source: `urn:mxwarden:host:${uriPart(host.id)}`,
      ce_subject: uriPart(subject), ce_time: isoTime(at),
    },
  };
}

interface Content { readonly key?: string | undefined; readonly value: string; readonly mime: string; readonly type: string; readonly subject: string; readonly at: number }

function contentOf(envelope: Envelope, format: AlertFormat, most?: number): Content {
  switch (envelope.type) {
    case 'incident': {
      const { artifact, id, changedAt } = envelope.body;
      return { key: artifact?.sha256 ?? artifact?.place.path, value: encodeAs(format, envelope, most), mime: contentType(format), type: 'mxwarden.detection', subject: id, at: changedAt };
    }
    // It has one form, whatever that of the alerts: what is signed must arrive as it was signed.
    case 'checkpoint': return { value: JSON.stringify(encodeCheckpoint(envelope)), mime: contentType('ocsf'), type: 'mxwarden.audit.checkpoint', subject: envelope.body.origin, at: envelope.body.at };
    case 'heartbeat': return { value: encodeAs(format, envelope, most), mime: contentType(format), type: 'mxwarden.heartbeat', subject: envelope.host.id, at: envelope.body.at };
    default: return envelope satisfies never;
  }
}
