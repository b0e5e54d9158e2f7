/** Figures of the whole host from procfs. Pure; RangeError for what does not parse. */
import { latin1, natural } from './parse.ts';

/** Runnable and waiting tasks, averaged over a minute: the first number of /proc/loadavg. */
export function parseLoad(bytes: Uint8Array): number {
  const text = /^(\d{1,9}\.\d{1,4}) /.exec(latin1(bytes, 0, 64))?.[1];
  if (text === undefined) throw new RangeError('/proc/loadavg: no number');
  return Number(text);
}

/** MemAvailable of /proc/meminfo in bytes (Linux 3.14 and later). */
export function parseAvailable(bytes: Uint8Array): number {
  return natural(/^MemAvailable: +(\d+) kB$/m.exec(latin1(bytes, 0, 8_192))?.[1], '/proc/meminfo') * 1_024;
}

/** Clock ticks since boot, all processors together; waiting for a disk is not work. */
export interface CpuTicks { readonly busy: number; readonly total: number }

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal (guest time is within user). */
export function parseCpu(bytes: Uint8Array): CpuTicks {
  const line = /^cpu +([\d ]+)$/m.exec(latin1(bytes, 0, 1_024))?.[1];
  const ticks = line?.trimEnd().split(' ').slice(0, 8).map(text => natural(text, '/proc/stat')) ?? [];
  if (ticks.length < 4) throw new RangeError('/proc/stat: no processor times');
  const total = ticks.reduce((sum, part) => sum + part, 0);
  return { total, busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0) };
}

/** Seconds since boot: /proc/uptime. */
export function parseUptime(bytes: Uint8Array): number {
  const text = /^(\d{1,12}\.\d{1,4}) /.exec(latin1(bytes, 0, 64))?.[1];
  if (text === undefined) throw new RangeError('/proc/uptime: no number');
  return Number(text);
}

/** Epoch seconds of the boot: `btime` of /proc/stat. */
export const parseBootTime = (bytes: Uint8Array): number => natural(/^btime (\d+)$/m.exec(latin1(bytes, 0, bytes.length))?.[1], '/proc/stat');
