import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';
import { type Level, openSensor } from './kernel/bpf/level.ts';

const blind: Readonly<Record<Level, readonly string[]>> = {
  'bpf-lsm': [],
  'bpf-base': [],
  tracefs: [
    'the arguments of a program that lived less than about a millisecond: they are then empty',
    'what a process starts in the first 50 ms after its first call into MXNet, when it called nothing of it at import',
    'exit codes that the parent fetched at once: status is then null, signals are still told',
  ],
};
const facts = ['executed programs', 'forks', 'ends of processes', 'signals in calls'];
/** The kernel, which started the first process. */
const nobody = { pid: 0, startTicks: 0 };

/** What processes with MXNet and all that descends from them execute, and when those end. */
export default defineCollector({
  name: 'exec',
  needs: ['root', 'kernel'],
  without: 'programs started by MXNet processes, and how they ended',
  config: z.strictObject({
    /** Of each CPU, in the kernel. */
    bufferKb: z.int().min(64).max(65_536).default(1_024),
    mountTracefs: z.boolean().default(true),
    /** `best`: programs in the kernel where they work, else tracefs. */
    level: z.enum(['best', 'bpf', 'tracefs']).default('best'),
  }),
  async start({ bufferKb, mountTracefs, level: wanted }, port) {
    const sensor = await openSensor(port.host, { log: port.log, level: wanted, bufferKb, mount: mountTracefs });
    const { census, clock, level, unseen } = sensor;
    const missing = facts.flatMap(fact => (unseen.has(fact) ? [`${fact}: ${unseen.get(fact)}`] : []));
    const say = (state: 'armed' | 'degraded' | 'down', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'exec', level, state, blind: [...why, ...missing, ...blind[level]] });
    sensor.join({
      executed({ at, task, process, flow: { streams, parentStreams } }) {
        const parent = task.parent ?? process.ancestors[0] ?? nobody;
        port.emit({ kind: 'process.executed', at: clock.epoch(at), process, parent, tree: task.root, streams, ...parentStreams === undefined ? {} : { parentStreams } });
        // It may have been a member, and may be one again; what it was is gone.
        if (census.members.has(task.ref.pid)) census.look(task.ref.pid);
      },
      exited({ at, task, status }) {
        if (census.members.has(task.ref.pid)) census.leave(task.ref.pid, status);
        else port.emit({ kind: 'process.exited', at: clock.epoch(at), process: task.ref, tree: task.root, status });
      },
      lost: draft => port.emit(draft),
      changed: (state, why) => say(state, [why]),
    });
    say(missing.length > 0 ? 'degraded' : 'armed');
    return sensor;
  },
});
