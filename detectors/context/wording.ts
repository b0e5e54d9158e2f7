import type { Process } from '../../agent/contract/process.ts';

/*
 * How findings name things. Facts are escaped already (agent/contract/text.ts: a backslash of the name itself is
 * doubled), so a quotation mark inside is marked by one more backslash and no name can end its own quotation.
 */

/** At most `limit` characters; the middle is left out, since the end of a path says most. */
export function clip(text: string, limit = 160): string {
  if (text.length <= limit) return text;
  const head = Math.floor(limit / 3);
  // Joined, not added: what is kept must not keep the whole text alive.
  return [text.slice(0, head), text.slice(text.length - (limit - head - 1))].join('…');
}

export const quote = (text: string, limit = 160): string => `"${clip(text, limit).replaceAll('"', '\\"')}"`;

/** `/usr/bin/python3 (pid 4121, uid 1001)` */
export const who = (process: Process): string => `${clip(process.executable.path, 120) || 'a program of unknown name'} (pid ${process.pid}, uid ${process.uid})`;

/** The command line, quoted; arguments are parted by blanks, so it is for reading only. */
export const command = (argv: readonly string[]): string => quote(argv.slice(0, 16).join(' '), 200);

export const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** True when `path` lies in `folder` or below it. */
export const isBelow = (path: string, folder: string): boolean => path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** `0.4 s`, `12 s`, `3 min`, `2 h`: what a person would say. */
export function duration(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** `512 KiB`, `1.5 GiB` */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  const step = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10)));
  const amount = count / 1_024 ** step;
  return `${amount < 10 && step > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[step]}`;
}
