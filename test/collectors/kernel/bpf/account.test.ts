import test from 'ava';
import { createAccount, type SensorListener } from '../../../../collectors/kernel/bpf/account.ts';
import { decodeRecord } from '../../../../collectors/kernel/bpf/decode.ts';
import type { RecordName } from '../../../../collectors/kernel/bpf/table.ts';
import { host } from '../tracefs/stage.ts';
import { recordBytes } from './bytes.ts';

/** Ids that no living process has, so that nothing is read from /proc. */
const [root, child, grandchild] = [4_194_400, 4_194_401, 4_194_402];
const tick = 10_000_000n;
const site = { probe: 1, library: 0, name: 'MXNDArrayLoad', paired: true };

function scene() {
  const told: { readonly what: string; readonly value: unknown }[] = [];
  const lost: string[] = [];
  const note = (what: string) => (value: unknown): void => { told.push({ what, value }); };
  const tell = { entering: note('entering'), called: note('called'), executed: note('executed'), exited: note('exited'), connected: note('connected'), transferred: note('transferred'), noticed: note('noticed') } as unknown as Required<SensorListener>;
  const account = createAccount({ host, siteOf: probe => (probe === 1 ? site : undefined), tell, lost: (what, count) => { lost.push(`${what} ${count}`); } });
  const hear = (name: RecordName, values: Record<string, number | bigint> = {}, text = ''): void =>
    account.hear(decodeRecord(recordBytes(name, { tgid: root, tid: root, root, start: tick, rootStart: tick, at: 1_000, ...values }, text)));
  return { account, hear, told, lost, of: <T>(what: string): T[] => told.filter(each => each.what === what).map(each => each.value as T) };
}
const program = (name: string, argv: string): [Record<string, number>, string] => [
  { nameBytes: name.length + 1, argumentsAt: name.length + 1, argumentBytes: argv.length, argumentTotal: argv.length, links: 1 }, `${name}\0${argv}`,
];

test('a child that is gone before anybody looks is told by what the kernel said and what its parent was', t => {
  const { hear, of } = scene();
  hear('executed', ...program('/usr/bin/server', 'server\0--fast\0'));
  hear('forked', { tgid: child, tid: child, parent: root, parentStart: tick, start: 5n * tick, maker: root });
  const [values, text] = program('/bin/sh', 'sh\0-c\0id\0');
  hear('executed', { tgid: child, tid: child, parent: root, parentStart: tick, start: 5n * tick, euid: 33, device: (8 << 20) | 1, inode: 77n, ...values }, text);
  hear('exited', { tgid: child, tid: child, parent: root, parentStart: tick, start: 5n * tick, status: 3 << 8 });
  t.like(of<object>('executed')[1], {
    task: { ref: { pid: child, startTicks: 5 }, root: { pid: root, startTicks: 1 }, parent: { pid: root, startTicks: 1 } },
    process: { pid: child, uid: 33, argv: ['sh', '-c', 'id'], executable: { path: '/bin/sh', file: { device: '08:01', inode: '77' } }, ancestors: { 0: { pid: root, path: '/usr/bin/server' } } },
  });
  t.like(of<object>('exited')[0], { status: { code: 3 } });
});

test('a number that another process has now is that process: nothing of the first is told of it, but that it ended', t => {
  const { hear, of } = scene();
  hear('executed', { start: tick, ...program('/first', 'first\0')[0] }, program('/first', 'first\0')[1]);
  hear('connected', { start: 9n * tick, rootStart: 9n * tick, family: 2, port: 443, protocol: 6 });
  const [told] = of<{ process: { startTicks: number; executable: { path: string } } }>('connected');
  t.is(told?.process.startTicks, 9);
  t.not(told?.process.executable.path, '/first');
  t.like(of<object>('exited')[0], { status: null, task: { ref: { pid: root, startTicks: 1 } } });
});

test('a call ends as its process does, and each thread has its own', t => {
  const { hear, of } = scene();
  hear('entered', { tid: root, probe: 1, sp: 100n, nameBytes: 4, ip: 7n }, 'one');
  hear('entered', { tid: grandchild, probe: 1, sp: 200n, nameBytes: 4, ip: 7n }, 'two');
  hear('threadEnded', { tid: grandchild, at: 2_000 });
  hear('signalled', { signal: 11, byDefault: 1 });
  hear('exited', { status: 11, at: 3_000 });
  t.deepEqual(of<{ tid: number; outcome: string; signal: string | null; named: { name: string } }>('called').map(call => [call.tid, call.named.name, call.outcome, call.signal]), [
    [grandchild, 'two', 'failed', null], [root, 'one', 'crashed', 'SIGSEGV'],
  ]);
});

test('sums are told as what was added, and the rest of them when the process ends', t => {
  const { account, hear, of, lost } = scene();
  hear('connected', { family: 2, port: 443, protocol: 6 });
  account.moved({ kind: 'moved', at: 5, intervalMs: 1_000, sums: [[root, 100, 50]] });
  account.moved({ kind: 'moved', at: 6, intervalMs: 1_000, sums: [[root, 130, 50], [grandchild, 1, 1]] });
  hear('exited', { sent: 200n, received: 60n });
  t.deepEqual(of<{ sums: readonly { sent: number; received: number }[] }>('transferred').flatMap(each => each.sums.map(({ sent, received }) => [sent, received])), [[100, 50], [30, 0], [70, 10]]);
  t.deepEqual(lost, ['network.transferred 1']);
});

test('protocols that nobody says are seen are not told, IPv6 addresses are told short', t => {
  const { hear, of } = scene();
  hear('connected', { family: 2, port: 1, protocol: 132 });
  hear('connected', { family: 10, port: 53, protocol: 17 });
  t.deepEqual(of<{ record: { address: string; protocol: string } }>('connected').map(({ record }) => [record.protocol, record.address]), [['udp', '::']]);
});

test('after the sensor began anew, calls that were under way are told as lost and not as crashed', t => {
  const { account, hear, of, lost } = scene();
  hear('entered', { probe: 1, sp: 100n, nameBytes: 4, ip: 7n }, 'one');
  account.restart();
  hear('exited', { status: 9 });
  t.deepEqual(lost, ['mxnet.called 1']);
  t.deepEqual(of('called'), []);
});

test('a process that is gone without an end is told as ended at the second look, and only once', t => {
  const { account, hear, of } = scene();
  hear('forked', { tgid: child, tid: child, maker: root });
  account.review();
  t.is(of('exited').length, 0);
  account.review();
  account.review();
  t.like(of<object>('exited')[0], { status: null, task: { ref: { pid: child } } });
  t.is(of('exited').length, 1);
});

test('names that were not read, were cut or are hostile reach the listener as what they are', t => {
  const { hear, of } = scene();
  hear('entered', { probe: 1, sp: 1n, ip: 1n, nameBytes: -14 });
  hear('entered', { probe: 1, sp: 2n, ip: 1n, nameBytes: 16 }, 'x'.repeat(16));
  hear('entered', { probe: 1, sp: 3n, ip: 1n, nameBytes: 5 }, 'a\n\xffb');
  const [unread, cut, hostile] = of<{ kind: string; name?: string | null; head?: string | null; late?: { bytes: string } }>('entering');
  t.like(unread, { kind: 'entered', head: null });
  t.is(unread?.late, undefined);
  t.like(cut, { kind: 'entered', late: { bytes: 'x'.repeat(15) } });
  t.like(hostile, { kind: 'named', name: 'a\n\xffb' });
});

test('a name that came late is that of its own call only', t => {
  const { hear, of } = scene();
  const sp = process.arch === 'x64' ? 8n : 0n;
  hear('entered', { probe: 1, sp: 100n, ip: 1n, nameBytes: -14 });
  hear('named', { probe: 1, sp: 500n, nameBytes: 6 }, 'other');
  hear('returned', { probe: 1, sp: 100n + sp });
  hear('entered', { probe: 1, sp: 100n, ip: 1n, nameBytes: -14 });
  hear('named', { probe: 1, sp: 100n + sp, nameBytes: 5 }, 'mine');
  hear('returned', { probe: 1, sp: 100n + sp });
  t.deepEqual(of<{ entered: { late?: { bytes: string } } }>('called').map(call => call.entered.late?.bytes), [undefined, 'mine\0']);
});
