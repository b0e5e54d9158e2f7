import { readFileSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';

/** The kernel's limits on inotify(7); null where the host does not say. */
export interface Limits { readonly queuedEvents: number | null; readonly watches: number | null; readonly instances: number | null }

export function readLimits(host: HostPaths): Limits {
  const read = (name: string): number | null => {
    try {
      const value = Number(readFileSync(`${host.proc}/sys/fs/inotify/${name}`, 'latin1'));
      return Number.isSafeInteger(value) && value > 0 ? value : null;
    } catch { return null; } // a kernel without inotify, or a fixture tree without this file
  };
  return { queuedEvents: read('max_queued_events'), watches: read('max_user_watches'), instances: read('max_user_instances') };
}

/** Commands an operator can paste, sized for what is there now. */
export const cureOf = {
  watches: (limits: Limits): string => `sysctl fs.inotify.max_user_watches=${Math.max(524_288, (limits.watches ?? 0) * 2)}`,
  instances: (limits: Limits): string =>
    `sysctl fs.inotify.max_user_instances=${Math.max(512, (limits.instances ?? 0) * 2)}, or raise the limit of open files (ulimit -n)`,
  queue: (limits: Limits): string => `sysctl fs.inotify.max_queued_events=${Math.max(65_536, (limits.queuedEvents ?? 0) * 4)}`,
} as const;
