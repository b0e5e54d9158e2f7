import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';
import { lossDraft } from './kernel/tracefs/loss.ts';
import { openSession } from './kernel/tracefs/session.ts';

const blind = [
  'UDP, QUIC, SCTP and raw sockets: only TCP connections are seen',
  'whether a connection was accepted by the other side: the attempt is told',
  'names: only addresses are seen',
];
const unseen: Readonly<Record<string, string>> = {
  'sock/inet_sock_set_state': 'TCP connections: this kernel (before 4.16) does not tell them',
  'sock/sock_send_length': 'bytes sent: this kernel (before 6.3) does not tell them',
  'sock/sock_recv_length': 'bytes received: this kernel (before 6.3) does not tell them',
};

/** Where processes with MXNet and all that descends from them connect to, where they listen, and how much they send and receive. */
export default defineCollector({
  name: 'network',
  needs: ['root', 'tracefs'],
  without: 'connections of MXNet processes and of what they start',
  config: z.strictObject({
    /** Of each CPU, in the kernel. */
    bufferKb: z.int().min(64).max(65_536).default(1_024),
    mountTracefs: z.boolean().default(true),
  }),
  async start({ bufferKb, mountTracefs }, port) {
    const session = await openSession(port.host, { log: port.log, bufferKb, mount: mountTracefs });
    const missing = session.absent.flatMap(event => unseen[event] ?? []);
    const say = (state: 'armed' | 'degraded' | 'down', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'network', level: 'tracefs', state, blind: [...why, ...missing, ...blind] });
    session.join({
      connected({ record, task, process }) {
        const { direction, address, port: number } = record;
        const at = session.clock.epoch(record.at);
        port.emit({ kind: 'network.connected', at, process, tree: task.root, protocol: 'tcp', direction, address, port: number });
      },
      transferred({ at, intervalMs, sums }) {
        for (const { task, sent, received } of sums) {
          const seen = { process: task.ref, intervalMs, sentBytes: sent, receivedBytes: received };
          port.emit({ kind: 'network.transferred', at: session.clock.epoch(at), ...seen });
        }
      },
      lost: (...loss) => port.emit(lossDraft(...loss)),
      changed: (state, why) => say(state, [why]),
    });
    say(missing.length > 0 ? 'degraded' : 'armed');
    return session;
  },
});
