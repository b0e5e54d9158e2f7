import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from './cache.ts';
import type { Power } from './daemon.ts';
import { Daemon } from './daemon.ts';
import type { LogRecord, LogsLine } from './otlp-json.ts';
import { recordsOf } from './otlp-json.ts';
import { parts } from './parts.ts';
import { freePorts } from './ports.ts';

export type { LogRecord, Plain, PlainMap } from './otlp-json.ts';

export type CollectorOptions = {
  /**
   * The Collector acknowledges into a queue on disk and passes on to a second one, which writes the records: a gateway.
   * `kill`, `stop`, `pause` and `restart` then act on the gateway, `behind` is the second one.
   */
  readonly durable?: boolean;
  /** Laid over the OTLP receiver's `http` and `grpc` settings; `tls`, for one. */
  readonly http?: Readonly<Record<string, unknown>>;
  readonly grpc?: Readonly<Record<string, unknown>>;
};

export type RealCollector = Power & AsyncDisposable & {
  /** http://host:port; logs go to /v1/logs below it. */
  readonly http: string;
  /** host:port. */
  readonly grpc: string;
  /** Every log record stored so far, in the order in which they were stored. */
  records(): Promise<LogRecord[]>;
  /** The same one by one, for many. */
  eachRecord(take: (record: LogRecord) => void): Promise<void>;
  /** What the Collector has said so far. */
  log(): string;
  /** Behind a durable Collector: the one that writes the records. */
  readonly behind: Power | null;
};

type Exporter = { readonly name: string; readonly settings: object; readonly extensions?: object };

/** Written through on every batch: what was acknowledged survives a crash. With a flush interval, the default, the last batches do not. */
const toFile = (path: string): Exporter => ({ name: 'file', settings: { path, rotation: { max_megabytes: 10_000 } } });

const toQueue = (directory: string, endpoint: string): Exporter => ({
  name: 'otlp_grpc',
  settings: {
    endpoint, tls: { insecure: true },
    sending_queue: { enabled: true, storage: 'file_storage', queue_size: 100_000, num_consumers: 1, block_on_overflow: true },
    retry_on_failure: { initial_interval: '100ms', max_interval: '1s', max_elapsed_time: '0s' },
  },
  extensions: { file_storage: { directory, create_directory: true, fsync: true } },
});

/** JSON is YAML too. */
function configOf(receiver: object, { name, settings, extensions = {} }: Exporter): string {
  const pipeline = { receivers: ['otlp'], exporters: [name] };
  return JSON.stringify({
    receivers: { otlp: { protocols: receiver } },
    exporters: { [name]: settings },
    extensions,
    service: {
      extensions: Object.keys(extensions),
      telemetry: { metrics: { level: 'none' } },
      pipelines: { logs: pipeline, metrics: pipeline, traces: pipeline },
    },
  });
}

type Started = { readonly daemon: Daemon; readonly http: string; readonly grpc: string };

/** Each start has an exporter of its own, so that the end of one run's output is never joined to the beginning of the next. */
async function start(name: string, folder: string, options: CollectorOptions, exporterOf: (run: number) => Exporter): Promise<Started> {
  const ports = await freePorts('http', 'grpc');
  const [http, grpc] = [`127.0.0.1:${ports.http}`, `127.0.0.1:${ports.grpc}`];
  const receiver = { http: { endpoint: http, ...options.http }, grpc: { endpoint: grpc, ...options.grpc } };
  const config = join(folder, `${name}.json`);
  let run = 0;
  const daemon = await Daemon.start({
    command: join(installed(parts.collector), 'otelcol'), args: ['--config', config], cwd: folder,
    logFile: join(folder, `${name}.log`), readyText: 'Everything is ready',
    prepare: () => writeFile(config, configOf(receiver, exporterOf(run++))),
  });
  const scheme = options.http !== undefined && 'tls' in options.http ? 'https' : 'http';
  return { daemon, http: `${scheme}://${http}`, grpc };
}

/** Only the last line of a run may be unfinished: it is being written, or a crash cut it before it was acknowledged. */
async function readRecords(folder: string, take: (record: LogRecord) => void): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.startsWith('records-')).sort();
  for (const file of files) {
    let unfinished = '';
    for await (const text of createReadStream(join(folder, file), { encoding: 'utf8', highWaterMark: 2 ** 20 }) as AsyncIterable<string>) {
      const lines = (unfinished + text).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) recordsOf(JSON.parse(line) as LogsLine).forEach(take);
    }
  }
}

/** A real Collector on loopback, empty, gone with everything it stored when disposed of. */
export async function startCollector(options: CollectorOptions = {}): Promise<RealCollector> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-collector-'));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const writer = (run: number) => toFile(join(folder, `records-${String(run).padStart(4, '0')}.jsonl`));

  const behind = options.durable === true ? await start('behind', folder, {}, writer) : null;
  if (behind !== null) undo.use(behind.daemon);
  const exporterOf = behind === null ? writer : () => toQueue(join(folder, 'queue'), behind.grpc);
  const { daemon, http, grpc } = await start('collector', folder, options, exporterOf);
  undo.use(daemon);

  const owned = undo.move();
  return {
    http, grpc,
    behind: behind?.daemon ?? null,
    async records() {
      const records: LogRecord[] = [];
      await readRecords(folder, (record) => { records.push(record); });
      return records;
    },
    eachRecord: (take) => readRecords(folder, take),
    log: () => daemon.log,
    kill: () => daemon.kill(),
    stop: () => daemon.stop(),
    pause: () => { daemon.pause(); },
    resume: () => { daemon.resume(); },
    restart: () => daemon.restart(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
