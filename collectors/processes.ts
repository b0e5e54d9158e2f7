import process from 'node:process';
import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import { openCensus } from './kernel/procfs/census.ts';
import { trySight } from './kernel/procfs/sight.ts';

const without = 'the memory maps of other users\' processes: MXNet in them is not seen';

/** Which processes have MXNet, from /proc alone: as they appear, as they load it, as they end. */
export default defineCollector({
  name: 'processes',
  needs: [],
  without,
  config: z.strictObject({
    /** How often to try again whether other users' processes can be looked into. */
    sightMs: z.int().min(1_000).max(86_400_000).default(60_000),
  }),
  async start({ sightMs }, port) {
    const census = await openCensus(port.host, error => lost(port, error));
    const look = watchSight(port);
    look();
    const timer = setInterval(look, sightMs);
    census.join({
      mapped({ process: who, settings }, { place, file, version, unexpected }) {
        port.emit({ kind: 'mxnet.mapped', at: Date.now(), process: who, library: { place, file, version, unexpected }, settings });
      },
      extended(who, library) { port.emit({ kind: 'library.mapped', at: Date.now(), process: who, library }); },
      gone(who, status) { port.emit({ kind: 'process.exited', at: Date.now(), process: who, tree: who, status }); },
    });
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer);
        await census[Symbol.asyncDispose]();
      },
    };
  },
});

/** What the poll did not see in the last minute becomes a fact; what it saw late or in part is only logged. */
function lost(port: CollectorPort, error: Error): void {
  const count = countOf(error);
  port.log[count === 0 ? 'warn' : 'error'](error.message);
  if (count !== 0) port.emit({ kind: 'events.lost', at: Date.now(), where: 'collector', what: 'mxnet.mapped', count });
}

function countOf(error: Error): number | null {
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'count' in cause && typeof cause.count === 'number' ? cause.count : null;
}

/** Says it at start, and again when it changes. Single processes above the agent's privileges are a warning, not blindness. */
function watchSight(port: CollectorPort): () => void {
  let said = '';
  return () => {
    const { closed, blind } = trySight(port.host, { pid: process.pid, uid: process.geteuid?.() ?? -1 });
    if (closed === said) return;
    if (closed === 'others' || said !== 'none') {
      port.emit({
        kind: 'sensor.changed', at: Date.now(), sensor: 'processes', level: 'unprivileged',
        ...closed === 'others' ? { state: 'degraded', blind: [without, ...blind] } : { state: 'armed', blind: [] },
      });
    }
    if (closed === 'some') port.log.warn('some processes cannot be looked into', { blind });
    said = closed;
  };
}
