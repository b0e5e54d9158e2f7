/** What one process has used up to now. */
import { opendirSync, statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { parseIo } from './parse.ts';
import { isDenied, isGone, readFew } from './read.ts';
import { hasEnded, statusOf } from './status.ts';
import type { Units } from './units.ts';

export interface Usage {
  readonly startTicks: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly threads: number;
  readonly descriptors: number;
  /** Through read and write calls of any kind since the process began: files, pipes and sockets, from the cache or not. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Null when it has ended; 'denied' when the agent may not look. RSS is the kernel's quick count, exact to some pages a thread. */
export function usageOf(host: HostPaths, pid: number, { pageBytes, ticksPerSecond }: Units): Usage | 'denied' | null {
  const folder = `${host.proc}/${pid}`;
  try {
    const stat = statusOf(host, pid);
    if (stat === null || hasEnded(stat)) return null;
    return {
      startTicks: stat.startTicks, cpuSeconds: stat.cpuTicks / ticksPerSecond, rssBytes: stat.residentPages * pageBytes, threads: stat.threads,
      descriptors: descriptorsOf(`${folder}/fd`), ...parseIo(readFew(`${folder}/io`, 1_024).bytes),
    };
  } catch (error) {
    if (isGone(error)) return null;
    if (isDenied(error)) return 'denied';
    throw error;
  }
}

const mostCounted = 16_384;

/** Linux 6.2 and later say it as the size of the folder; before, it is 0 and they are counted, up to 16,384. */
function descriptorsOf(folder: string): number {
  const { size } = statSync(folder);
  if (size > 0) return size;
  using entries = opendirSync(folder);
  let count = 0;
  while (count < mostCounted && entries.readSync() !== null) count += 1;
  return count;
}
