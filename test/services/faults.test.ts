import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { steppedClock } from './clock.ts';
import { startWire } from './proxy.ts';
import { testWith } from './require.ts';
import { mustRun } from './run.ts';

/** A server behind a wire that answers with what it is told. */
async function echo(t: ExecutionContext): Promise<{ wire: Awaited<ReturnType<typeof startWire>>; client(): Promise<Socket> }> {
  const server = createServer(socket => { socket.on('error', () => { /* cut */ }); socket.pipe(socket); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = await startWire();
  wire.target = (server.address() as AddressInfo).port;
  t.teardown(async () => { await wire[Symbol.asyncDispose](); server.close(); });
  return {
    wire,
    async client() {
      const socket = connect(wire.port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  };
}

test('a wire that is cut resets what it carries and whoever comes, and carries again when it is mended', async t => {
  const { wire, client } = await echo(t);
  const first = await client();
  first.write('one');
  t.is(String(await once(first, 'data')), 'one');
  wire.cut();
  const [error] = await once(first, 'error') as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNRESET');
  const [late] = await once(connect(wire.port, '127.0.0.1'), 'error') as [NodeJS.ErrnoException];
  t.is(late.code, 'ECONNRESET');
  wire.mend();
  const second = await client();
  second.write('two');
  t.is(String(await once(second, 'data')), 'two');
  second.destroy();
});

test('a wire that is stalled carries nothing, loses nothing, and goes on when it is mended', async t => {
  const { wire, client } = await echo(t);
  const socket = await client();
  wire.stall();
  socket.write('held');
  const other = await client();
  other.write('taken');
  let early = 0;
  for (const each of [socket, other]) each.on('data', () => { early += 1; });
  // Another connection, to the server itself, comes and goes meanwhile.
  const direct = connect(wire.target, '127.0.0.1');
  direct.write('direct');
  t.is(String(await once(direct, 'data')), 'direct');
  t.is(early, 0);
  const both = Promise.all([once(socket, 'data'), once(other, 'data')]);
  wire.mend();
  t.deepEqual((await both).map(String), ['held', 'taken']);
  for (const each of [socket, other, direct]) each.destroy();
});

testWith(['cc'], 'a stepped clock is that of its processes only, and leaves their steady one alone', async t => {
  await using clock = await steppedClock();
  const ask = async () => JSON.parse(await mustRun(process.execPath, ['-p', 'JSON.stringify([Date.now(), performance.now()])'], { env: clock.env })) as [number, number];
  for (const offMs of [0, 3_600_000, -7_200_500]) {
    clock.set(offMs);
    const before = Date.now();
    const [wall, steady] = await ask();
    t.true(wall >= before + offMs - 5 && wall <= Date.now() + offMs + 5, `${wall - before}`);
    t.true(steady >= 0 && steady < 60_000);
  }
});
