import type { Event, EventKind, EventOf } from '../agent/contract/event.ts';
import type { Memory } from '../agent/contract/detector.ts';
import type { FileIdentity } from '../agent/contract/file.ts';
import type { Finding, Observation } from '../agent/contract/finding.ts';
import type { IncidentEnvelope } from '../agent/contract/forwarder.ts';
import type { HostIdentity } from '../agent/contract/component.ts';
import type { Incident } from '../agent/contract/incident.ts';
import type { Process, ProcessRef } from '../agent/contract/process.ts';

/*
 * Data for tests: valid by default, changed where the test speaks of it. By default all events speak of one process,
 * /usr/bin/python3 with pid 4121, and of one model, /srv/models/model-0000.params.
 */

/** 24 November 2026, 12:00 UTC. */
export const noon = 1_795_521_600_000;

export const modelPath = '/srv/models/model-0000.params';

export const identity = (change: Partial<FileIdentity> = {}): FileIdentity => ({
  device: '8:1', inode: '131074', size: 4_096, mtimeNs: '1795510000000000000', ctimeNs: '1795510000000000000', ...change,
});

export const ref = (change: Partial<ProcessRef> = {}): ProcessRef => ({ pid: 4_121, startTicks: 88_001, ...change });

export const process = (change: Partial<Process> = {}): Process => ({
  pid: 4_121, startTicks: 88_001, executable: { path: '/usr/bin/python3', file: null }, argv: ['python3', 'serve.py'],
  cwd: '/srv', uid: 1_001, loginUid: null, container: null, ancestors: [], ...change,
});

/** A child of `process()`. */
export const child = (change: Partial<Process> = {}): Process => process({
  pid: 4_177, startTicks: 88_900, executable: { path: '/usr/bin/dash', file: null }, argv: ['/bin/sh', '-c', 'id'],
  ancestors: [{ ...ref(), path: '/usr/bin/python3' }], ...change,
});

type Change<Kind extends EventKind> = Partial<EventOf<Kind>>;

export const fileChanged = (change: Change<'file.changed'> = {}): EventOf<'file.changed'> => ({
  kind: 'file.changed', id: 'e1', collector: 'watch', at: noon, place: { path: modelPath }, change: 'written', file: identity(),
  access: { uid: 1_001, gid: 1_001, mode: 0o644 }, by: null, ...change,
});

export const fileOpened = (change: Change<'file.opened'> = {}): EventOf<'file.opened'> => ({
  kind: 'file.opened', id: 'e1', collector: 'mxnet', at: noon, place: { path: modelPath }, file: identity(), by: process(), ...change,
});

export const fileAccessed = (change: Change<'file.accessed'> = {}): EventOf<'file.accessed'> => ({
  kind: 'file.accessed', id: 'e1', collector: 'secrets', at: noon, place: { path: '/etc/shadow' }, file: identity(), what: 'secret', by: process(), ...change,
});

export const processExecuted = (change: Change<'process.executed'> = {}): EventOf<'process.executed'> => ({
  kind: 'process.executed', id: 'e1', collector: 'exec', at: noon, process: child(), parent: ref(), tree: ref(), ...change,
});

export const processExited = (change: Change<'process.exited'> = {}): EventOf<'process.exited'> => ({
  kind: 'process.exited', id: 'e1', collector: 'processes', at: noon, process: ref(), tree: ref(), status: { code: 0 }, ...change,
});

export const processSampled = (change: Change<'process.sampled'> = {}): EventOf<'process.sampled'> => ({
  kind: 'process.sampled', id: 'e1', collector: 'usage', at: noon, process: ref(), intervalMs: 1_000, cpuSeconds: 0.1,
  rssBytes: 300 * 2 ** 20, threads: 12, descriptors: 40, readBytes: 0, writtenBytes: 0, ...change,
});

export const mxnetMapped = (change: Change<'mxnet.mapped'> = {}): EventOf<'mxnet.mapped'> => ({
  kind: 'mxnet.mapped', id: 'e1', collector: 'processes', at: noon, process: process(),
  library: {
    place: { path: '/usr/lib/python3.11/site-packages/mxnet/libmxnet.so' },
    file: identity({ inode: '77', size: 153_857_136 }), version: '1.9.1', unexpected: null,
  },
  ...change,
});

export const mxnetCalled = (change: Change<'mxnet.called'> = {}): EventOf<'mxnet.called'> => ({
  kind: 'mxnet.called', id: 'e1', collector: 'mxnet', at: noon, process: process(), thread: 4_121, api: 'MXNDArrayLoad',
  argument: pathArgument(), outcome: 'ok', signal: null, durationMs: 12, ...change,
});

export const mxnetRegistered = (change: Change<'mxnet.registered'> = {}): EventOf<'mxnet.registered'> => ({
  kind: 'mxnet.registered', id: 'e1', collector: 'mxnet', at: noon, process: process(), thread: 4_121, outcome: 'ok', ...change,
});

export const libraryMapped = (change: Change<'library.mapped'> = {}): EventOf<'library.mapped'> => ({
  kind: 'library.mapped', id: 'e1', collector: 'processes', at: noon, process: process(),
  library: { place: { path: '/usr/lib/python3.11/site-packages/numpy/core/_umath.so' }, file: identity({ inode: '78' }), unlinked: false }, ...change,
});

type PathArgument = Extract<EventOf<'mxnet.called'>['argument'], { readonly type: 'path' }>;

/** What `mxnetCalled` was called with: a file that only root may change. */
export const pathArgument = (change: Partial<PathArgument> = {}): PathArgument => ({
  type: 'path', raw: 'models/model-0000.params', place: { path: modelPath }, file: identity(),
  access: { uid: 0, mode: 0o644, openFolder: null }, ...change,
});

export const networkConnected = (change: Change<'network.connected'> = {}): EventOf<'network.connected'> => ({
  kind: 'network.connected', id: 'e1', collector: 'network', at: noon, process: process(), tree: ref(), protocol: 'tcp',
  direction: 'outbound', address: '203.0.113.7', port: 443, ...change,
});

export const networkTransferred = (change: Change<'network.transferred'> = {}): EventOf<'network.transferred'> => ({
  kind: 'network.transferred', id: 'e1', collector: 'network', at: noon, process: ref(), intervalMs: 1_000, sentBytes: 2_000,
  receivedBytes: 4_000, ...change,
});

export const memoryProtected = (change: Change<'memory.protected'> = {}): EventOf<'memory.protected'> => ({
  kind: 'memory.protected', id: 'e1', collector: 'system', at: noon, process: process(), tree: ref(), change: 'protected',
  backing: 'anonymous', writable: false, wasWritable: true, bytes: 4_096, ...change,
});

export const processTraced = (change: Change<'process.traced'> = {}): EventOf<'process.traced'> => ({
  kind: 'process.traced', id: 'e1', collector: 'system', at: noon, process: process(), tree: ref(), target: ref({ pid: 977, startTicks: 512 }),
  means: 'attach', ...change,
});

export const credentialsChanged = (change: Change<'credentials.changed'> = {}): EventOf<'credentials.changed'> => ({
  kind: 'credentials.changed', id: 'e1', collector: 'system', at: noon, process: process(), tree: ref(), uid: { before: 1_001, after: 0 },
  gained: ['CAP_SYS_ADMIN'], dropped: [], ...change,
});

export const kernelUsed = (change: Change<'kernel.used'> = {}): EventOf<'kernel.used'> => ({
  kind: 'kernel.used', id: 'e1', collector: 'system', at: noon, process: process(), tree: ref(), interface: 'mount', detail: 'tmpfs',
  allowed: null, ...change,
});

export const artifactInspected = (change: Change<'artifact.inspected'> = {}): EventOf<'artifact.inspected'> => ({
  kind: 'artifact.inspected', id: 'e1', collector: 'inspector', at: noon, place: { path: modelPath }, file: identity(),
  sha256: 'a'.repeat(64), format: 'ndarray-container', verdict: 'clean', observations: [],
  coverage: { bytes: 4_096, parsed: 4_096, skipped: [] }, inventory: {}, ...change,
});

export const hostSampled = (change: Change<'host.sampled'> = {}): EventOf<'host.sampled'> => ({
  kind: 'host.sampled', id: 'e1', collector: 'host', at: noon, load1: 0.5, cpuRatio: 0.1, availableBytes: 4 * 2 ** 30, ...change,
});

export const sensorChanged = (change: Change<'sensor.changed'> = {}): EventOf<'sensor.changed'> => ({
  kind: 'sensor.changed', id: 'e1', collector: 'mxnet', at: noon, sensor: 'mxnet', state: 'armed', level: 'tracefs', blind: [], ...change,
});

export const agentSampled = (change: Change<'agent.sampled'> = {}): EventOf<'agent.sampled'> => ({
  kind: 'agent.sampled', id: 'e1', collector: 'self', at: noon, intervalMs: 1_000, cpuSeconds: 0.004, rssBytes: 90 * 2 ** 20,
  loopDelayMs: 1.5, ...change,
});

export const agentStarted = (change: Change<'agent.started'> = {}): EventOf<'agent.started'> => ({
  kind: 'agent.started', id: 'e1', collector: 'self', at: noon, version: '0.1.0', bootId: '6f1d7c2e-3f0a-4a51-9a53-0c1f0a7f2b11',
  unwatchedSince: null, ...change,
});

export const baselineRestored = (change: Change<'baseline.restored'> = {}): EventOf<'baseline.restored'> => ({
  kind: 'baseline.restored', id: 'e1', collector: 'pipeline', at: noon, detector: 'child', entries: [], ...change,
});

export const storeDamaged = (change: Change<'store.damaged'> = {}): EventOf<'store.damaged'> => ({
  kind: 'store.damaged', id: 'e1', collector: 'agent', at: noon, setAside: 'state.db.damaged-20261124T120000.000Z', reason: 'database disk image is malformed',
  saved: 120, lost: 0, alertsLost: 0, ...change,
});

export const trailBroken = (change: Change<'trail.broken'> = {}): EventOf<'trail.broken'> => ({
  kind: 'trail.broken', id: 'e1', collector: 'agent', at: noon, epoch: 1, reason: 'record 7: it is missing', ...change,
});

export const eventsLost = (change: Change<'events.lost'> = {}): EventOf<'events.lost'> => ({
  kind: 'events.lost', id: 'e1', collector: 'stream', at: noon, where: 'stream', what: 'any', count: 7, ...change,
});

/** One valid event of each kind: the compiler asks for a new line when the language grows. */
export const oneOfEach: { readonly [Kind in EventKind]: (change?: Change<Kind>) => EventOf<Kind> } = {
  'file.changed': fileChanged, 'file.opened': fileOpened, 'file.accessed': fileAccessed, 'process.executed': processExecuted, 'process.exited': processExited,
  'process.sampled': processSampled, 'mxnet.mapped': mxnetMapped, 'mxnet.called': mxnetCalled, 'mxnet.registered': mxnetRegistered, 'library.mapped': libraryMapped, 'network.connected': networkConnected,
  'network.transferred': networkTransferred, 'memory.protected': memoryProtected, 'process.traced': processTraced,
  'credentials.changed': credentialsChanged, 'kernel.used': kernelUsed, 'artifact.inspected': artifactInspected, 'host.sampled': hostSampled,
  'sensor.changed': sensorChanged, 'agent.sampled': agentSampled, 'agent.started': agentStarted,
  'baseline.restored': baselineRestored, 'store.damaged': storeDamaged, 'trail.broken': trailBroken, 'events.lost': eventsLost,
};

export const everyEvent = (): readonly Event[] => Object.values(oneOfEach).map(build => build());

/** Keeps everything, as the pipeline does; `entries` is what a restart would find. */
export function memory(entries: ReadonlyMap<string, string | number> = new Map()): Memory & { readonly entries: Map<string, string | number> } {
  const kept = new Map(entries);
  return { entries: kept, get: key => kept.get(key), set: (key, value) => { kept.set(key, value); } };
}

export const finding = (change: Partial<Finding> = {}): Finding => ({
  id: 'f1', detector: 'child', rule: 'child.shell', severity: 'high', confidence: 0.9,
  summary: 'a finding made for a test', at: noon, because: ['e1'], techniques: ['T1059.004', 'AML.T0050'], ...change,
});

export const observation = (change: Partial<Observation> = {}): Observation => ({
  rule: 'kind.disagrees-with-name', severity: 'medium', confidence: 0.7, summary: 'an observation made for a test',
  techniques: ['AML.T0074'], ...change,
});

export const incident = (change: Partial<Incident> = {}): Incident => ({
  id: 'i1', revision: 1, status: 'open', severity: 'high', title: 'an incident made for a test',
  artifact: { place: { path: modelPath }, file: identity(), sha256: 'a'.repeat(64) }, loader: process(),
  story: [
    { type: 'event', event: fileChanged({ id: 'e1' }) },
    { type: 'event', event: mxnetCalled({ id: 'e2', at: noon + 10 }) },
    { type: 'event', event: processExecuted({ id: 'e3', at: noon + 20 }) },
    { type: 'finding', finding: finding({ at: noon + 20, because: ['e3', 'e2'] }) },
  ],
  openedAt: noon + 20, changedAt: noon + 20, gaps: [], ...change,
});

export const host = (change: Partial<HostIdentity> = {}): HostIdentity => ({
  id: 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa', name: 'gpu-17', os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0', addresses: ['10.20.0.17'],
  ...change,
});

export const envelope = (change: Partial<IncidentEnvelope> = {}): IncidentEnvelope => ({
  id: 'i1.1', sequence: 1, host: host(), version: '0.1.0', type: 'incident', body: incident(), ...change,
});
