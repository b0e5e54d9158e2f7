import { constants, crc32, inflateRawSync } from 'node:zlib';
import type { Severity } from '../../../agent/contract/finding.ts';
import { importOf } from './pickled.ts';

/** Executable or packed content that begins with these bytes. `what` completes "holds …". */
export interface Recognised { readonly kind: string; readonly what: string; readonly severity: Severity; readonly techniques: readonly string[] }

/** Enough for every header that is looked at. */
export const headerBytes = 4_608;
/** Enough to see that most of what the search tells is nothing. */
export const glanceBytes = 64;

/** Whether it is worth while to fetch `headerBytes`: false only when `recognise` would say null. */
export function isPromising(glance: Uint8Array): boolean {
  if (glance.length < glanceBytes) return true;
  switch (glance[0]) {
    case 0x80: return importOf(glance) !== 'none';
    case 0x4d: return glance[1] !== 0x5a || isNewHeader(new DataView(glance.buffer, glance.byteOffset, glance.byteLength).getUint32(60, true));
    case 0x1f: return isGzipHeader(glance);
    case 0x42: return isBzip2(glance);
    case 0x23: return /^#![ \t]*\/[\w.+/-]/.test(latin1(glance, glanceBytes));
    default: return true;
  }
}

/**
 * What begins here, or null. Every field of a header that has few legal values must have one: in a gigabyte of noise any
 * four bytes occur by chance, a whole header does not.
 */
export function recognise(bytes: Uint8Array): Recognised | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes[0]) {
    case 0x7f: return isElf(bytes, view) ? program('elf', 'an ELF program or library') : null;
    case 0x4d: return isPe(view) ? program('pe', 'a Windows program or library') : null;
    case 0xcf: return isMachO(view) ? program('mach-o', 'a macOS program or library') : null;
    case 0x50: return isZip(bytes, view) ? packed('zip', 'a zip archive') : null;
    case 0x1f: return gzip(bytes);
    case 0x42: return isBzip2(bytes) ? packed('bzip2', 'bzip2 data') : null;
    case 0xfd: return isXz(bytes, view) ? packed('xz', 'xz data') : null;
    case 0x37: return isSevenZip(bytes, view) ? packed('7z', 'a 7z archive') : null;
    case 0x23: return script(bytes);
    case 0x80: case 0x63: return pickle(bytes);
    default: return null;
  }
}

const program = (kind: string, what: string): Recognised => ({ kind, what, severity: 'high', techniques: ['AML.T0018.002', 'T1027.009'] });
const packed = (kind: string, what: string): Recognised => ({ kind, what, severity: 'medium', techniques: ['AML.T0018.002', 'T1027.009'] });

const latin1 = (bytes: Uint8Array, length: number): string => String.fromCharCode(...bytes.subarray(0, length));

/** System V ABI, ELF header; machines that Linux runs on. */
const machines = new Set([2, 3, 8, 20, 21, 22, 40, 43, 50, 62, 183, 243, 247, 258]);

function isElf(bytes: Uint8Array, view: DataView): boolean {
  if (bytes.length < 52 || latin1(bytes, 4) !== '\x7fELF') return false;
  const [wide, order] = [bytes[4], bytes[5]];
  if ((wide !== 1 && wide !== 2) || (order !== 1 && order !== 2) || bytes[6] !== 1) return false;
  const [type, machine, version] = [view.getUint16(16, order === 1), view.getUint16(18, order === 1), view.getUint32(20, order === 1)];
  const size = wide === 1 ? 40 : 52;
  return type >= 1 && type <= 4 && machines.has(machine) && version === 1 && view.getUint16(size, order === 1) === (wide === 1 ? 52 : 64);
}

/** Microsoft PE/COFF: the DOS header's last field is the place of the new header, which must be whole. */
function isPe(view: DataView): boolean {
  if (view.byteLength < 64 || view.getUint16(0, true) !== 0x5a4d) return false;
  const at = view.getUint32(60, true);
  if (!isNewHeader(at) || at + 26 > view.byteLength || view.getUint32(at, true) !== 0x4550) return false;
  const [machine, sections, magic] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true), view.getUint16(at + 24, true)];
  return [0x14c, 0x8664, 0x1c0, 0x1c4, 0xaa64, 0x200].includes(machine) && sections > 0 && sections <= 96 && (magic === 0x10b || magic === 0x20b);
}

const isNewHeader = (at: number): boolean => at >= 0x40 && at <= 0x1000;

function isMachO(view: DataView): boolean {
  if (view.byteLength < 32 || view.getUint32(0, true) !== 0xfeedfacf) return false;
  const [cpu, type, commands] = [view.getUint32(4, true), view.getUint32(12, true), view.getUint32(16, true)];
  return (cpu === 0x01000007 || cpu === 0x0100000c) && type >= 1 && type <= 12 && commands > 0 && commands < 10_000;
}

/** APPNOTE.TXT 4.3.7: a local header whose name can be read. */
function isZip(bytes: Uint8Array, view: DataView): boolean {
  if (bytes.length < 31 || view.getUint32(0, true) !== 0x04034b50) return false;
  const [version, flags, method, length, extra] = [4, 6, 8, 26, 28].map(at => view.getUint16(at, true));
  if (version === undefined || flags === undefined || method === undefined || length === undefined || extra === undefined) return false;
  if ((version & 0xff) > 63 || (flags & 0xd780) !== 0 || ![0, 8, 9, 12, 14, 93, 95, 98, 99].includes(method)) return false;
  if (length === 0 || length > 1_024 || extra > 4_096) return false;
  return bytes.subarray(30, 30 + length).every(byte => byte >= 0x20 && byte !== 0x7f);
}

/** The reserved flags are 0; the extra flags and the system are among those that writers use. */
const isGzipHeader = (bytes: Uint8Array): boolean => bytes[1] === 0x8b && bytes[2] === 8 && ((bytes[3] ?? 0xff) & 0xe0) === 0
  && [0, 2, 4].includes(bytes[8] ?? 1) && ((bytes[9] ?? 99) <= 13 || bytes[9] === 255);

/** RFC 1952. Its header proves little: what follows must inflate, all of it that is here. */
function gzip(bytes: Uint8Array): Recognised | null {
  const start = isGzipHeader(bytes) ? deflateStart(bytes) : null;
  if (start === null) return null;
  let content: Uint8Array;
  try {
    content = inflateRawSync(bytes.subarray(start), { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 });
  } catch (error) {
    // It inflates to more than a MiB: a stream all the same, and a bomb. Any other error: it is no gzip, which is the answer.
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? packed('gzip', 'gzip data that inflates a hundredfold') : null;
  }
  if (content.length < 32) return null;
  const inner = content[0] === 0x1f ? null : recognise(content);
  return inner ? { ...inner, kind: `gzip-${inner.kind}`, what: `gzip data with ${inner.what}` } : packed('gzip', 'gzip data');
}

/** Behind the optional fields; null for fields longer than what is here. */
function deflateStart(bytes: Uint8Array): number | null {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[10] ?? 0) + (bytes[11] ?? 0) * 256;
  for (const flag of [8, 16]) if ((flags & flag) !== 0) at = bytes.indexOf(0, at) + 1 || Infinity;
  if ((flags & 2) !== 0) at += 2;
  return at < bytes.length ? at : null;
}

const isBzip2 = (bytes: Uint8Array): boolean => /^BZh[1-9]1AY&SY/.test(latin1(bytes, 10));

/** The .xz file format 1.2, 2.1.1: the flags carry their own CRC32. */
const isXz = (bytes: Uint8Array, view: DataView): boolean =>
  bytes.length >= 12 && latin1(bytes, 6) === '\xfd7zXZ\0' && bytes[6] === 0 && view.getUint32(8, true) === crc32(bytes.subarray(6, 8));

/** 7zFormat.txt: the start header carries its own CRC32. */
const isSevenZip = (bytes: Uint8Array, view: DataView): boolean =>
  bytes.length >= 32 && latin1(bytes, 6) === '7z\xbc\xaf\x27\x1c' && view.getUint32(8, true) === crc32(bytes.subarray(12, 32));

/** A first line that names an interpreter, and text after it. */
function script(bytes: Uint8Array): Recognised | null {
  const line = /^#![ \t]*(\/[\w.+/-]{2,100}(?:[ \t][\w.+=/ -]{1,80})?)\r?\n/.exec(latin1(bytes, 256))?.[1];
  const text = bytes.subarray(0, Math.min(bytes.length, 64));
  return line !== undefined && text.every(byte => byte >= 0x20 || (byte >= 9 && byte <= 13)) ? program('script', `a script for ${line}`) : null;
}

function pickle(bytes: Uint8Array): Recognised | null {
  const found = importOf(bytes);
  return typeof found === 'string' ? null : { kind: 'pickle', what: `a pickle that imports ${found.name}`, severity: 'high', techniques: ['AML.T0018.002', 'AML.T0011.000', 'T1059.006'] };
}
