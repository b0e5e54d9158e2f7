import { crc32 } from 'node:zlib';
import { quoted } from '../quote.ts';
import type { Source } from '../source.ts';

/** One member's header (RFC 1952, 2.3). `data` is where its deflate stream begins. */
export interface GzipHeader {
  readonly data: number;
  /** Without its NUL; null when the header has none. */
  readonly name: Uint8Array | null;
  readonly flaws: readonly GzipFlaw[];
}

export interface GzipFlaw { readonly rule: 'flags' | 'header-sum' | 'extra' | 'comment' | 'long-comment' | 'name-path'; readonly message: string; readonly evidence?: string }

const [headerSum, extraField, fileName, fileComment, reserved] = [0x02, 0x04, 0x08, 0x10, 0xe0];
const fixedBytes = 10;
const longestText = 65_536;
/** A sentence of whoever packed it; more carries something else. */
const usualComment = 256;
/** Subfields of RFC 1952 and of bgzip (BC), dictzip (RA) and eStargz (SG). */
const subfields: ReadonlySet<string> = new Set(['AC', 'Ap', 'BC', 'cp', 'GS', 'KN', 'MB', 'RA', 'SG']);
const usualExtra = 1_024;

export const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** RangeError for what is no header. */
export function readGzipHeader(source: Source, at: number): GzipHeader {
  const fixed = Uint8Array.from(source.read(at, fixedBytes + 2));
  if (fixed.length < fixedBytes || !isGzip(fixed)) throw new RangeError('a header is cut');
  if (fixed[2] !== 8) throw new RangeError(`it is packed by method ${fixed[2]}, which does not exist`);
  const flags = fixed[3] ?? 0;
  const flaws: GzipFlaw[] = [];
  if ((flags & reserved) !== 0) flaws.push({ rule: 'flags', message: 'A header has flags that are reserved: gzip refuses it, Python does not' });
  let data = at + fixedBytes;
  if ((flags & extraField) !== 0) {
    const length = (fixed[10] ?? 0) + (fixed[11] ?? 0) * 256;
    const extra = Uint8Array.from(source.read(data + 2, length));
    if (extra.length < length) throw new RangeError('an extra field is cut');
    const wrong = judgeExtra(extra);
    if (wrong) flaws.push({ rule: 'extra', message: `The extra field of ${length} bytes ${wrong}`, evidence: quoted(extra, 160) });
    data += 2 + length;
  }
  let name: Uint8Array | null = null;
  if ((flags & fileName) !== 0) {
    name = readTextField(source, data);
    data += name.length + 1;
    if (name.includes(0x2f)) flaws.push({ rule: 'name-path', message: `The header names a path and not a file: ${quoted(name)}` });
  }
  if ((flags & fileComment) !== 0) {
    const comment = readTextField(source, data);
    data += comment.length + 1;
    const long = comment.length > usualComment || comment.some(byte => byte < 0x20 && byte !== 0x0a);
    flaws.push({ rule: long ? 'long-comment' : 'comment', message: `The header has a comment of ${comment.length} bytes`, evidence: quoted(comment, 160) });
  }
  if ((flags & headerSum) !== 0) {
    const stated = Uint8Array.from(source.read(data, 2));
    if ((crc32(source.read(at, data - at)) & 0xffff) !== (stated[0] ?? 0) + (stated[1] ?? 0) * 256) flaws.push({ rule: 'header-sum', message: 'The sum of a header is wrong' });
    data += 2;
  }
  return { data, name, flaws };
}

function readTextField(source: Source, at: number): Uint8Array {
  const bytes = source.read(at, longestText);
  const stop = bytes.indexOf(0);
  if (stop < 0) throw new RangeError('a name or comment in a header does not end');
  return Uint8Array.from(bytes.subarray(0, stop));
}

/** Null for subfields of usual kinds and sizes. */
function judgeExtra(extra: Uint8Array): string | null {
  let at = 0;
  while (at < extra.length) {
    if (at + 4 > extra.length) return 'does not end with a subfield';
    const id = String.fromCharCode(extra[at] ?? 0, extra[at + 1] ?? 0);
    if (!subfields.has(id)) return `has a subfield ${quoted(id)} that is of no known program`;
    at += 4 + (extra[at + 2] ?? 0) + (extra[at + 3] ?? 0) * 256;
  }
  if (at > extra.length) return 'is shorter than its subfields';
  return extra.length > usualExtra ? 'is larger than any program makes it' : null;
}
