import type { EventOf } from '../../agent/contract/event.ts';
import type { Finding } from '../../agent/contract/finding.ts';
import type { HeartbeatEnvelope, IncidentEnvelope } from '../../agent/contract/forwarder.ts';
import type { Chapter, Incident } from '../../agent/contract/incident.ts';
import type { HostIdentity, Log } from '../../agent/contract/component.ts';
import type { Process } from '../../agent/contract/process.ts';

/** One attack, told whole: a model replaced, loaded by a server that ran a shell and called home. */
export const t0 = 1_795_485_600_000;

export const host: HostIdentity = {
  id: 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa', name: 'gpu-17', os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-28-amd64', addresses: ['127.0.0.1', '10.20.0.17'],
};

export const server = (change: Partial<Process> = {}): Process => ({
  pid: 4_121, startTicks: 88_001, executable: { path: '/usr/bin/python3.11', file: null }, argv: ['python3', 'serve.py'], cwd: '/srv',
  uid: 1_001, loginUid: 1_000, container: null, ancestors: [{ pid: 1, startTicks: 1, path: '/usr/lib/systemd/systemd' }], ...change,
});

const file = { device: '8:1', inode: '1311', size: 102_480_012, mtimeNs: '1795480000000123456', ctimeNs: '1795480000000123456' };
const place = { path: '/srv/m-0000.params' };
export const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
export const shell = server({
  pid: 4_177, startTicks: 88_300, executable: { path: '/bin/sh', file: null }, argv: ['/bin/sh', '-c', 'id'],
  ancestors: [{ pid: 4_121, startTicks: 88_001, path: '/usr/bin/python3.11' }],
});

export const written: EventOf<'file.changed'> = {
  kind: 'file.changed', id: 'e1', collector: 'watch', at: t0 - 259_200_000, place, change: 'written', file,
  access: { uid: 1_001, gid: 1_001, mode: 0o644 }, by: server({ pid: 900, executable: { path: '/usr/bin/curl', file: null }, argv: ['curl', '-o', 'm-0000.params'] }),
};
export const inspected: EventOf<'artifact.inspected'> = {
  kind: 'artifact.inspected', id: 'e2', collector: 'inspect', at: t0 - 259_199_000, place, file, sha256, format: 'mxnet-params', verdict: 'suspicious', observations: [], coverage: { bytes: 1, parsed: 0, skipped: [] }, inventory: {},
};
export const loaded: EventOf<'mxnet.called'> = {
  kind: 'mxnet.called', id: 'e3', collector: 'mxnet', at: t0, process: server(), thread: 4_121, api: 'MXNDArrayLoad', signal: null,
  argument: { type: 'path', raw: 'm-0000.params', place, file, access: { uid: 1_001, mode: 0o644, openFolder: null } }, outcome: 'ok', durationMs: 12.4,
};
export const ran: EventOf<'process.executed'> = {
  kind: 'process.executed', id: 'e4', collector: 'exec', at: t0 + 2_100, process: shell, parent: { pid: 4_121, startTicks: 88_001 }, tree: { pid: 4_121, startTicks: 88_001 },
};
export const reached: EventOf<'network.connected'> = {
  kind: 'network.connected', id: 'e5', collector: 'network', at: t0 + 2_300, process: server(), tree: { pid: 4_121, startTicks: 88_001 },
  protocol: 'tcp', direction: 'outbound', address: '198.51.100.7', port: 4_444,
};

export const finding = (change: Partial<Finding> = {}): Finding => ({
  id: 'f1', detector: 'child', rule: 'child.shell', severity: 'high', confidence: 0.9, at: t0 + 2_100,
  summary: 'python3 ran /bin/sh 2.1 s after it loaded /srv/m-0000.params', because: ['e4'], techniques: ['T1059.004', 'AML.T0050'], ...change,
});
export const firstConnection = finding({
  id: 'f2', detector: 'network', rule: 'network.first-address', severity: 'medium', confidence: 0.6, at: t0 + 2_300,
  summary: 'python3 connected to 198.51.100.7 port 4444, never used before', because: ['e5'], techniques: ['T1071', 'AML.T0025'],
});

export const told = (...items: readonly (Chapter extends infer C ? (C extends { event: infer E } ? E : C extends { finding: infer F } ? F : never) : never)[]): Chapter[] =>
  items.map(item => ('kind' in item ? { type: 'event', event: item } : { type: 'finding', finding: item }));

export const incident = (change: Partial<Incident> = {}): Incident => ({
  id: 'i-7f3a', revision: 1, status: 'open', severity: 'critical', title: 'python3 (pid 4121) loaded /srv/m-0000.params, then ran a shell and connected out',
  artifact: { place, file, sha256 }, loader: server(), story: told(written, inspected, loaded, ran, finding(), reached, firstConnection),
  openedAt: t0 + 2_100, changedAt: t0 + 2_310, gaps: ['writes of other processes are seen only by inotify: who wrote is a guess'], ...change,
});

export const envelope = (change: Partial<Incident> = {}, wrap: Partial<Omit<IncidentEnvelope, 'body'>> = {}): IncidentEnvelope => ({
  id: 'env-1', sequence: 42, host, version: '0.1.0', type: 'incident', body: incident(change), ...wrap,
});

export const heartbeat = (change: Partial<HeartbeatEnvelope['body']> = {}, id = 'beat-1'): HeartbeatEnvelope => ({
  id, sequence: 42, host, version: '0.1.0', type: 'heartbeat',
  body: {
    title: 'The agent lives, 1 of 2 sensors work: network is unavailable', at: t0, startedAt: t0 - 3_600_000, intervalMs: 60_000,
    sensors: [
      { name: 'mxnet', state: 'armed', level: 'tracefs', reason: null, spokeAt: t0 - 4_000 },
      { name: 'network', state: 'unavailable', level: null, reason: 'needs root', spokeAt: null },
    ],
    events: { emitted: 900, lost: 3 }, openIncidents: 1, storeFailure: null, ...change,
  },
});

/** A batch of different incidents, in order. */
export const envelopes = (count: number, change: Partial<Incident> = {}): IncidentEnvelope[] =>
  Array.from({ length: count }, (_, index) => envelope({ id: `i-${index}`, ...change }, { id: `env-${index}`, sequence: index }));

/** Keeps what was logged, for tests that speak of it. */
export function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string, fields?: object): void => { lines.push(`${level} ${message} ${fields ? JSON.stringify(fields) : ''}`); };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
