import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import kafkajs, { type Message } from 'kafkajs';
import type { Envelope, Sink } from '../../agent/contract/forwarder.ts';
import { deliver } from '../../agent/pipeline/deliver.ts';
import { type Database, openDatabase } from '../../agent/store/database.ts';
import { type EnvelopeDraft, openOutbox } from '../../agent/store/outbox.ts';
import kafka, { messageOf } from '../../forwarders/kafka.ts';
import { loadKafkajs } from '../../forwarders/wire/kafkajs.ts';
import { envelope, host } from '../forwarders/builders.ts';
import { type RealKafka, startKafka } from '../services/kafka.ts';
import { missing } from '../services/missing.ts';
import { median, print, skipped } from './figure.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const rounds = 6;
const topic = 'mxwarden.bench';
const records = 6_000;
/** What deliver.ts gives a sink at a time. */
const mostBytes = 2 ** 20;
const mostRecords = 500;

/** Different incidents, each an attack told whole. */
const drafts = (from: number, count: number): EnvelopeDraft[] => Array.from({ length: count }, (_, index) => {
  const { sequence, ...draft } = envelope({ id: `i-${from + index}` }, { id: `i-${from + index}.1` });
  return draft;
});

function temporary<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-bench-'));
  try { return work(folder); } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** Envelopes a second into the outbox, against a bare loop that puts the same JSON into one table and waits for the disk as often. */
export function outboxFigures(): void {
  for (const [batch, batches] of [[1, 500], [100, 100]] as const) {
    const given = Array.from({ length: batches }, (_, index) => drafts(index * batch, batch));
    const ratios: number[] = [];
    let rate = 0;
    const own = () => temporary(folder => ownInserts(folder, given));
    const plain = () => temporary(folder => plainInserts(folder, given));
    for (let round = 0; round < rounds; round++) {
      const [first, second] = round % 2 === 0 ? [own(), plain()] : [plain(), own()];
      const [ours, theirs] = round % 2 === 0 ? [first, second] : [second, first];
      ratios.push(ours / theirs);
      rate = ours;
    }
    print({ name: `outbox.append.by-${batch}`, value: median(ratios), unit: 'ratio', against: 'an insert of the same JSON into one table of SQLite, WAL, synchronous = FULL', detail: { recordsPerSecond: Math.round(rate), least: Math.min(...ratios), most: Math.max(...ratios) } });
  }
}

const perSecond = (count: number, work: () => void): number => {
  const began = performance.now();
  work();
  return count / ((performance.now() - began) / 1_000);
};

function ownInserts(folder: string, given: readonly EnvelopeDraft[][]): number {
  using database = openDatabase(folder, quiet);
  const outbox = openOutbox(database, ['kafka']);
  return perSecond(given.flat().length, () => {
    for (const batch of given) if (!outbox.append(batch).stored) throw new Error('the outbox did not store it');
  });
}

function plainInserts(folder: string, given: readonly EnvelopeDraft[][]): number {
  const sqlite = new DatabaseSync(join(folder, 'plain.db'));
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE plain (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT');
  const insert = sqlite.prepare('INSERT INTO plain (id, body) VALUES (?, ?)');
  const rate = perSecond(given.flat().length, () => {
    for (const batch of given) {
      sqlite.exec('BEGIN IMMEDIATE');
      for (const draft of batch) insert.run(draft.id, JSON.stringify(draft));
      sqlite.exec('COMMIT');
    }
  });
  sqlite.close();
  return rate;
}

/**
 * From the outbox into a real topic, acknowledged and noted, against a bare loop of kafkajs that has the same alerts in
 * memory, makes JSON of them and sends them in the same batches; and, for what is left to gain, one that has the JSON too.
 */
export async function kafkaFigures(): Promise<void> {
  const lacks = missing('kafka');
  if (lacks !== null) { skipped('kafka.delivery', lacks); return; }
  await using broker = await startKafka();
  await broker.createTopic(topic);
  const bare = await bareProducer(broker);
  const ready = drafts(0, records).map((draft, sequence) => messageOf({ ...draft, sequence } as Envelope, { key: 'host', format: 'ocsf' }));
  const alerts = ready.map(({ value, ...message }) => ({ ...message, value: JSON.parse(String(value)) as unknown }));
  const batchSize = Math.min(mostRecords, Math.floor(mostBytes / Buffer.byteLength(JSON.stringify(drafts(records, 1)[0]))));
  const loop = async (batchOf: (from: number, to: number) => Message[]) => {
    const began = performance.now();
    for (let at = 0; at < records; at += batchSize) await bare.send({ topic, acks: -1, compression: kafkajs.CompressionTypes.GZIP, messages: batchOf(at, at + batchSize) });
    return records / ((performance.now() - began) / 1_000);
  };
  const contenders = [
    () => ownDelivery(broker),
    () => loop((from, to) => alerts.slice(from, to).map(alert => ({ ...alert, value: JSON.stringify(alert.value) }))),
    () => loop((from, to) => ready.slice(from, to)),
  ] as const;
  for (const contender of contenders) await contender();
  const rates: number[][] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    // Each goes first, in the middle and last equally often.
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length;
      rates[index]?.push(await contenders[index]?.() ?? Number.NaN);
    }
  }
  await bare.disconnect();
  const [own = [], plain = [], made = []] = rates;
  const ratios = own.map((rate, round) => rate / (plain[round] ?? Number.NaN));
  print({
    name: 'kafka.delivery', value: median(ratios), unit: 'ratio', against: 'kafkajs alone: the same alerts in memory, the same batches and producer', goal: '>= 0.9',
    detail: {
      recordsPerSecond: Math.round(median(own)), plainPerSecond: Math.round(median(plain)), jsonReadyPerSecond: Math.round(median(made)),
      bytesARecord: Buffer.byteLength(String(ready[0]?.value)), least: Math.min(...ratios), most: Math.max(...ratios),
    },
  });
}

async function bareProducer(broker: RealKafka): Promise<kafkajs.Producer> {
  const library = await loadKafkajs();
  const producer = new library.Kafka({ brokers: [broker.bootstrap], logLevel: library.logLevel.NOTHING })
    .producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, createPartitioner: library.Partitioners.DefaultPartitioner });
  await producer.connect();
  return producer;
}

/** The time from the opening of the sink, with a full outbox behind it, to an empty one. */
async function ownDelivery(broker: RealKafka): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-bench-'));
  let database: Database | undefined;
  try {
    database = openDatabase(folder, quiet);
    const outbox = openOutbox(database, ['kafka']);
    for (let at = 0; at < records; at += 1_000) outbox.append(drafts(at, 1_000));
    const settings = kafka.config.parse({ brokers: [broker.bootstrap], topic });
    const sink: Sink = await kafka.open(settings, { log: quiet, host });
    const began = performance.now();
    await using delivery = deliver({ outbox, sinks: [{ name: 'kafka', open: async () => sink }], log: quiet });
    while ((delivery.status()[0]?.delivered ?? 0) < records) await new Promise(resolve => setTimeout(resolve, 5));
    return records / ((performance.now() - began) / 1_000);
  } finally {
    database?.[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}
