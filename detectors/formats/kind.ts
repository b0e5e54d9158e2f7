import { looksLikePickle } from './pickle-shape.ts';

/**
 * What a file is, by its first bytes. Signatures as their formats state them: ELF (System V ABI), PE (Microsoft PE/COFF),
 * Mach-O (mach-o/loader.h), zip (APPNOTE.TXT 4.3), gzip (RFC 1952), tar (POSIX.1 pax), npy (NumPy NEP 1); NDArray
 * container and RecordIO as MXNet writes them (src/ndarray/ndarray.cc kMXAPINDArrayListMagic; dmlc/recordio.h).
 */
export const formats = [
  'ndarray-container', 'symbol-json', 'json', 'pickle', 'zip', 'npz', 'npy', 'gzip', 'tar', 'recordio',
  'elf', 'pe', 'mach-o', 'java-class', 'script', 'python-source', 'text', 'empty', 'unknown',
] as const;
export type Format = (typeof formats)[number];

/** How many bytes `kindOf` looks at. */
export const headBytes = 4_096;

/**
 * `name` is the file's last name and decides only between kinds of text, and whether zeros are an archive; `head` is its beginning, of which at most
 * `headBytes` bytes are looked at. Never throws.
 */
export function kindOf(name: string, head: Uint8Array): { readonly format: Format } {
  const bytes = head.subarray(0, headBytes);
  if (bytes.length === 0) return { format: 'empty' };
  return { format: bySignature(bytes) ?? byShape(name, bytes) ?? byText(name, bytes) };
}

const starts = (bytes: Uint8Array, ...signature: readonly number[]): boolean => signature.every((byte, index) => bytes[index] === byte);
const ascii = (bytes: Uint8Array, at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length));
const big32 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) * 2 ** 24) + ((bytes[at + 1] ?? 0) << 16) + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0);

function bySignature(bytes: Uint8Array): Format | null {
  if (bytes.length >= 8 && starts(bytes, 0x12, 0x01, 0, 0, 0, 0, 0, 0)) return 'ndarray-container';
  if (starts(bytes, 0x7f, 0x45, 0x4c, 0x46)) return 'elf';
  if (starts(bytes, 0x23, 0x21)) return 'script';
  if (starts(bytes, 0x50, 0x4b) && isZip(bytes)) return isNpz(bytes) ? 'npz' : 'zip';
  if (starts(bytes, 0x1f, 0x8b)) return 'gzip';
  if (starts(bytes, 0x93) && ascii(bytes, 1, 5) === 'NUMPY') return 'npy';
  if (starts(bytes, 0x0a, 0x23, 0xd7, 0xce)) return 'recordio';
  if (starts(bytes, 0x4d, 0x5a) && isPe(bytes)) return 'pe';
  return machine(bytes);
}

const isZip = (bytes: Uint8Array): boolean => [0x0304, 0x0506, 0x0708].includes((bytes[2] ?? 0) * 256 + (bytes[3] ?? 0));

/** NumPy's archive: each member's name ends in .npy, and the first one's stands in its local header. */
const isNpz = (bytes: Uint8Array): boolean => bytes[2] === 3 && /\.npy$/.test(ascii(bytes, 30, Math.min(1_024, (bytes[26] ?? 0) + (bytes[27] ?? 0) * 256)));

/** The new header may lie behind our look; a text that begins with MZ does not have sixty bytes of header. */
function isPe(bytes: Uint8Array): boolean {
  if (bytes.length < 64) return false;
  const at = (bytes[60] ?? 0) + (bytes[61] ?? 0) * 256 + (bytes[62] ?? 0) * 65_536 + (bytes[63] ?? 0) * 2 ** 24;
  return at + 4 > bytes.length ? at > 0 && at < 2 ** 28 && bytes.subarray(0, 64).includes(0) : ascii(bytes, at, 4) === 'PE\0\0';
}

/** 0xcafebabe is a fat Mach-O or a Java class: a fat file has few architectures, a class a version above 44. */
function machine(bytes: Uint8Array): Format | null {
  const magic = big32(bytes, 0);
  if ([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe].includes(magic)) return 'mach-o';
  if (magic !== 0xcafebabe || bytes.length < 8) return null;
  return big32(bytes, 4) < 44 ? 'mach-o' : 'java-class';
}

function byShape(name: string, bytes: Uint8Array): Format | null {
  if (isTar(bytes) || (/\.tar$/i.test(name) && isEmptyTar(bytes))) return 'tar';
  return looksLikePickle(bytes, headBytes) ? 'pickle' : null;
}

/** By the sum in the first header: old archives have no signature. */
function isTar(bytes: Uint8Array): boolean {
  if (bytes.length < 512) return false;
  const stated = Number.parseInt(ascii(bytes, 148, 8).replace(/[\0 ]+/g, ' ').trim(), 8);
  let sum = 8 * 0x20;
  for (let at = 0; at < 512; at++) if (at < 148 || at >= 156) sum += bytes[at] ?? 0;
  return stated === sum && sum > 8 * 0x20;
}

/** Nothing but the two blocks that mark the end, and padding. */
const isEmptyTar = (bytes: Uint8Array): boolean => bytes.length >= 1_024 && bytes.every(byte => byte === 0);

function byText(name: string, bytes: Uint8Array): Format {
  const text = readable(bytes);
  if (text === null) return 'unknown';
  const body = text.replace(/^\ufeff/, '').trimStart();
  if (body.startsWith('{')) return /"nodes"\s*:/.test(body) ? 'symbol-json' : 'json';
  if (body.startsWith('[') || (/\.json$/i.test(name) && /^["\dtfn-]/.test(body))) return 'json';
  return /\.py$/i.test(name) || isPython(text) ? 'python-source' : 'text';
}

/** Null for what is not UTF-8 or has control characters. The last character may be cut by our look. */
function readable(bytes: Uint8Array): string | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: bytes.length === headBytes });
  } catch { return null; /* The only error it throws: not text, which is an answer. */ }
  return /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? null : text;
}

const statement = /^(?:from [\w.]{1,200} import |import [\w.]{1,200}(?:$|[ ,;#])|def \w{1,200}\(|class \w{1,200}[(:]|exec\(|eval\()/m;
const isPython = (text: string): boolean => statement.test(text);
