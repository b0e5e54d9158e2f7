import { createHistogram } from 'node:perf_hooks';
import process from 'node:process';
import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';

/** Milliseconds between two looks at the clock: finer costs more wakes, coarser hides short stalls. */
const resolutionMs = 100;

/** What the agent itself uses. Its children (sensors, the gate) are not in it yet. */
export default defineCollector({
  name: 'self',
  needs: [],
  without: 'nothing',
  config: z.strictObject({ intervalMs: z.int().min(100).max(3_600_000).default(1_000) }),
  async start({ intervalMs }, port) {
    const delay = watchDelay();
    let before = { at: performance.now(), cpu: process.cpuUsage() };
    const timer = setInterval(() => {
      const now = { at: performance.now(), cpu: process.cpuUsage() };
      port.emit({
        kind: 'agent.sampled', at: Date.now(), intervalMs: Math.round(now.at - before.at),
        cpuSeconds: (now.cpu.user - before.cpu.user + now.cpu.system - before.cpu.system) / 1e6,
        rssBytes: process.memoryUsage.rss(), loopDelayMs: delay.take(),
      });
      before = now;
    }, intervalMs);
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer);
        delay[Symbol.dispose]();
      },
    };
  },
});

/**
 * How late a timer is that should come every 100 ms. Not perf_hooks' monitorEventLoopDelay: its reset also forgets when it
 * looked last, so that a stall across the end of an interval is in none.
 */
function watchDelay() {
  const late = createHistogram();
  let before = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    late.record(Math.max(1, Math.round((now - before - resolutionMs) * 1_000)));
    before = now;
  }, resolutionMs);
  return {
    /** The 99th percentile in milliseconds since the last call; a stall that still lasts is not in it. */
    take(): number {
      const milliseconds = late.count === 0 ? 0 : late.percentile(99) / 1_000;
      late.reset();
      return Math.round(milliseconds * 100) / 100;
    },
    [Symbol.dispose]() { clearInterval(timer); },
  };
}
