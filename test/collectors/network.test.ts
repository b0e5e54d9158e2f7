import { createServer } from 'node:net';
import { once } from 'node:events';
import test from 'ava';
import mxnet from '../../collectors/mxnet.ts';
import network from '../../collectors/network.ts';
import { UnavailableError } from '../../agent/contract/errors.ts';
import { testWith } from '../services/require.ts';
import { act, begin, followed, host, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

testWith(['root', 'tracefs'], 'connections, listening and bytes of a process with MXNet are told', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const server = createServer(socket => { socket.on('error', () => { /* the actor leaves without ceremony */ }); socket.once('data', () => socket.write('x'.repeat(3_000))); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => { server.close(); });
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library] }));
  stack.use(await begin(network, seen.port));
  using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'serve', '0', 'talk', String(port), 'line']);
  await followed(actor.pid);
  await actor.next();
  const listening = await seen.until('network.connected', each => each.process.pid === actor.pid && each.direction === 'listen');
  t.like(listening, { protocol: 'tcp', address: '127.0.0.1', tree: { pid: actor.pid } });
  t.true(listening.port > 0);
  const outbound = await seen.until('network.connected', each => each.process.pid === actor.pid && each.direction === 'outbound');
  t.like(outbound, { address: '127.0.0.1', port });
  t.is(outbound.process.executable.path, standIn.program);
  const moved = await seen.until('network.transferred', each => each.process.pid === actor.pid);
  t.like(moved, { sentBytes: 5_000, receivedBytes: 3_000 });
  await actor.next();
});

test('without tracefs it is unavailable', async t => {
  const { port } = witness();
  await t.throwsAsync(network.start(network.config.parse({ mountTracefs: false }), { ...port, host: { ...host, tracefs: '/nowhere/tracing' } }), { instanceOf: UnavailableError });
});
