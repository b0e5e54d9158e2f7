/** Whether a process is there, and where its memory shows. */
import { readdirSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { type ProcessStat, parseStat } from './parse.ts';
import { isDenied, isGone, type Reading, readFew, readLink, readRecord } from './read.ts';

/** /proc/PID/stat; null when the process is gone. */
export function statusOf(host: HostPaths, pid: number): ProcessStat | null {
  const bytes = tryRecord(`${host.proc}/${pid}/stat`);
  return bytes === null ? null : parseStat(bytes);
}

/** As `readRecord`; null when it is gone, forbidden or empty. */
export function tryRecord(path: string): Buffer | null {
  try {
    const bytes = readRecord(path);
    return bytes.length === 0 ? null : bytes;
  } catch (error) { if (isGone(error) || isDenied(error)) return null; throw error; }
}

/** Whether it has ended: its first thread may end before the others, and then looks like a zombie. */
export const hasEnded = (stat: ProcessStat): boolean => 'ZXx'.includes(stat.state) && stat.threads <= 1;

/** /proc/PID, or the folder of a living thread when the first one has ended: then /proc/PID shows no memory and no executable. */
export function livingFolder(host: HostPaths, stat: ProcessStat): string {
  const own = `${host.proc}/${stat.pid}`;
  if (!'ZXx'.includes(stat.state) || stat.threads <= 1) return own;
  for (const thread of readThreads(own)) if (readLink(`${own}/task/${thread}/exe`) !== null) return `${own}/task/${thread}`;
  return own;
}

function readThreads(folder: string): string[] {
  try { return readdirSync(`${folder}/task`).slice(0, 1_024); } catch (error) { if (isGone(error) || isDenied(error)) return []; throw error; }
}

/** What `parse` makes of at most `limit` bytes; null when the file is gone or forbidden. */
export function tryRead<Parsed>(path: string, limit: number, parse: (reading: Reading) => Parsed): Parsed | null {
  try { return parse(readFew(path, limit)); } catch (error) { if (isGone(error) || isDenied(error)) return null; throw error; }
}
