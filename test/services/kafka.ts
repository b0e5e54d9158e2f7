import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from './cache.ts';
import type { Power } from './daemon.ts';
import { Daemon } from './daemon.ts';
import type { Message } from './kafka-client.ts';
import { asAdmin, client, consumeAll, consumeEach } from './kafka-client.ts';
import { parts } from './parts.ts';
import { freePorts } from './ports.ts';
import { mustRun } from './run.ts';

export type { Message } from './kafka-client.ts';

export type KafkaOptions = {
  /** Laid over the broker's own properties; `message.max.bytes`, for one. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further words for the formatting of its storage, such as `--add-scram`. */
  readonly format?: readonly string[];
};

export type TopicOptions = { readonly partitions?: number; readonly configs?: Readonly<Record<string, string>> };

export type RealKafka = Power & AsyncDisposable & {
  /** host:port of the plaintext listener. */
  readonly bootstrap: string;
  createTopic(name: string, options?: TopicOptions): Promise<void>;
  /** Stores values, one record each, with acks from all replicas. */
  send(topic: string, values: readonly string[]): Promise<void>;
  /** Every message of the topic up to now, from the beginning, by partition and offset. */
  consume(topic: string): Promise<Message[]>;
  /** The same one by one, for a topic that is large; each partition in its order. */
  consumeEach(topic: string, take: (message: Message) => void): Promise<void>;
  /** What the broker has said so far. */
  log(): string;
};

type Ports = { readonly plaintext: number; readonly controller: number };

/** Further listeners (SASL, TLS) join here: a name with a port in `listeners`, its protocol in the map, its own `listener.name.…` keys. */
const propertiesOf = (folder: string, ports: Ports): Record<string, string> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
  listeners: `PLAINTEXT://127.0.0.1:${ports.plaintext},CONTROLLER://127.0.0.1:${ports.controller}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.plaintext}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': join(folder, 'data'),
  'auto.create.topics.enable': 'false',
  'default.replication.factor': '1',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.num.partitions': '1',
  'transaction.state.log.min.isr': '1',
  // After a crash the controller keeps the dead broker's registration for a session, and refuses the new one: 9 s by default.
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '200',
  'group.initial.rebalance.delay.ms': '0', // a consumer that is alone need not wait for others
  'log.cleaner.dedupe.buffer.size': '8388608', // the default, 128 MiB, does not fit the heap
});

const logging = [
  'rootLogger.level=INFO', 'rootLogger.appenderRef.out.ref=out', 'appender.out.type=Console', 'appender.out.name=out',
  'appender.out.layout.type=PatternLayout', 'appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n',
].join('\n');

/** Small and quick to start rather than quick to run. */
const jvm = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** A real broker on loopback, empty, gone with everything it stored when disposed of. */
export async function startKafka(options: KafkaOptions = {}): Promise<RealKafka> {
  const jars = join(installed(parts.kafka), 'lib/*');
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-kafka-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  const path = (name: string) => join(folder, name);
  try {
    const ports = await freePorts('plaintext', 'controller');
    const properties = { ...propertiesOf(folder, ports), ...options.properties };
    await writeFile(path('server.properties'), Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join(''));
    await writeFile(path('log4j2.properties'), logging);
    const java = [...jvm, `-Dlog4j2.configurationFile=${path('log4j2.properties')}`, '-cp', jars];
    await mustRun('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', 'bXh3YXJkZW4tdGVzdC1rYQ', '-c', path('server.properties'), ...options.format ?? []]);
    const daemon = await Daemon.start({
      command: 'java', args: [...java, 'kafka.Kafka', path('server.properties')], cwd: folder,
      logFile: path('broker.log'), readyText: 'Kafka Server started',
    });
    return kafkaOn(daemon, `127.0.0.1:${ports.plaintext}`, removeFolder);
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

function kafkaOn(daemon: Daemon, bootstrap: string, removeFolder: () => Promise<void>): RealKafka {
  return {
    bootstrap,
    async createTopic(topic, { partitions = 1, configs = {} } = {}) {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
      await asAdmin(bootstrap, (admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions, configEntries }] }));
    },
    async send(topic, values) {
      const producer = client(bootstrap).producer({ allowAutoTopicCreation: false });
      await producer.connect();
      try { await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) }); } finally { await producer.disconnect(); }
    },
    consume: (topic) => consumeAll(bootstrap, topic),
    consumeEach: (topic, take) => consumeEach(bootstrap, topic, take),
    log: () => daemon.log,
    kill: () => daemon.kill(),
    stop: () => daemon.stop(),
    pause: () => { daemon.pause(); },
    resume: () => { daemon.resume(); },
    restart: () => daemon.restart(),
    async [Symbol.asyncDispose]() {
      await daemon.kill();
      await removeFolder();
    },
  };
}
