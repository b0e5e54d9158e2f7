import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';
import { type Level, openSensor } from './kernel/bpf/level.ts';

const always = ['whether a connection was accepted by the other side: the attempt is told', 'names: only addresses are seen'];
const byPrograms = ['SCTP and raw sockets', 'UDP sockets that only receive', 'a datagram to where the same process sent one less than ten seconds ago'];
const blind: Readonly<Record<Level, readonly string[]>> = {
  'bpf-lsm': [...byPrograms, ...always],
  'bpf-base': [...byPrograms, ...always],
  tracefs: ['UDP, QUIC, SCTP and raw sockets: only TCP connections are seen', ...always],
};
const facts = ['connections', 'datagrams', 'listeners', 'bytes sent', 'bytes received', 'bytes sent and received'];

/** Where processes with MXNet and all that descends from them connect to, where they listen, and how much they send and receive. */
export default defineCollector({
  name: 'network',
  needs: ['root', 'kernel'],
  without: 'connections of MXNet processes and of what they start',
  config: z.strictObject({
    /** Of each CPU, in the kernel. */
    bufferKb: z.int().min(64).max(65_536).default(1_024),
    mountTracefs: z.boolean().default(true),
    /** `best`: programs in the kernel where they work, else tracefs. */
    level: z.enum(['best', 'bpf', 'tracefs']).default('best'),
  }),
  async start({ bufferKb, mountTracefs, level: wanted }, port) {
    const sensor = await openSensor(port.host, { log: port.log, level: wanted, bufferKb, mount: mountTracefs });
    const { clock, level, unseen } = sensor;
    const missing = facts.flatMap(fact => (unseen.has(fact) ? [`${fact}: ${unseen.get(fact)}`] : []));
    const say = (state: 'armed' | 'degraded' | 'down', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'network', level, state, blind: [...why, ...missing, ...blind[level]] });
    sensor.join({
      connected({ record, task, process }) {
        const { direction, address, port: number, protocol = 'tcp' } = record;
        port.emit({ kind: 'network.connected', at: clock.epoch(record.at), process, tree: task.root, protocol, direction, address, port: number });
      },
      transferred({ at, intervalMs, sums }) {
        for (const { task, sent, received } of sums) {
          const seen = { process: task.ref, intervalMs, sentBytes: sent, receivedBytes: received };
          port.emit({ kind: 'network.transferred', at: clock.epoch(at), ...seen });
        }
      },
      lost: draft => port.emit(draft),
      changed: (state, why) => say(state, [why]),
    });
    say(missing.length > 0 ? 'degraded' : 'armed');
    return sensor;
  },
});
