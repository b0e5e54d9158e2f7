import { quoted } from '../quote.ts';
import type { Budget } from '../report.ts';
import type { FlawName } from './tar-flaws.ts';

/** What one extended header says (POSIX.1 pax interchange format), the last of equal keywords. */
export interface Pax {
  readonly values: ReadonlyMap<string, Uint8Array>;
  /** Of GNU's sparse format 0.0, whose keywords stand many times on purpose. */
  readonly extents: readonly string[];
  readonly remarks: readonly { readonly flaw: FlawName; readonly message: string }[];
}

const mostRecords = 20_000;
const mostExtents = 200_000;
const [newline, equals, space] = [0x0a, 0x3d, 0x20];
/** Keywords of POSIX, and the families of star, libarchive, GNU tar and its SELinux form, Windows and macOS. */
const known = /^(?:atime|charset|comment|ctime|gid|gname|hdrcharset|linkpath|mtime|path|size|uid|uname|(?:realtime|security|SCHILY|LIBARCHIVE|GNU|RHT|MSWINDOWS|SUN)\..+)$/s;
/** Those after which a reader takes another name, link or length. */
const decisive = /^(?:path|linkpath|size|GNU\.sparse\..+)$/s;
const texts = new Set(['path', 'linkpath', 'uname', 'gname', 'hdrcharset', 'GNU.sparse.name']);
const naturals = new Set(['size', 'uid', 'gid', 'GNU.sparse.size', 'GNU.sparse.realsize', 'GNU.sparse.major', 'GNU.sparse.minor', 'GNU.sparse.numblocks']);
const times = new Set(['atime', 'ctime', 'mtime']);
const charsets = new Set(['BINARY', 'ISO-IR 10646 2000 UTF-8']);

/**
 * Records `LENGTH KEYWORD=VALUE\n` up to the end of `bytes`, as strictly as the standard has them. What is wrong is told by
 * remarks; behind a record that cannot be told from the next one nothing is read.
 */
export function readPax(bytes: Uint8Array, global: boolean, budget: Budget): Pax {
  const values = new Map<string, Uint8Array>();
  const extents: string[] = [];
  const remarks: { flaw: FlawName; message: string }[] = [];
  const say = (flaw: FlawName, message: string) => { if (remarks.length < 50) remarks.push({ flaw, message }); };
  for (let at = 0, count = 0; at < bytes.length;) {
    budget.spend(1);
    const record = readRecord(bytes, at);
    if (typeof record === 'string') { say('pax-record', `A record of an extended header ${record}: readers disagree about what follows`); break; }
    const { keyword, value } = record;
    at = record.end;
    if (keyword === 'GNU.sparse.offset' || keyword === 'GNU.sparse.numbytes') {
      if (extents.length < mostExtents) extents.push(keyword.slice(11, 12), latin(value.subarray(0, 24)));
      else { say('pax-length', `An extended header has more than ${mostExtents / 2} records of sparse extents`); break; }
      continue;
    }
    if (++count > mostRecords) { say('pax-length', `An extended header has more than ${mostRecords} records`); break; }
    if (values.has(keyword)) say('pax-duplicate', `The keyword ${quoted(keyword)} stands twice in one extended header`);
    values.set(keyword, Uint8Array.from(value));
    judge(keyword, value, global, say);
  }
  return { values, extents, remarks };
}

function judge(keyword: string, value: Uint8Array, global: boolean, say: (flaw: FlawName, message: string) => void) {
  if (global && decisive.test(keyword)) say('pax-global', `The keyword ${quoted(keyword)} stands in a header for all members: one reader applies it and another does not`);
  if (!known.test(keyword)) say('pax-unknown', `No reader is known for the keyword ${quoted(keyword)} of an extended header`);
  if (/^(?:SCHILY|LIBARCHIVE)\.xattr\.security\.capability$/.test(keyword)) say('capability', 'A member has file capabilities: who runs it gains privileges');
  if (texts.has(keyword) && value.includes(0)) say('pax-nul', `The value of ${quoted(keyword)} in an extended header holds a NUL, where it ends for some readers: ${quoted(value)}`);
  else if (decisive.test(keyword) && value.length === 0) say('pax-value', `The value of ${quoted(keyword)} in an extended header is empty: one reader takes the header's own and another none`);
  else if (naturals.has(keyword) && !/^\d{1,20}$/.test(latin(value.subarray(0, 24)))) say('pax-value', `${quoted(keyword)} in an extended header is no number: ${quoted(value)}`);
  else if (times.has(keyword) && !/^-?\d{1,20}(?:\.\d*)?$/.test(latin(value.subarray(0, 64)))) say('pax-value', `${quoted(keyword)} in an extended header is no time: ${quoted(value)}`);
  else if (keyword === 'hdrcharset' && !charsets.has(latin(value.subarray(0, 64)))) say('pax-value', `An extended header is in a character set that does not exist: ${quoted(value)}`);
}

interface Entry { readonly keyword: string; readonly value: Uint8Array; readonly end: number }

/** Or what is wrong with it. */
function readRecord(bytes: Uint8Array, at: number): Entry | string {
  let [cursor, length] = [at, 0];
  for (; cursor < at + 9 && (bytes[cursor] ?? 0) >= 0x30 && (bytes[cursor] ?? 0) <= 0x39; cursor++) length = length * 10 + (bytes[cursor] ?? 0) - 0x30;
  if (cursor === at || bytes[at] === 0x30 || bytes[cursor] !== space) return 'does not begin with its length and a space';
  const end = at + length;
  if (end > bytes.length) return `claims ${length} bytes where ${bytes.length - at} are left`;
  const stop = bytes.subarray(0, end).indexOf(equals, cursor + 1);
  if (stop < 0 || stop === cursor + 1 || bytes[end - 1] !== newline || stop >= end - 1) return 'has no keyword, no value or no newline where its length says';
  return { keyword: new TextDecoder().decode(bytes.subarray(cursor + 1, Math.min(stop, cursor + 1_025))), value: bytes.subarray(stop + 1, end - 1), end };
}

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** A number of an extended header; null where there is none. */
export function numberOf(pax: ReadonlyMap<string, Uint8Array>, keyword: string): number | null {
  const value = pax.get(keyword);
  if (value === undefined || value.length > 20) return null;
  const text = latin(value);
  return /^\d+$/.test(text) ? Number(text) : null;
}
