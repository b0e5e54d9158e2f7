import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import { type CpuTicks, parseAvailable, parseCpu, parseLoad } from './kernel/procfs/figures.ts';
import { readFew } from './kernel/procfs/read.ts';
import { resolversOf } from './kernel/procfs/resolvers.ts';
import { takeInventory } from './kernel/procfs/stocktaking.ts';

/** How busy the whole host is and whom it asks for names, from a few small files; and once an hour, beside it, what kind of machine it is. */
export default defineCollector({
  name: 'host',
  needs: [],
  without: 'nothing',
  config: z.strictObject({
    intervalMs: z.int().min(100).max(3_600_000).default(1_000),
    inventoryMs: z.int().min(60_000).max(604_800_000).default(3_600_000),
  }),
  async start({ intervalMs, inventoryMs }, port) {
    const sample = createSampler(port);
    const sampling = setInterval(sample, intervalMs);
    const stocktaking = takeStock(port, inventoryMs);
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(sampling);
        await stocktaking[Symbol.asyncDispose]();
      },
    };
  },
});

/** `cpuRatio`: the share of all processors that was busy since the sample before, 0 to 1. */
function createSampler(port: CollectorPort): () => void {
  const { proc } = port.host;
  const cpu = (): CpuTicks => parseCpu(readFew(`${proc}/stat`, 1_024).bytes);
  let before = cpu();
  return () => {
    try {
      const now = cpu();
      const total = now.total - before.total;
      const cpuRatio = total > 0 ? Math.min(1, Math.max(0, (now.busy - before.busy) / total)) : 0;
      before = now;
      const resolvers = resolversOf(port.host);
      port.emit({
        kind: 'host.sampled', at: Date.now(), cpuRatio: Math.round(cpuRatio * 1e4) / 1e4,
        load1: parseLoad(readFew(`${proc}/loadavg`).bytes), availableBytes: parseAvailable(readFew(`${proc}/meminfo`).bytes),
        ...resolvers === null ? {} : { resolvers },
      });
    } catch (error) { port.fail(error instanceof Error ? error : new Error(String(error))); }
  };
}

/** The first is taken when the start is over, so that it delays nobody; it is logged again only when it has changed. */
function takeStock({ log }: CollectorPort, everyMs: number): AsyncDisposable {
  const stop = new AbortController();
  let said = '';
  let running: Promise<void> = Promise.resolve();
  async function take(): Promise<void> {
    try {
      const inventory = await takeInventory(stop.signal);
      const { fileSystems, ...lasting } = inventory;
      const now = JSON.stringify([lasting, fileSystems.map(({ usedBytes: _, ...each }) => each)]);
      if (now !== said) log.info('host inventory', inventory);
      said = now;
    } catch (error) {
      if (!stop.signal.aborted) log.warn(`host inventory not taken: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const begin = (): void => { running = running.then(take); };
  const first = setTimeout(begin, 5_000);
  const timer = setInterval(begin, everyMs);
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(first);
      clearInterval(timer);
      stop.abort();
      await running;
    },
  };
}
