import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { Budget } from '../report.ts';

/** Undone encodings of text that stands in a program. Bytes are one character each. Null when it is not in that encoding. */
type Undo = (text: string, budget: Budget) => string | null;

const longest = 1_048_576;
const buffer = (text: string): Buffer => Buffer.from(text, 'latin1');
const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const base64: Undo = text => /^[\w+/=\s-]*$/.test(text) ? latin(Buffer.from(text, 'base64')) : null;
const hex: Undo = text => {
  const plain = text.replace(/\s+/g, '');
  return plain.length % 2 === 0 && /^[\da-fA-F]*$/.test(plain) ? latin(Buffer.from(plain, 'hex')) : null;
};
const unzip = (inflate: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer): Undo => (text, budget) => {
  try {
    const bytes = inflate(buffer(text), { maxOutputLength: longest });
    budget.unpack(bytes.length);
    budget.spend(bytes.length / 100);
    return latin(bytes);
  } catch (error) {
    // Not in that encoding, or beyond the bound: then it is not known. The budget's own error passes.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
};
/** A letter thirteen places on. */
export const rotated = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) + (letter.toLowerCase() < 'n' ? 13 : -13));
const rot13: Undo = text => text.replace(/[a-z]/gi, rotated);
const percent: Undo = text => latin(Buffer.from(text.replace(/%([\da-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))), 'latin1'));
const reverse: Undo = text => [...text].reverse().join('');

/** RFC 4648 base 32, and the base 85 of RFC 1924 and Ascii85, through whole numbers. */
function radix(alphabet: string, group: number, bytes: number): Undo {
  return text => {
    const plain = text.replace(/[\s=]+/g, '');
    const out: number[] = [];
    for (let at = 0; at < plain.length; at += group) {
      const piece = plain.slice(at, at + group);
      let value = 0n;
      for (let index = 0; index < group; index++) {
        const digit = index < piece.length ? alphabet.indexOf(piece[index] ?? '') : alphabet.length - 1;
        if (digit < 0) return null;
        value = value * BigInt(alphabet.length) + BigInt(digit);
      }
      const kept = Math.floor(piece.length * bytes / group);
      for (let index = 0; index < kept; index++) out.push(Number((value >> BigInt(8 * (bytes - 1 - index))) & 0xffn));
    }
    return latin(Uint8Array.from(out));
  };
}
const base32 = radix('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 8, 5);
const base85 = radix('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~', 5, 4);
const ascii85 = radix(Array.from({ length: 85 }, (_, index) => String.fromCharCode(33 + index)).join(''), 5, 4);

/** Functions of the standard library, by path. Null where it decodes in a way that is not undone here. */
const decoders: ReadonlyMap<string, Undo | null> = new Map<string, Undo | null>([
  ...['b64decode', 'standard_b64decode', 'urlsafe_b64decode', 'decodebytes', 'decodestring'].map(name => [`base64.${name}`, base64] as const),
  ['base64.b32decode', base32], ['base64.b16decode', hex], ['base64.b85decode', base85], ['base64.a85decode', ascii85],
  ['base64.b32hexdecode', null], ['base64.z85decode', null],
  ['binascii.a2b_base64', base64], ['binascii.unhexlify', hex], ['binascii.a2b_hex', hex], ['binascii.a2b_uu', null], ['binascii.a2b_qp', null],
  ['builtins.bytes.fromhex', hex], ['builtins.bytearray.fromhex', hex],
  ['zlib.decompress', unzip(inflateSync)], ['gzip.decompress', unzip(gunzipSync)], ['bz2.decompress', null], ['lzma.decompress', null],
  ['zlib.decompressobj().decompress', unzip(inflateRawSync)], ['quopri.decodestring', null],
  ['urllib.parse.unquote', percent], ['urllib.parse.unquote_plus', percent], ['urllib.parse.unquote_to_bytes', percent], ['urllib.unquote', percent],
  ['cryptography.fernet.Fernet().decrypt', null], ['Crypto.Cipher.AES.new().decrypt', null], ['Crypto.Cipher.ARC4.new().decrypt', null], ['Cryptodome.Cipher.AES.new().decrypt', null],
  ['builtins.reversed', reverse],
]);
export const isDecoder = (path: string): boolean => decoders.has(path) && path !== 'builtins.reversed';
export const decoderOf = (path: string): Undo | null => decoders.get(path) ?? null;

/** `codecs.decode(x, name)` and `x.decode(name)`. Undefined for a name that is no codec we undo; then nothing is known. */
export function codecOf(name: string): Undo | undefined {
  const plain = name.toLowerCase().replaceAll('_', '-');
  if (/^(?:utf-?8|u8|utf|utf-8-sig|ascii|us-ascii)$/.test(plain)) return text => buffer(text).toString('utf8');
  if (/^(?:latin-?1|iso-?8859-?1|l1|cp1252)$/.test(plain)) return text => text;
  if (/^rot-?13$/.test(plain)) return rot13;
  if (/^(?:hex|hex-codec)$/.test(plain)) return hex;
  if (/^(?:base64|base-64|base64-codec)$/.test(plain)) return base64;
  if (/^(?:zlib|zip|zlib-codec)$/.test(plain)) return unzip(inflateSync);
  if (/^utf-?16(?:-?le)?$/.test(plain)) return text => buffer(text).toString('utf16le').replace(/^\ufeff/, '');
  if (/^(?:unicode-escape|raw-unicode-escape|string-escape)$/.test(plain)) return text => text.replace(/\\(?:x([\da-f]{2})|u([\da-f]{4}))/gi, (_, byte: string | undefined, unit: string | undefined) => String.fromCharCode(Number.parseInt(byte ?? unit ?? '0', 16)));
  return undefined;
}
/** A text codec: its use hides nothing. */
export const isPlainCodec = (name: string): boolean => /^(?:utf[-_]?(?:8|16|32)(?:[-_](?:sig|[lb]e))?|ascii|us-ascii|latin-?1|iso-?8859-?\d+|cp\d+|gbk|big5|shift_?jis|euc[-_]\w+|mbcs)$/i.test(name);
