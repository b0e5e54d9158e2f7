import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import type { ProcessRef } from '../agent/contract/process.ts';
import { openCensus } from './kernel/procfs/census.ts';
import { unitsOf } from './kernel/procfs/units.ts';
import { type Usage, usageOf } from './kernel/procfs/usage.ts';

/** After a load, what it changes is seen at a tenth of a second. */
const closely = { everyMs: 100, forMs: 5_000 };

/** One process that is sampled. Times are of performance.now(). */
interface Sampled { readonly process: ProcessRef; last: Usage | null; at: number; dueAt: number; closelyUntil: number; denied: boolean }

/** What each process with MXNet uses: processor, memory, threads, descriptors, bytes read and written. */
export default defineCollector({
  name: 'usage',
  needs: [],
  without: 'what processes of other users use',
  config: z.strictObject({ intervalMs: z.int().min(100).max(3_600_000).default(1_000) }),
  async start({ intervalMs }, port) {
    const sampler = createSampler(port, intervalMs);
    const census = await openCensus(port.host, error => port.log.debug(error.message)); // `processes` makes it a fact
    census.join({
      mapped: ({ process }) => sampler.add(process),
      gone: ({ pid }) => sampler.remove(pid),
      loaded: pid => sampler.watchClosely(pid),
    });
    return {
      async [Symbol.asyncDispose]() {
        await census[Symbol.asyncDispose]();
        sampler[Symbol.dispose]();
      },
    };
  },
});

function createSampler(port: CollectorPort, intervalMs: number) {
  const all = new Map<number, Sampled>();
  const units = unitsOf(port.host);
  let timer: NodeJS.Timeout | undefined;

  function sample(each: Sampled): void {
    const now = performance.now();
    const usage = usageOf(port.host, each.process.pid, units);
    each.dueAt = now + (now < each.closelyUntil ? closely.everyMs : intervalMs);
    if (usage === 'denied') { sayDenied(each); each.last = null; return; }
    if (usage === null || usage.startTicks !== each.process.startTicks) { each.last = null; return; }
    if (each.last !== null) port.emit({ kind: 'process.sampled', at: Date.now(), process: each.process, intervalMs: Math.round(now - each.at), ...between(each.last, usage) });
    each.last = usage;
    each.at = now;
  }

  /** A process may raise its privileges above ours at any time; its figures are missing from then on. */
  function sayDenied(each: Sampled): void {
    if (each.denied) return;
    each.denied = true;
    port.log.warn(`what process ${each.process.pid} uses can no longer be read`);
    port.emit({ kind: 'events.lost', at: Date.now(), where: 'collector', what: 'process.sampled', count: null });
  }

  function run(): void {
    for (const each of all.values()) {
      if (each.dueAt > performance.now()) continue;
      try { sample(each); } catch (error) {
        port.fail(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    schedule();
  }

  function schedule(): void {
    clearTimeout(timer);
    const next = Math.min(...[...all.values()].map(each => each.dueAt));
    if (Number.isFinite(next)) timer = setTimeout(run, Math.max(1, next - performance.now()));
  }

  return {
    add({ pid, startTicks }: ProcessRef) {
      if (all.get(pid)?.process.startTicks === startTicks) return;
      all.set(pid, { process: { pid, startTicks }, last: null, at: 0, dueAt: 0, closelyUntil: 0, denied: false });
      schedule();
    },
    remove(pid: number) { all.delete(pid); schedule(); },
    /** The interval before the load ends here, so that none of it is counted to what follows. */
    watchClosely(pid: number) {
      const each = all.get(pid);
      if (each === undefined) return;
      const now = performance.now();
      if (now >= each.closelyUntil) each.dueAt = now;
      each.closelyUntil = now + closely.forMs;
      schedule();
    },
    [Symbol.dispose]() { clearTimeout(timer); all.clear(); },
  };
}

/** What was used from one look to the next; the counters of one process never run backwards but for rounding. */
function between(last: Usage, { startTicks, ...usage }: Usage): Omit<Usage, 'startTicks'> {
  const grown = (key: 'cpuSeconds' | 'readBytes' | 'writtenBytes'): number => Math.max(0, usage[key] - last[key]);
  return { ...usage, cpuSeconds: Math.round(grown('cpuSeconds') * 1e6) / 1e6, readBytes: grown('readBytes'), writtenBytes: grown('writtenBytes') };
}
