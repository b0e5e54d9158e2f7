import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { describeProcess } from '../procfs/describe.ts';
import type { Row } from './fact.ts';
import { nameOf, type RawPath } from './raw-path.ts';

/** Best effort: who has a file open for writing when a notice of it comes. Who closes at once is missed. */
export interface WriterSearch {
  /** Looks once through all descriptors for these files; at most `budgetMs` of each second, newest process first. */
  search(paths: ReadonlySet<RawPath>): void;
  /** Null when nobody was seen writing to it in the last 30 s. */
  writerOf(file: Pick<Row, 'device' | 'inode'>): Process | null;
}

const budgetMs = 15;
const rememberedMs = 30_000;
const mostRemembered = 1_024;

export function searchWriters(host: HostPaths): WriterSearch {
  const seen = new Map<string, { readonly process: Process; readonly at: number }>();
  let second = 0;
  let spent = 0;

  function search(paths: ReadonlySet<RawPath>): void {
    const start = performance.now();
    if (start - second >= 1_000) { second = start; spent = 0; }
    const deadline = start + budgetMs - spent;
    if (deadline <= start) return;
    const names = new Set(Array.from(paths, nameOf));
    for (const pid of pidsOf(host)) {
      if (performance.now() > deadline) break;
      for (const key of writtenBy(`${host.proc}/${pid}`, names, deadline)) remember(key, pid);
    }
    spent += performance.now() - start;
  }

  function remember(key: string, pid: number): void {
    const process = describeProcess(host, pid);
    if (!process) return;
    seen.delete(key);
    seen.set(key, { process, at: performance.now() });
    for (const oldest of seen.keys()) {
      if (seen.size <= mostRemembered) break;
      seen.delete(oldest);
    }
  }

  return {
    search,
    writerOf: file => {
      const found = seen.get(`${file.device}:${file.inode}`);
      return found && performance.now() - found.at < rememberedMs ? found.process : null;
    },
  };
}

function pidsOf(host: HostPaths): readonly number[] {
  try {
    const own = process.pid;
    return readdirSync(host.proc).map(Number).filter(pid => pid > 0 && pid !== own).sort((one, other) => other - one);
  } catch { return []; } // no procfs: nobody is ever known, which `by: null` says
}

/**
 * Keys of the files of these names that a process has open for writing. Links are read first, which asks no file system;
 * only a descriptor of the right name is asked for its inode.
 */
function* writtenBy(folder: string, names: ReadonlySet<RawPath>, deadline: number): Generator<string> {
  let descriptors: string[];
  try { descriptors = readdirSync(`${folder}/fd`); } catch { return; } // gone, or another user's
  for (const descriptor of descriptors) {
    if (performance.now() > deadline) return;
    try {
      const link = readlinkSync(`${folder}/fd/${descriptor}`, 'latin1');
      if (!link.startsWith('/') || !names.has(nameOf(link))) continue;
      // proc_pid_fdinfo(5): the flags of open(2) in octal; its lowest two bits are zero for reading only.
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`${folder}/fdinfo/${descriptor}`, 'latin1'))?.[1];
      if (flags === undefined || (Number.parseInt(flags, 8) & 3) === 0) continue;
      const stat = statSync(`${folder}/fd/${descriptor}`, { bigint: true });
      yield `${stat.dev}:${stat.ino}`;
    } catch {} // closed while we looked
  }
}
