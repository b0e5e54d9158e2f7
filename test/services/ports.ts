import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { createServer } from 'node:net';

/**
 * Below Linux's range for outgoing connections. A port from that range could be taken by any client while a server
 * restarts; worse, a client that knocks at a closed one now and then connects to itself.
 */
const range = [15_000, 32_000] as const;
const attempts = 100;

async function hold(): Promise<Server> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const server = createServer().listen(randomInt(...range), '127.0.0.1');
    if (await once(server, 'listening').then(() => true, () => false)) return server;
  }
  throw new Error(`no free port found in ${attempts} attempts`);
}

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server is not on a port');
  return address.port;
};

/** Loopback ports nobody listens on, all different. */
export async function freePorts<const Names extends readonly string[]>(...names: Names): Promise<Record<Names[number], number>> {
  const held = await Promise.all(names.map(hold));
  const ports = Object.fromEntries(names.map((name, index) => [name, portOf(held[index] as Server)]));
  await Promise.all(held.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports as Record<Names[number], number>;
}
