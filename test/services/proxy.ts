import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { freePorts } from './ports.ts';

/** A wire between a client and a server on loopback that can be cut. */
export interface Wire extends AsyncDisposable {
  /** Where the client connects. */
  readonly port: number;
  /** Where it leads to; set it before anyone connects. */
  target: number;
  /** Every connection ends with a reset, and every new one, until `mend`. */
  cut(): void;
  /** Nothing passes in either direction, though connections stay and new ones are taken, until `mend`. */
  stall(): void;
  /** What was held up by `stall` goes on from where it was. */
  mend(): void;
}

type State = 'whole' | 'cut' | 'stalled';
type Pair = readonly [Socket, Socket];

export async function startWire(): Promise<Wire> {
  const { wire: port } = await freePorts('wire');
  const pairs = new Set<Pair>();
  let state: State = 'whole';

  const flow = ([one, other]: Pair) => { one.pipe(other); other.pipe(one); };
  const hold = ([one, other]: Pair) => { for (const [from, to] of [[one, other], [other, one]] as const) { from.unpipe(to); from.pause(); } };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, client => {
    if (state === 'cut') { client.on('error', () => { /* it is gone */ }).resetAndDestroy(); return; }
    const pair: Pair = [client, connect({ port: wire.target, host: '127.0.0.1', allowHalfOpen: true })];
    pairs.add(pair);
    for (const [own, far] of [pair, pair.toReversed() as unknown as Pair]) {
      own.on('error', () => far.destroy()).on('close', () => { far.destroy(); pairs.delete(pair); });
    }
    if (state === 'whole') flow(pair);
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');

  const wire: Wire = {
    port, target: 0,
    cut() {
      state = 'cut';
      for (const [client, upstream] of pairs) { client.resetAndDestroy(); upstream.resetAndDestroy(); }
    },
    stall() {
      state = 'stalled';
      pairs.forEach(hold);
    },
    mend() {
      if (state === 'stalled') pairs.forEach(flow);
      state = 'whole';
    },
    async [Symbol.asyncDispose]() {
      wire.cut();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
  return wire;
}
