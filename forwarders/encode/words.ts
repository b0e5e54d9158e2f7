import { escapeText } from '../../agent/contract/text.ts';
import type { Process, Stream } from '../../agent/contract/process.ts';

/** How facts are put into words; every result is escaped and bounded, whatever the facts hold. */

/** At most `limit` UTF-16 units, no pair torn; a cut is marked by `…`. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 2)) ? limit - 2 : limit - 1;
  return `${text.slice(0, Math.max(end, 0))}…`;
}

/** Escaped and cut. Only what can be seen in the end is escaped: a long text made of controls would cost seconds. */
export const safeText = (text: string, limit: number): string => cutText(escapeText(text.slice(0, limit + 1)), limit);

export const baseName = (path: string): string => /[^/]+(?=\/*$)/.exec(path)?.[0] ?? path;

/** One argument, quoted when it would otherwise read as several or as none. */
const quote = (argument: string): string => (/^[^\s'"]+$/.test(argument) ? argument : `'${argument.replaceAll('\'', String.raw`'\''`)}'`);

/** Arguments in a line, as far as `limit` characters can hold them. */
function joinArguments(argv: readonly string[], limit: number): string {
  let line = '';
  for (const argument of argv) {
    if (line.length > limit) break;
    line += `${line === '' ? '' : ' '}${quote(argument)}`;
  }
  return line;
}

const lineLimit = 4_096;
export const commandLine = (process: Process): string =>
  safeText(joinArguments(process.argv.length > 0 ? process.argv : [process.executable.path], lineLimit), lineLimit);

/** True when argv[0] is the program's own name, or that name without its version: `python3` for `python3.11`. */
const isHonest = (truth: string, claim: string): boolean => truth === claim || (truth.startsWith(claim) && /^[\d.]*$/.test(truth.slice(claim.length)));

/** Program and arguments. argv[0] is the program's own claim, so another name there is only ever told beside the true one. */
function programLine({ executable, argv }: Process, limit: number, show: (path: string, claim: string) => string): string {
  const [claimed = executable.path, ...rest] = argv;
  const claim = baseName(claimed);
  const truth = baseName(executable.path);
  const program = isHonest(truth, claim) ? show(executable.path, claim) : `${show(executable.path, truth)} (as ${cutText(quote(claimed), 80)})`;
  return safeText(`${program}${rest.length > 0 ? ' ' : ''}${joinArguments(rest, limit)}`, limit);
}

/** `python3 serve.py [4121]`, to be read in passing. */
export const byProcess = (process: Process): string => `${programLine(process, 120, (_, claim) => claim)} [${process.pid}]`;
/** `/bin/sh -c id [4177]`, the program by its full path. */
export const ranProcess = (process: Process): string => `${programLine(process, 320, path => path)} [${process.pid}]`;

/** `inet socket to 203.0.113.7 port 4444`, `pipe`, `closed`. */
export function streamText(stream: Stream): string {
  if (stream === null) return 'closed';
  if (stream.type !== 'socket') return stream.type;
  return `${stream.family ?? 'unknown'} socket${stream.peer === null ? '' : ` to ${stream.peer.address} port ${stream.peer.port}`}`;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
export function bytesText(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= 1_024 && unit < units.length - 1) { size /= 1_024; unit += 1; }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** `+2.10 s`, `-3.0 d`: how far from the load, in a unit that keeps it short. */
export function sinceText(milliseconds: number): string {
  const sign = milliseconds < 0 ? '-' : '+';
  const seconds = Math.abs(milliseconds) / 1_000;
  if (seconds < 120) return `${sign}${seconds.toFixed(2)} s`;
  if (seconds < 7_200) return `${sign}${(seconds / 60).toFixed(1)} min`;
  return seconds < 172_800 ? `${sign}${(seconds / 3_600).toFixed(1)} h` : `${sign}${(seconds / 86_400).toFixed(1)} d`;
}
