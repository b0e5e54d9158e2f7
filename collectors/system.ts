import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';
import { openSensor } from './kernel/bpf/level.ts';
import { noticeDraft } from './kernel/bpf/notices.ts';

const without = 'changes of user, capabilities and namespaces; memory made executable, tracing, mounts, modules, bpf, perf and io_uring';
const facts = ['io_uring', 'capabilities used', 'memory made executable', 'tracing', 'mounts', 'kernel modules', 'bpf', 'perf events', 'memory files'];

/** What processes with MXNet and all that descends from them ask of the kernel that serving a model has no need of. */
export default defineCollector({
  name: 'system',
  needs: ['root', 'bpf'],
  without,
  config: z.strictObject({
    /** Of each CPU, in the kernel. */
    bufferKb: z.int().min(64).max(65_536).default(1_024),
    /**
     * Where the kernel has no other way, watch single system calls while a process with MXNet lives. Every process on the
     * machine then pays: about 35 ns a system call.
     */
    syscalls: z.boolean().default(false),
  }),
  async start({ bufferKb, syscalls }, port) {
    const sensor = await openSensor(port.host, { log: port.log, level: 'bpf', bufferKb, mount: false, syscalls });
    const { clock, level, unseen, partly } = sensor;
    // One by one, with the reason of each program, `mxwarden doctor` tells them.
    const missing = facts.filter(fact => unseen.has(fact));
    const blind = [
      ...missing.length > 0 ? [`${missing.join(', ')}: no program of ours for them runs on this kernel`] : [],
      ...partly.size > 0 ? [`${[...partly.values()].join(', ')}: this kernel lets us see them in a lesser way`] : [],
      'changes of user or namespaces that are taken back before the process does anything else that is seen',
    ];
    const say = (state: 'armed' | 'degraded' | 'down', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'system', level, state, blind: [...why, ...blind] });
    sensor.join({
      noticed({ record, task, process }) {
        const draft = noticeDraft(record, clock.epoch(record.at), process, task.root);
        if (draft !== null) port.emit(draft);
      },
      changed: (state, why) => say(state, [why]),
    });
    say('armed');
    return sensor;
  },
});
