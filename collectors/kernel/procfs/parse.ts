/**
 * Pure parsers of what proc(5) says of one process. The numbers come from the kernel, the names from whoever attacks:
 * each parser is bounded by its input, and throws RangeError for what it does not understand.
 */
import { escapeText, readText } from '../../../agent/contract/text.ts';

export interface ProcessStat {
  readonly pid: number;
  /** Chosen by the process; escaped. */
  readonly name: string;
  /** One letter: R S D Z T t X I … */
  readonly state: string;
  readonly parent: number;
  readonly kernelThread: boolean;
  /** Clock ticks in user and kernel mode. */
  readonly cpuTicks: number;
  readonly threads: number;
  readonly startTicks: number;
  readonly virtualBytes: number;
  readonly residentPages: number;
}

// Fields after the name, counted from `state` (field 3 of proc_pid_stat(5)).
const field = { state: 0, parent: 1, flags: 6, user: 11, system: 12, threads: 17, start: 19, virtual: 20, resident: 21 } as const;
const kernelThreadFlag = 0x0020_0000;

/** The name may hold `) (` and newlines; nothing after it does, so the last parenthesis ends it. */
export function parseStat(bytes: Uint8Array): ProcessStat {
  const open = bytes.indexOf(0x28);
  const close = bytes.lastIndexOf(0x29);
  if (open < 1 || close < open) throw new RangeError('/proc/PID/stat without a name');
  const fields = latin1(bytes, close + 2, Math.min(bytes.length, close + 1_024)).trimEnd().split(' ');
  const at = (index: number): number => natural(fields[index], '/proc/PID/stat');
  const state = fields[field.state] ?? '';
  if (!/^[A-Za-z]$/.test(state)) throw new RangeError('/proc/PID/stat without a state');
  return {
    pid: natural(latin1(bytes, 0, open).trimEnd(), '/proc/PID/stat'), name: clip(readText(bytes.subarray(open + 1, close), 64), 256), state,
    parent: at(field.parent), kernelThread: (at(field.flags) & kernelThreadFlag) !== 0, cpuTicks: at(field.user) + at(field.system),
    threads: at(field.threads), startTicks: at(field.start), virtualBytes: at(field.virtual), residentPages: at(field.resident),
  };
}

/** Pages of address space: the first number of /proc/PID/statm. Read most often of all, so digit by digit. */
export function parsePages(bytes: Uint8Array): number {
  let pages = 0;
  for (let at = 0; at < 16; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x20 && at > 0) return pages;
    if (byte < 0x30 || byte > 0x39) break;
    pages = pages * 10 + byte - 0x30;
  }
  throw new RangeError('/proc/PID/statm: no number');
}

export interface ProcessStatus {
  /** Effective. */
  readonly uid: number;
  /** The pid in each namespace, ours first, the process's own last; one when the kernel does not say. */
  readonly namespacePids: readonly number[];
  /** Effective capabilities, bit N is capability N of capabilities(7). */
  readonly capabilities: bigint;
}

/** The kernel escapes the newline in the name here, so no line can be forged. */
export function parseStatus(bytes: Uint8Array): ProcessStatus {
  const text = latin1(bytes, 0, bytes.length);
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(text)?.[1];
  const pids = /^NSpid:((?:\t\d+)+)$/m.exec(text)?.[1] ?? /^Pid:(\t\d+)$/m.exec(text)?.[1] ?? '';
  const capabilities = /^CapEff:\t([0-9a-f]{1,16})$/m.exec(text)?.[1] ?? '0';
  return {
    uid: natural(uid, '/proc/PID/status'), capabilities: BigInt(`0x${capabilities}`),
    namespacePids: pids.split('\t').slice(1).map(pid => natural(pid, '/proc/PID/status')),
  };
}

const maxArguments = 64;
const maxArgument = 1_024;

/** Arguments as text: at most 64 of 1,024 characters; the last one says how many were left out. `cut`: the bytes are not all. */
export function parseArguments(bytes: Uint8Array, cut = false): string[] {
  const list: string[] = [];
  let left = 0;
  for (let at = 0; at < bytes.length;) {
    const zero = bytes.indexOf(0, at);
    const end = zero < 0 ? bytes.length : zero;
    if (list.length < maxArguments) list.push(clip(readText(bytes.subarray(at, end), maxArgument), maxArgument));
    else left += 1;
    at = end + 1;
  }
  if (cut || left > 0) {
    if (list.length === maxArguments) { list.pop(); left += 1; }
    list.push(cut ? '… more' : `… ${left} more`);
  }
  return list;
}

/** The first value of each asked variable, as byte text; as the environment was at exec, which the process may rewrite. */
export function parseEnvironment(bytes: Uint8Array, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length && found.size < names.length;) {
    const zero = bytes.indexOf(0, at);
    const end = zero < 0 ? bytes.length : zero;
    for (const name of names) {
      const value = at + name.length + 1;
      if (value <= end && !found.has(name) && latin1(bytes, at, value) === `${name}=`) found.set(name, latin1(bytes, value, end));
    }
    at = end + 1;
  }
  return found;
}

/** Bytes that went through read and write calls of any kind, whether or not a disk was touched. */
export interface ProcessIo { readonly readBytes: number; readonly writtenBytes: number }
export function parseIo(bytes: Uint8Array): ProcessIo {
  const text = latin1(bytes, 0, Math.min(bytes.length, 1_024));
  const figure = (name: string): number => natural(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1], '/proc/PID/io');
  return { readBytes: figure('rchar'), writtenBytes: figure('wchar') };
}

/** Null when nobody logged in: the kernel then keeps (uid_t)-1. */
export function parseLoginUid(bytes: Uint8Array): number | null {
  const uid = natural(latin1(bytes, 0, 16).trim(), '/proc/PID/loginuid');
  return uid === 0xffff_ffff ? null : uid;
}

/** Byte text or any other text from outside, as `readText` would write it. */
export const showBytes = (byteText: string, limit = 4_096): string => clip(readText(Buffer.from(byteText, 'latin1'), limit), limit * 2);

/** At most `limit` characters; a cut is marked by `…` and parts no surrogate pair. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${escapeLone(text.slice(0, limit - 1))}…`;
}
const escapeLone = (text: string): string => /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;

/** A number of the kernel: decimal digits only. `source` names the file in the error. */
export function natural(text: string | undefined, source: string): number {
  if (text === undefined || !/^\d{1,20}$/.test(text)) throw new RangeError(`${source}: not a number: ${escapeText(JSON.stringify(text?.slice(0, 40)) ?? 'nothing')}`);
  return Number(text);
}

export const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, Math.min(end, bytes.length));
