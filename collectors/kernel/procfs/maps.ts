/** /proc/PID/maps: which files a process has in its memory. Pure. */
import { latin1 } from './parse.ts';

export interface FileMapping {
  /** Names the mapping below /proc/PID/map_files. */
  readonly range: string;
  /** As the kernel prints it, hexadecimal major:minor. On btrfs and overlayfs not what stat says. */
  readonly device: string;
  readonly inode: string;
  /** Whether any of it may be executed. */
  readonly executable: boolean;
  /** Byte text; ` (deleted)` at its end is the kernel's word or part of a forged name: only stat tells. */
  readonly path: string;
}

/**
 * Each mapped file once for each run of lines that name it. The last line may be cut when `cut` is true; it is left out
 * then. Throws RangeError for a line that is none.
 */
export function parseMaps(bytes: Uint8Array, cut = false): FileMapping[] {
  const found: FileMapping[] = [];
  let before: Line | null = null;
  for (let start = 0; start < bytes.length;) {
    const line = readLine(bytes, start);
    if (line === null) {
      if (cut && bytes.indexOf(0x0a, start) < 0) break;
      throw new RangeError(`/proc/PID/maps: no mapping at byte ${start}`);
    }
    if (cut && line.end === bytes.length) break;
    const last = found.at(-1);
    if (before !== null && last !== undefined && isSameFile(bytes, before, line)) {
      if (line.executable && !last.executable) found[found.length - 1] = { ...last, executable: true };
    } else if (!line.anonymous) found.push(mappingOf(bytes, start, line));
    before = line.anonymous ? null : line;
    start = line.end + 1;
  }
  return found;
}

/** Where the fields of one line are, `start-end perms offset device inode   path`; a file begins at its device. */
interface Line {
  readonly address: number; readonly device: number; readonly deviceEnd: number; readonly inodeEnd: number; readonly path: number; readonly end: number;
  readonly anonymous: boolean; readonly executable: boolean;
}

const [blank, newline, dash, zero, nine, letterX] = [0x20, 0x0a, 0x2d, 0x30, 0x39, 0x78];

/** Byte by byte: a busy host has a million of these lines a minute. */
function readLine(bytes: Uint8Array, start: number): Line | null {
  const address = next(bytes, start, blank);
  const perms = next(bytes, address + 1, blank);
  const device = next(bytes, perms + 1, blank) + 1;
  const deviceEnd = next(bytes, device, blank);
  if (deviceEnd < 0 || address < 0 || perms - address !== 5 || next(bytes, start, dash) > address) return null;
  let inodeEnd = deviceEnd + 1;
  for (let byte = bytes[inodeEnd] ?? 0; byte >= zero && byte <= nine; byte = bytes[inodeEnd] ?? 0) inodeEnd += 1;
  if (inodeEnd === deviceEnd + 1) return null;
  let path = inodeEnd;
  while (bytes[path] === blank) path += 1;
  const stop = bytes.indexOf(newline, path);
  return {
    address, device, deviceEnd, inodeEnd, path, end: stop < 0 ? bytes.length : stop,
    anonymous: inodeEnd === deviceEnd + 2 && bytes[deviceEnd + 1] === zero, executable: bytes[address + 3] === letterX,
  };
}

/** Where `byte` comes next in the line, within the widest fields there are; negative when it does not. */
function next(bytes: Uint8Array, start: number, byte: number): number {
  if (start < 0) return -1;
  for (let at = start; at < start + 40; at++) {
    const here = bytes[at];
    if (here === byte) return at;
    if (here === newline || here === undefined) return -1;
  }
  return -1;
}

function isSameFile(bytes: Uint8Array, one: Line, other: Line): boolean {
  const length = one.end - one.device;
  if (other.end - other.device !== length) return false;
  for (let at = length - 1; at >= 0; at--) if (bytes[one.device + at] !== bytes[other.device + at]) return false;
  return true;
}

const mappingOf = (bytes: Uint8Array, start: number, line: Line): FileMapping => ({
  range: range(latin1(bytes, start, line.address)), device: latin1(bytes, line.device, line.deviceEnd),
  inode: latin1(bytes, line.deviceEnd + 1, line.inodeEnd), path: unescaped(latin1(bytes, line.path, line.end)), executable: line.executable,
});

/** map_files prints addresses without the leading zeros of maps. */
const range = (text: string): string => text.split('-').map(address => address.replace(/^0+(?=.)/, '')).join('-');

/** Only the newline is escaped here, and the backslash is not: a name that holds a true `\012` reads alike. */
const unescaped = (text: string): string => text.includes('\\012') ? text.replaceAll('\\012', '\n') : text;

const mark = ' (deleted)';
/** The name without the kernel's mark of an unlinked file. */
export const withoutMark = (path: string): string => path.endsWith(mark) ? path.slice(0, -mark.length) : path;
