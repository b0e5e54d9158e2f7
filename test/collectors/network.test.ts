import { createServer } from 'node:net';
import { once } from 'node:events';
import { release } from 'node:os';
import test from 'ava';
import mxnet from '../../collectors/mxnet.ts';
import network from '../../collectors/network.ts';
import { UnavailableError } from '../../agent/contract/errors.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { act, begin, host, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

const isOlderThan = (major: number, minor: number): boolean => {
  const [ours = 0, lesser = 0] = release().split('.').map(Number);
  return ours < major || (ours === major && lesser < minor);
};

for (const { level, parts, followed } of levels) {
  testWith.serial([...parts], `${level}: connections, listening and bytes of a process with MXNet are told`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const server = createServer(socket => { socket.on('error', () => { /* the actor leaves without ceremony */ }); socket.once('data', () => socket.write('x'.repeat(3_000))); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => { server.close(); });
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level }));
    stack.use(await begin(network, seen.port, { level }));
    using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'serve', '0', 'talk', String(port), 'line']);
    await followed(actor.pid);
    await actor.next();
    const listening = await seen.until('network.connected', each => each.process.pid === actor.pid && each.direction === 'listen');
    t.like(listening, { protocol: 'tcp', address: '127.0.0.1', tree: { pid: actor.pid } });
    t.true(listening.port > 0);
    const outbound = await seen.until('network.connected', each => each.process.pid === actor.pid && each.direction === 'outbound');
    t.like(outbound, { address: '127.0.0.1', port });
    t.is(outbound.process.executable.path, standIn.program);
    const { blind } = await seen.until('sensor.changed', each => each.sensor === 'network');
    // The events for bytes came with Linux 6.3.
    if (level === 'tracefs' && isOlderThan(6, 3)) t.true(blind.some(each => each.startsWith('bytes sent: ')));
    else {
      // Both may fall into one second, or into two.
      const moved = (what: 'sentBytes' | 'receivedBytes'): number => seen.all('network.transferred').filter(each => each.process.pid === actor.pid).reduce((sum, each) => sum + each[what], 0);
      await seen.until('network.transferred', () => moved('sentBytes') >= 5_000 && moved('receivedBytes') >= 3_000);
      t.deepEqual([moved('sentBytes'), moved('receivedBytes')], [5_000, 3_000]);
    }
    await actor.next();
  });
}

testWith.serial(['root', 'bpf'], 'bpf: datagrams are told by where they go, once in a while; a socket that only asks for its own address is not', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' }));
  stack.use(await begin(network, seen.port, { level: 'bpf' }));
  const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('127.0.0.1', 7001))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(50): u.sendto(b'x', ('127.0.0.2', 7002))
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
c.connect(('127.0.0.3', 7003)); c.send(b'abc')
v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v.sendto(b'x', ('::1', 7004))
v.sendto(b'x', ('::ffff:127.0.0.5', 7005))`;
  using actor = await act(standIn.program, [standIn.library, 'register', 'run', `/usr/bin/python3 -c "${script}"`, 'line']);
  await actor.said('did run');
  await seen.until('network.connected', each => each.port === 7_005);
  const told = seen.all('network.connected').filter(each => each.tree.pid === actor.pid);
  t.deepEqual(told.map(each => `${each.protocol} ${each.direction} ${each.address} ${each.port}`), [
    'udp outbound 127.0.0.2 7002', 'udp outbound 127.0.0.3 7003', 'udp outbound ::1 7004', 'udp outbound 127.0.0.5 7005',
  ]);
  const pid = told[0]?.process.pid;
  await seen.until('network.transferred', each => each.process.pid === pid && each.sentBytes >= 50);
  t.is(seen.all('network.transferred').filter(each => each.process.pid === pid).reduce((sum, each) => sum + each.sentBytes, 0), 55);
  await actor.next();
});

test('without tracefs it is unavailable', async t => {
  const { port } = witness();
  await t.throwsAsync(network.start(network.config.parse({ mountTracefs: false, level: 'tracefs' }), { ...port, host: { ...host, tracefs: '/nowhere/tracing' } }), { instanceOf: UnavailableError });
});
