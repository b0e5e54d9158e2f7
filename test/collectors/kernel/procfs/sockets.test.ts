import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { hasUnix, internetLine, peerOf } from '../../../../collectors/kernel/procfs/sockets.ts';
import { streamsOf } from '../../../../collectors/kernel/procfs/streams.ts';
import type { Streams } from '../../../../agent/contract/process.ts';
import { folder, madeHost } from './tree.ts';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (peer: string, inode: string): string =>
  `   3: 0100007F:9C4C ${peer} 01 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`;

test('a socket is found by its inode, whatever other field has the same number', t => {
  const bytes = Buffer.from(`${head}${line('0200007F:1F90', '4711')}${line('0300007F:115C', '471')}`);
  t.deepEqual(peerOf(internetLine(bytes, '471') ?? ''), { address: '127.0.0.3', port: 4_444 });
  t.is(internetLine(bytes, '20'), null);
  t.is(internetLine(bytes, '47'), null);
});

test('addresses of IPv6 are read in the order of the machine, IPv4 in them as what it is', t => {
  t.deepEqual(peerOf(line('B80D0120000000000000000001000000:01BB', '1')), { address: '2001:db8::1', port: 443 });
  t.deepEqual(peerOf(line('0000000000000000FFFF0000097100CB:115C', '1')), { address: '203.0.113.9', port: 4_444 });
});

test('a socket that listens, or a line that is none, has no peer', t => {
  for (const text of [line('00000000:0000', '1'), line('00000000000000000000000000000000:0000', '1'), line('0200007:1F90', '1'), '', 'x'.repeat(400)]) t.is(peerOf(text), null);
});

test('a socket inside the machine is known by its inode, not by a name that says another number', t => {
  const row = (inode: string, name: string): string => `0000000000000000: 00000003 00000000 00000000 0001 03 ${inode}${name}\n`;
  const bytes = Buffer.from(row('88', '') + row('90', ' @x 77 77') + row('91', ' /run/77'));
  t.true(hasUnix(bytes, '88'));
  t.true(hasUnix(bytes, '90'));
  t.false(hasUnix(bytes, '77'));
});

test('a table full of the wanted number in names is passed in one go', t => {
  const bytes = Buffer.from(`0: 3 0 0 1 3 5 ${' 77'.repeat(300_000)}\n`);
  t.false(hasUnix(bytes, '77'));
  for (let run = 0; run < 200; run++) t.notThrows(() => { const noise = randomBytes(4_096); internetLine(noise, '1'); hasUnix(noise, '1'); peerOf(noise.toString('latin1')); });
});

test('streams are told by what they lead to, one that is closed as null, and none of another process of the same number', t => {
  const host = madeHost(folder(t), [{ pid: 7, startTicks: 500, executable: '/bin/sh' }]);
  mkdirSync(`${host.proc}/7/net`);
  writeFileSync(`${host.proc}/7/net/tcp`, `${head}${line('0300007F:115C', '471')}`);
  symlinkSync('socket:[471]', `${host.proc}/7/fd/0`);
  symlinkSync('/dev/pts/3', `${host.proc}/7/fd/1`);
  const socket = { type: 'socket', family: 'inet', peer: { address: '127.0.0.3', port: 4_444 } };
  t.deepEqual(streamsOf(host, { pid: 7, startTicks: 500 }, () => true), [socket, { type: 'terminal' }, null] as unknown as Streams);
  t.deepEqual(streamsOf(host, { pid: 7, startTicks: 500 }, () => false)?.[0], { type: 'socket', family: null, peer: null });
  t.is(streamsOf(host, { pid: 7, startTicks: 501 }, () => true), null);
  t.is(streamsOf(host, { pid: 8, startTicks: 500 }, () => true), null);
});

test('a socket that may be in the unread rest of a long table is of no known kind, though a name inside the machine repeats its number', t => {
  const host = madeHost(folder(t), [{ pid: 7, startTicks: 500, executable: '/bin/sh' }]);
  mkdirSync(`${host.proc}/7/net`);
  writeFileSync(`${host.proc}/7/net/tcp`, head + line('0300007F:115C', '9').repeat(9_000));
  writeFileSync(`${host.proc}/7/net/unix`, '0000000000000000: 00000003 00000000 00000000 0001 03 471\n');
  symlinkSync('socket:[471]', `${host.proc}/7/fd/0`);
  t.deepEqual(streamsOf(host, { pid: 7, startTicks: 500 }, () => true)?.[0], { type: 'socket', family: null, peer: null });
});
