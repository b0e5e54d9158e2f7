import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { isInstalled } from './cache.ts';
import { parts } from './parts.ts';
import { onPath } from './run.ts';

export type RealPart = keyof typeof parts | 'root' | 'tracefs';

const tracing = '/sys/kernel/tracing';
const setup = 'npm run test:setup';

function tracefsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'run as root';
  if (!existsSync(`${tracing}/uprobe_events`)) spawnSync('mount', ['-t', 'tracefs', 'tracefs', tracing], { timeout: 5_000 });
  try { accessSync(`${tracing}/uprobe_events`, constants.W_OK); return null; } catch { return `mount -t tracefs tracefs ${tracing} (the kernel needs uprobes)`; }
}

/** What would supply this part, or null when it is there. */
export function missing(part: RealPart): string | null {
  switch (part) {
    case 'root': return process.getuid?.() === 0 ? null : 'run as root';
    case 'tracefs': return tracefsMissing();
    case 'kafka': return isInstalled(parts.kafka) && onPath('java') ? null : setup;
    case 'mxnet':
    case 'ocsf':
    case 'collector': return isInstalled(parts[part]) ? null : setup;
    default: return part satisfies never;
  }
}
