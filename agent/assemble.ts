import { randomBytes } from 'node:crypto';
import { collectors } from '../collectors/index.ts';
import { bootId, hostIdentity, ownProcess } from '../collectors/kernel/procfs/identity.ts';
import { detectors } from '../detectors/index.ts';
import { forwarders } from '../forwarders/index.ts';
import { openAccount } from './audit/account.ts';
import type { Loaded } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { type LetterFilter, serveControl } from './control.ts';
import type { Log } from './contract/component.ts';
import type { Severity } from './contract/finding.ts';
import { RetryableError } from './contract/errors.ts';
import type { Event, EventOf } from './contract/event.ts';
import { announce } from './pipeline/announce.ts';
import { createCommit } from './pipeline/commit.ts';
import { createCorrelation } from './pipeline/correlate.ts';
import { deliver, type Delivery } from './pipeline/deliver.ts';
import { createDetection, type Detection } from './pipeline/detect.ts';
import { createHeartbeat } from './pipeline/heartbeat.ts';
import { createInspector } from './pipeline/inspect.ts';
import { record } from './pipeline/record.ts';
import { createStream } from './pipeline/stream.ts';
import { supervise } from './pipeline/supervise.ts';
import { createRecent } from './recent.ts';
import type { SinkStatus, Status } from './status.ts';
import { openArtifacts } from './store/artifacts.ts';
import { openDatabase } from './store/database.ts';
import { openIncidents } from './store/incidents.ts';
import { openOutbox, type Outbox } from './store/outbox.ts';
import { openState, type StateStore } from './store/state.ts';
import { dropsTold } from './store/untold.ts';
import { version } from './version.ts';

/** How an incident is told on a terminal: the forwarder's own words. */
export { type Paint, renderIncident } from '../forwarders/encode/terminal.ts';
export { processTree } from '../forwarders/encode/tree.ts';

/** Every plugin there is. */
export const registry = { collectors, detectors, forwarders };

export interface Agent {
  status(): Status;
  /** Sensors, as they last spoke. */
  sensors(): readonly EventOf<'sensor.changed'>[];
  /** Swaps what can be swapped while running; returns the keys that need a restart. */
  reload(loaded: Loaded): Promise<readonly string[]>;
  /** In order: sensors, detectors' last word, store, delivery. Says what could not be delivered. */
  stop(): Promise<Readonly<Record<string, number | null>>>;
}

/** Findings that `mxwarden simulate` can ask for. */
const mostRecent = 1_000;
/** How often what became due is looked for when no event comes. */
const tickMs = 250;

/** Builds the agent from its parts and starts it; resolves once every collector is armed or has said why not. */
export async function assemble(loaded: Loaded, log: Log, recordFile: string | null): Promise<Agent> {
  let config = loaded.config;
  const startedAt = Date.now();
  const database = openDatabase(config.stateDirectory, log);
  const state = openState(database);
  const artifacts = openArtifacts(database);
  const incidents = openIncidents(database);
  const openOutboxFor = (from: Config) => openOutbox(database, [...from.forwarders.keys()], { maxBytes: from.outbox.maxBytes, maxAgeMs: from.outbox.maxAgeDays * 86_400_000 });
  let outbox = openOutboxFor(config);
  const host = await hostIdentity(config.host, config.stateDirectory);
  const run = `${startedAt.toString(36)}${randomBytes(2).toString('hex')}`;
  const seen = { findings: 0, lost: 0, dropped: {} as Partial<Record<Severity, number>>, unjudged: 0, processes: new Set<string>(), sensors: new Map<string, EventOf<'sensor.changed'>>() };

  const recent = createRecent(mostRecent);

  let detection = restoreDetection(config, state, log);
  const correlation = createCorrelation(config.incidents);
  correlation.restore(state.correlation());
  const recorder = recordFile === null ? null : record(recordFile, run, detection, log);
  const stream = createStream(run, config.stream.capacity, drain);
  const emit = (draft: Parameters<typeof stream.emit>[1]) => stream.emit('agent', draft);
  const inspector = createInspector(config.inspect, config.detectors, artifacts, { log, proc: config.host.proc, emit });
  const isNewsOfBefore = announce(database, state, emit, { bootId: bootId(config.host), process: ownProcess(config.host) });
  const account = openAccount(loaded, { host, bootId: bootId(config.host), version, database, state, log, emit, send: draft => commit.add(draft) });
  let delivery = startDelivery(config);
  const commit = createCommit({
    database, state, artifacts, incidents, correlation, host, version, log, emit, stored: account.reported, notify: () => delivery.notify(),
    outbox: () => outbox, detection: () => detection,
  });

  function drain(batch: readonly Event[]) {
    recorder?.write(batch);
    for (const event of batch) {
      try { judge(event); } catch (error) {
        // A bug, but not a reason to stop watching: what was not judged is counted and told.
        seen.unjudged += 1;
        log.error('an event could not be judged', { event: event.id, kind: event.kind, error });
      }
    }
    commit.tick();
  }

  function judge(event: Event) {
    note(event);
    inspector.see(event);
    const findings = detection.see(event);
    seen.findings += findings.length;
    recent.note(event, findings, seen.sensors.get(event.collector)?.level ?? null);
    account.see(event);
    correlation.see(event, findings);
  }

  function note(event: Event) {
    heartbeat.see(event);
    if (event.kind === 'sensor.changed') seen.sensors.set(event.sensor, event);
    else if (event.kind === 'events.lost') {
      seen.lost += event.count ?? 1;
      if (event.severity !== undefined) seen.dropped[event.severity] = (seen.dropped[event.severity] ?? 0) + (event.count ?? 1);
    }
    else if (event.kind === 'mxnet.mapped') seen.processes.add(`${event.process.pid}:${event.process.startTicks}`);
    else if (event.kind === 'process.exited') seen.processes.delete(`${event.process.pid}:${event.process.startTicks}`);
  }

  function retry(filter: LetterFilter): number {
    const revived = outbox.retry(filter);
    if (!revived.stored) throw revived.error;
    delivery.notify();
    return revived.value;
  }

  /** What an operator gives up is a loss like any other, and told as one. */
  function drop(filter: LetterFilter): number {
    const dropped = outbox.drop(filter);
    if (!dropped.stored) throw dropped.error;
    for (const { severity, count } of dropped.value) {
      log.warn('alerts were dropped by the operator', { severity, count, sink: filter.sink ?? 'all' });
      emit({ kind: 'events.lost', at: Date.now(), where: 'outbox', what: 'any', count, severity });
    }
    return dropped.value.reduce((sum, { count }) => sum + count, 0);
  }

  function startDelivery(from: Config): Delivery {
    const sinks = forwarders.flatMap(forwarder => from.forwarders.has(forwarder.name)
      ? [{ name: forwarder.name, open: () => forwarder.open(from.forwarders.get(forwarder.name), { log, host }) }] : []);
    return deliver({ outbox, sinks, log });
  }

  const heartbeat = createHeartbeat({
    host, version, run, settings: () => config.heartbeat, send: envelope => delivery.beat(envelope), lastSequence: () => outbox.lastSequence(),
    sensors: () => status().collectors.map(({ name, state, sees, reason, blind }) => ({ name, state, level: sees, reason: reason ?? (state === 'armed' ? null : blind[0] ?? null) })),
    facts: () => ({ startedAt, events: { emitted: stream.emitted, lost: seen.lost + stream.dropped }, openIncidents: correlation.open, storeFailure: commit.failure ?? account.failure }),
  });
  const supervision = await supervise(collectors, config.collectors, { host: config.host, log, emit: stream.emit });
  stream.flush();
  if (isNewsOfBefore && commit.all()) {
    database.damageTold();
    dropsTold(database, state);
  }
  account.configured(loaded, []);
  const ticking = setInterval(() => { account.tick(delivery.status()); commit.tick(); heartbeat.tick(); }, tickMs);
  const armedAt = Date.now();
  const socket = await serveControl(config.stateDirectory, { status, findings: recent.since, retry, drop }, log);
  const telemetry = config.telemetry ? (await import('./telemetry.ts')).startTelemetry(config.telemetry, host, version, status) : null;

  function status(): Status {
    return {
      version: 1, agent: version, pid: process.pid, startedAt, armedAt,
      collectors: supervision.states().map(one => ({ ...one, sees: seen.sensors.get(one.name)?.level ?? null, blind: seen.sensors.get(one.name)?.blind ?? [] })),
      processes: seen.processes.size,
      events: { emitted: stream.emitted, waiting: stream.depth, dropped: stream.dropped, lost: seen.lost },
      detectors: { on: [...config.detectors.keys()], failures: detection.failures + seen.unjudged, findings: seen.findings },
      incidents: { open: correlation.open, suppressed: correlation.suppressed },
      exceptions: detection.exceptions.status(Date.now()),
      inspector: { waiting: inspector.waiting, inspected: inspector.inspected, unread: inspector.unread },
      outbox: { dropped: { ...seen.dropped } }, sinks: sinkStatus(delivery, outbox), audit: account.status, storeFailure: commit.failure ?? account.failure,
      memoryBytes: process.memoryUsage.rss(), cpuSeconds: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    };
  }

  return {
    status,
    sensors: () => [...seen.sensors.values()],
    async reload(next) {
      const fixed = restartKeys.filter(key => JSON.stringify(config[key]) !== JSON.stringify(next.config[key]));
      const before = config;
      config = { ...next.config, ...Object.fromEntries(restartKeys.map(key => [key, before[key]])) } as Config;
      stream.flush();
      detection = carryDetection(config, detection, log);
      if (differs(before.forwarders, config.forwarders)) {
        await delivery.stop(config.outbox.stopMs);
        outbox = openOutboxFor(config);
        delivery = startDelivery(config);
      }
      await supervision.apply(config.collectors);
      account.configured({ ...next, config }, fixed);
      return fixed;
    },
    async stop() {
      clearInterval(ticking);
      await supervision[Symbol.asyncDispose]();
      await inspector[Symbol.asyncDispose]();
      stream.flush();
      commit.all();
      account.leave();
      commit.all();
      const { undelivered } = await delivery.stop(config.outbox.stopMs);
      account.stop(undelivered);
      await telemetry?.[Symbol.asyncDispose]();
      await socket[Symbol.asyncDispose]();
      database.transaction(() => state.saveNote('stoppedAt', Date.now()));
      recorder?.[Symbol.dispose]();
      database[Symbol.dispose]();
      return undelivered;
    },
  };
}

/** What is built once per run. */
const restartKeys = ['stateDirectory', 'host', 'inspect', 'incidents', 'outbox', 'stream', 'audit', 'telemetry', 'log'] as const;

const differs = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>) => JSON.stringify([...a]) !== JSON.stringify([...b]);

function restoreDetection(config: Config, state: StateStore, log: Log): Detection {
  const detection = createDetection(detectors, config.detectors, log, config.exceptions);
  for (const [name, memory] of detection.memories) memory.restore(state.memory(name));
  return detection;
}

/** New settings, the same memories. */
function carryDetection(config: Config, old: Detection, log: Log): Detection {
  const detection = createDetection(detectors, config.detectors, log, config.exceptions);
  for (const [name, memory] of detection.memories) memory.restore(old.memories.get(name)?.entries() ?? []);
  return detection;
}

function sinkStatus(delivery: Delivery, outbox: Outbox): SinkStatus[] {
  const depths = new Map(depthOf(outbox).map(depth => [depth.sink, depth]));
  return delivery.status().map(({ sink, state, reason, beatAt }) => {
    const depth = depths.get(sink);
    return { name: sink, state, reason, pending: depth?.pending ?? 0, bytes: depth?.bytes ?? 0, dead: depth?.dead ?? 0, oldestAt: depth?.oldestAt ?? null, lastSuccessAt: latest(depth?.lastSuccessAt, beatAt), lastError: depth?.lastError ?? null };
  });
}

const latest = (one: number | null | undefined, other: number | null): number | null => one == null ? other : Math.max(one, other ?? one);

/** Nothing when the disk does not let us read: then the status says so by `storeFailure`. */
function depthOf(outbox: Outbox): ReturnType<Outbox['depth']> {
  try { return outbox.depth(); } catch (error) {
    if (error instanceof RetryableError) return [];
    throw error;
  }
}
