import fc from 'fast-check';
import type { Event } from '../../../agent/contract/event.ts';
import type { Finding } from '../../../agent/contract/finding.ts';
import { severities } from '../../../agent/contract/finding.ts';
import type { Stream } from '../../../agent/contract/process.ts';
import type { IncidentEnvelope } from '../../../agent/contract/forwarder.ts';
import type { Chapter, Incident } from '../../../agent/contract/incident.ts';
import { host, t0 } from '../builders.ts';

/** Any incident that the contract allows, with texts as an attacker would choose them. */
export const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', 'a\nCRITICAL forged', '\u001b[2J\u001b]0;owned\u0007', '\u202egpj.exe', '\ud800', '/', '//', '/srv/x/', 'x'.repeat(5_000), '\u20ac'.repeat(4_100), `'"\\ =|`, '\u0000'),
);
const at = fc.double({ min: t0 - 1e12, max: t0 + 1e12, noNaN: true });
const count = fc.integer({ min: 0, max: 2 ** 40 });
const place = fc.record({ path: hostile, inside: hostile }, { requiredKeys: ['path'] });
const file = fc.record({ device: hostile, inode: hostile, size: count, mtimeNs: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String), hostile), ctimeNs: hostile });
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null });
const ref = fc.record({ pid: fc.nat(4_194_304), startTicks: count });
const process = fc.record({
  pid: fc.nat(4_194_304), startTicks: count, executable: fc.record({ path: hostile, file: maybe(file) }), argv: fc.array(hostile, { maxLength: 5 }), cwd: hostile,
  uid: fc.nat(), loginUid: maybe(fc.nat()), container: maybe(fc.record({ id: hostile, runtime: maybe(hostile), podUid: maybe(fc.oneof(fc.uuid(), hostile)) })),
  ancestors: fc.array(fc.record({ pid: fc.nat(4_194_304), startTicks: count, path: hostile }), { maxLength: 3 }),
});
const severity = fc.constantFrom(...severities);
const fact = <Kind extends string>(kind: Kind) => ({ kind: fc.constant(kind), id: fc.uuid(), collector: hostile, at });
const observation = fc.record({ rule: hostile, severity, confidence: fc.double({ min: 0, max: 1, noNaN: true }), summary: hostile, techniques: fc.array(hostile, { maxLength: 2 }) });
const argument = fc.oneof(
  fc.record({ type: fc.constant('path' as const), raw: hostile, place: maybe(place), file: maybe(file), access: maybe(fc.record({ uid: fc.nat(), mode: fc.nat(0o7777), openFolder: maybe(hostile) })) }),
  fc.record({ type: fc.constant('buffer' as const), bytes: maybe(count) }),
  fc.record({ type: fc.constant('unread' as const), why: hostile }),
);
const stream: fc.Arbitrary<Stream> = maybe(fc.oneof(
  fc.record({ type: fc.constantFrom('file' as const, 'pipe' as const, 'terminal' as const, 'other' as const) }),
  fc.record({ type: fc.constant('socket' as const), family: maybe(fc.constantFrom('inet' as const, 'unix' as const)), peer: maybe(fc.record({ address: hostile, port: fc.nat(65_535) })) }),
));
const streams = fc.tuple(stream, stream, stream);
const texts = fc.array(hostile, { maxLength: 3 });
const settings = fc.record({ environment: maybe(fc.record({ preload: texts, libraryPath: texts, mxnetLibraryPath: maybe(hostile), role: maybe(hostile) })), preloadFile: texts });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ ...fact('file.changed'), place, change: fc.constantFrom('found', 'created', 'written', 'renamed', 'removed', 'attributes'), from: place, file: maybe(file), access: maybe(fc.record({ uid: fc.nat(), gid: fc.nat(), mode: fc.nat(0o7777) })), by: maybe(process) }),
  fc.record({ ...fact('file.opened'), place, file, by: process }),
  fc.record({ ...fact('file.accessed'), place, file, what: fc.constantFrom('model', 'secret'), by: maybe(process), gone: fc.nat() }),
  fc.record({ ...fact('process.executed'), process, parent: ref, tree: ref, streams: maybe(streams), parentStreams: maybe(streams) }, { requiredKeys: ['kind', 'id', 'collector', 'at', 'process', 'parent', 'tree'] }),
  fc.record({ ...fact('process.exited'), process: ref, tree: ref, status: maybe(fc.oneof(fc.record({ code: fc.nat(255) }), fc.record({ signal: hostile }))) }),
  fc.record({ ...fact('process.sampled'), process: ref, intervalMs: fc.nat(), cpuSeconds: fc.double({ min: 0, max: 1e6, noNaN: true }), rssBytes: count, threads: count, descriptors: count, readBytes: count, writtenBytes: count }),
  fc.record({ ...fact('mxnet.mapped'), process, library: fc.record({ place, file, version: maybe(hostile), unexpected: maybe(hostile) }), settings }),
  fc.record({ ...fact('library.mapped'), process, library: fc.record({ place, file, unlinked: fc.boolean() }) }),
  fc.record({ ...fact('mxnet.registered'), process, thread: fc.nat(), outcome: fc.constantFrom('ok', 'failed', 'crashed') }),
  fc.record({ ...fact('mxnet.called'), process, thread: fc.nat(), api: hostile, argument, outcome: fc.constantFrom('ok', 'failed', 'crashed'), signal: maybe(hostile), durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
  fc.record({ ...fact('network.connected'), process, tree: ref, protocol: fc.constantFrom('tcp', 'udp'), direction: fc.constantFrom('outbound', 'listen'), address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('fe80::1%eth0', '::ffff:198.51.100.7'), hostile), port: fc.nat(65_535) }),
  fc.record({ ...fact('network.transferred'), process: ref, intervalMs: fc.nat(), sentBytes: count, receivedBytes: count }),
  fc.record({ ...fact('artifact.inspected'), place, file, sha256: hostile, format: hostile, verdict: fc.constantFrom('clean', 'suspicious', 'malicious', 'malformed', 'incomplete', 'unsupported'), observations: fc.array(observation, { maxLength: 3 }), coverage: fc.constant({ bytes: 0, parsed: 0, skipped: [] }), inventory: fc.constant({}) }),
  fc.record({ ...fact('host.sampled'), load1: fc.double({ min: 0, max: 999, noNaN: true }), cpuRatio: fc.double({ min: 0, max: 1, noNaN: true }), availableBytes: count }),
  fc.record({ ...fact('sensor.changed'), sensor: hostile, state: fc.constantFrom('armed', 'degraded', 'down'), level: fc.constantFrom('bpf-lsm', 'bpf-base', 'tracefs', 'fanotify', 'unprivileged'), blind: fc.array(hostile, { maxLength: 3 }) }),
  fc.record({ ...fact('agent.sampled'), intervalMs: fc.nat(), cpuSeconds: fc.nat(), rssBytes: count, loopDelayMs: fc.nat() }),
  fc.record({ ...fact('agent.started'), version: hostile, bootId: hostile, unwatchedSince: maybe(at) }),
  fc.record({ ...fact('baseline.restored'), detector: hostile, entries: fc.constant([]) }),
  fc.record({ ...fact('events.lost'), where: fc.constantFrom('kernel', 'collector', 'stream', 'outbox'), what: fc.constantFrom('any', 'file.changed'), count: maybe(fc.nat()) }),
);
const finding: fc.Arbitrary<Finding> = fc.record({
  id: fc.uuid(), detector: hostile, rule: hostile, severity, confidence: fc.double({ min: 0, max: 1, noNaN: true }), summary: hostile, at,
  because: fc.tuple(hostile, hostile), techniques: fc.array(fc.oneof(hostile, fc.constantFrom('T1059.004', 'AML.T0011.000', 'TA0011', 'T9999.001', '__proto__', 'constructor')), { maxLength: 4 }),
});
const chapter: fc.Arbitrary<Chapter> = fc.oneof({ weight: 3, arbitrary: event.map(made => ({ type: 'event' as const, event: made })) }, { weight: 1, arbitrary: finding.map(made => ({ type: 'finding' as const, finding: made })) });

export const incidents = (chapters: number): fc.Arbitrary<Incident> => fc.record({
  id: hostile, revision: fc.nat(), status: fc.constantFrom('open', 'updated', 'closed'), severity, title: hostile,
  artifact: maybe(fc.record({ place, file: maybe(file), sha256: maybe(hostile) })), loader: maybe(process),
  story: fc.array(chapter, { maxLength: chapters, size: 'max' }), openedAt: at, changedAt: at, gaps: fc.array(hostile, { maxLength: 5 }),
});
export const envelopesOf = (chapters: number): fc.Arbitrary<IncidentEnvelope> => fc.record({
  id: hostile, sequence: fc.nat(), version: hostile, type: fc.constant('incident' as const), body: incidents(chapters),
  host: fc.record({ id: hostile, name: hostile, os: hostile, kernel: hostile, addresses: fc.array(fc.oneof(fc.ipV4(), hostile), { maxLength: 4 }) }).map(made => ({ ...host, ...made })),
});
