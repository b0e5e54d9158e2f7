import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { MisconfiguredError, RejectedError, RetryableError } from '../../agent/contract/errors.ts';
import { syslogMessage } from '../../forwarders/encode/syslog.ts';
import syslog from '../../forwarders/syslog.ts';
import { testWith } from '../services/require.ts';
import { startRsyslog } from '../services/rsyslog.ts';
import { envelope, envelopes, host, memoryLog } from './builders.ts';
import { authority } from './certificates.ts';

const calm = new AbortController().signal;
const sinkOn = async (change: object) => await syslog.open(syslog.config.parse(change), { log: memoryLog(), host });

async function serve(t: ExecutionContext, answer: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, socket => { socket.on('error', () => { /* cut on purpose */ }); answer(socket); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.close(); });
  return { port: (server.address() as { port: number }).port, server };
}

test('a message is of RFC 5424: priority, time, host, program, rule, origin, alert', t => {
  const settings = { facility: 'local0', format: 'cef', maxMessageBytes: 8_096 } as const;
  t.regex(syslogMessage(envelope(), settings, 77), /^<130>1 2026-11-24T02:00:02\.310Z gpu-17 mxwarden 77 child\.shell \[origin software="mxwarden" swVersion="0\.1\.0"\] CEF:0\|/);
  t.regex(syslogMessage(envelope({ severity: 'info', story: [] }, { host: { ...host, name: 'a b\n\u20ac' }, version: '0"]\\' }), settings, 77), /^<134>1 \S+ ab mxwarden 77 incident \[origin software="mxwarden" swVersion="0\\"\\\]\\\\"\] /);
  t.true(Buffer.byteLength(syslogMessage(envelope({ title: '\u20ac'.repeat(5_000) }), { ...settings, format: 'ocsf', maxMessageBytes: 8_096 }, 77)) <= 8_096);
});

testWith(['rsyslog'], 'a real rsyslog has every alert of a batch, over TLS, TCP and UDP, whole', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-syslog-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [ours, theirs] = [await authority(folder, 'ours'), await authority(folder, 'theirs')];
  const [server, client] = [await ours.issue('receiver', 'DNS:localhost,IP:127.0.0.1'), await ours.issue('agent', 'DNS:agent')];
  await using rsyslog = await startRsyslog({ caPath: ours.caPath, certPath: server.certPath, keyPath: server.keyPath });
  const tls = { ca: ours.caPath, cert: client.certPath, key: client.keyPath };
  const { ports } = rsyslog;
  await (await sinkOn({ protocol: 'tls', port: ports.tls, tls })).send(envelopes(40), calm);
  await (await sinkOn({ protocol: 'tcp', port: ports.tcp, format: 'ocsf', maxMessageBytes: 60_000 })).send(envelopes(40), calm);
  await (await sinkOn({ protocol: 'udp', port: ports.udp, format: 'leef' })).send(envelopes(3), calm);
  const lines = await rsyslog.received(83);
  t.is(lines.filter(line => line.includes('] CEF:0|')).length, 40);
  t.is(lines.filter(line => line.includes('] LEEF:2.0|')).length, 3);
  t.deepEqual(lines.flatMap(line => /\] (\{.*)$/.exec(line)?.[1] ?? []).map(text => JSON.parse(text).metadata.uid).sort(), envelopes(40).map(({ id }) => id).sort());
  await t.throwsAsync((await sinkOn({ protocol: 'tls', port: ports.tls, tls: { ...tls, ca: theirs.caPath } })).send(envelopes(1), calm), { instanceOf: MisconfiguredError, message: /authority that tls\.ca does not name/ });
  await t.throwsAsync((await sinkOn({ protocol: 'tls', port: ports.tcp, tls, timeoutMs: 2_000 })).send(envelopes(1), calm), { message: /TLS|cut|ended|closed|no answer/ });
  await rsyslog.daemon.kill();
  await t.throwsAsync((await sinkOn({ protocol: 'tcp', port: ports.tcp })).send(envelopes(1), calm), { instanceOf: RetryableError, message: /nobody listens/ });
});

test('what a receiver did not read to its end is not delivered', async t => {
  const cut = await serve(t, socket => { socket.once('data', () => { socket.resetAndDestroy(); }); });
  await t.throwsAsync((await sinkOn({ protocol: 'tcp', port: cut.port })).send(envelopes(1), calm), { instanceOf: RetryableError });
  const silent = await serve(t, socket => { socket.resume(); });
  await t.throwsAsync((await sinkOn({ protocol: 'tcp', port: silent.port, timeoutMs: 1_000 })).send(envelopes(1), calm), { instanceOf: RetryableError, message: /has not ended the connection/ });
  const early = await serve(t, socket => { socket.destroy(); });
  await t.throwsAsync((await sinkOn({ protocol: 'tcp', port: early.port })).send(envelopes(400), calm), { instanceOf: RetryableError });
});

test('a stop is obeyed at once, and an alert that does not fit is refused alone', async t => {
  const silent = await serve(t, socket => { socket.resume(); });
  const stopping = new AbortController();
  const sending = (await sinkOn({ protocol: 'tcp', port: silent.port })).send(envelopes(1), stopping.signal);
  setTimeout(() => stopping.abort(), 100);
  await t.throwsAsync(sending, { instanceOf: RetryableError, message: /stopped/ });
  const reading = await serve(t, socket => { socket.resume().on('end', () => socket.end()); });
  const huge = envelope({ id: 'x'.repeat(4_000) }, { id: 'y'.repeat(4_000) });
  const error = await t.throwsAsync((await sinkOn({ protocol: 'tcp', port: reading.port, format: 'ocsf', maxMessageBytes: 1_024 })).send([huge, ...envelopes(0)], calm), { instanceOf: RejectedError });
  t.regex(error?.message ?? '', /cannot be told in/);
});

test('settings that contradict each other are refused', t => {
  t.throws(() => syslog.config.parse({ protocol: 'tcp', tls: {} }), { message: /protocol is not tls/ });
  t.notThrows(() => syslog.config.parse({}));
});
