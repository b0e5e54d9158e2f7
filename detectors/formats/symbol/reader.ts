import { BudgetError } from '../report.ts';

/** Something MXNet accepts and Symbol.save never writes. */
export interface Deviation {
  readonly kind: 'whitespace' | 'control' | 'nul' | 'encoding' | 'number' | 'unclosed' | 'duplicate-key' | 'both-attributes';
  readonly offset: number;
  readonly message: string;
}

/**
 * The grammar of dmlc::JSONReader (dmlc-core include/dmlc/json.h, as built into MXNet 1.9.1), token by token. What it
 * refuses is a RangeError; what it accepts beyond JSON is told as a deviation. No recursion: the caller asks for what it expects.
 */
export interface Reader {
  /** Of the next byte to read. */
  readonly offset: number;
  beginObject(): void;
  beginArray(): void;
  /** The next key, its colon already read; null after the last one. */
  key(): string | null;
  /** Whether another element follows. */
  element(): boolean;
  /** A text, escapes resolved. */
  text(): Uint8Array;
  /** An unsigned number of 32 bits; `-1` is 4294967295, as the library reads it. */
  natural(): number;
  /** A signed number of 32 bits. */
  integer(): number;
}

interface Input {
  readonly bytes: Uint8Array;
  /** There are more bytes than were read into memory: their end is not the document's end. */
  readonly cut: boolean;
  tell(deviation: Deviation): void;
  spend(units: number): void;
}

const quote = 0x22;
const backslash = 0x5c;
/** `"`, `\`, n, r and t, by their codes. */
const escapes: Readonly<Record<number, number>> = { 34: 0x22, 92: 0x5c, 110: 0x0a, 114: 0x0d, 116: 0x09 };
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
function shown(byte: number): string {
  if (byte < 0) return 'the end';
  return byte >= 0x21 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

export function createReader({ bytes, cut, tell, spend }: Input): Reader {
  let at = 0;
  /** Elements read so far in each open array and object. */
  const scopes: number[] = [];
  const refuse = (expected: string, byte: number): never => { throw new RangeError(`MXNet expects ${expected} at offset ${at} and refuses ${shown(byte)}`); };

  /** -1 at the end. */
  function peek(): number {
    const byte = bytes[at];
    if (byte !== undefined) return byte;
    if (cut) throw new BudgetError('the document is longer than a symbol is read');
    return -1;
  }
  function peekToken(): number {
    for (;;) {
      const byte = peek();
      if (!isSpace(byte)) return byte;
      if (byte === 0x0b || byte === 0x0c) tell({ kind: 'whitespace', offset: at, message: 'A vertical tab or form feed stands between tokens' });
      at += 1;
    }
  }
  function expect(byte: number) {
    const found = peekToken();
    if (found !== byte) refuse(`'${String.fromCharCode(byte)}'`, found);
    at += 1;
    spend(0.05);
  }
  /** As NextArrayItem and NextObjectItem: after the first element, the end of the document closes everything that is open. */
  function more(close: number): boolean {
    const count = scopes.at(-1) ?? 0;
    const found = peekToken();
    if (found === close) at += 1;
    else if (found === -1 && count > 0) tell({ kind: 'unclosed', offset: at, message: 'The document ends before its brackets are closed' });
    else {
      if (count > 0) expect(0x2c);
      scopes[scopes.length - 1] = count + 1;
      return true;
    }
    scopes.pop();
    return false;
  }
  function text(): Uint8Array {
    expect(quote);
    const start = at;
    let escaped = false;
    let ascii = true;
    for (;;) {
      const byte = peek();
      if (byte === quote) break;
      if (byte === -1 || byte === 0x0a || byte === 0x0d) refuse('the end of a text', byte);
      if (byte === backslash) {
        escaped = true;
        at += 1;
        if (escapes[peek()] === undefined) refuse('one of the escapes \\" \\\\ \\n \\r \\t', peek());
      } else if (byte < 0x20) control(byte);
      else if (byte > 0x7f) ascii = false;
      at += 1;
    }
    const raw = bytes.subarray(start, at);
    at += 1;
    spend(raw.length / 500);
    if (!ascii && !isUtf8(raw)) tell({ kind: 'encoding', offset: start, message: 'A text is not UTF-8' });
    return escaped ? resolve(raw) : raw;
  }
  function control(byte: number) {
    if (byte === 0) tell({ kind: 'nul', offset: at, message: 'A text holds NUL, where loading from memory ends the document and loading from a file goes on' });
    else tell({ kind: 'control', offset: at, message: `A text holds the control character ${shown(byte)} unescaped` });
  }
  /** As `istream >> number` in libstdc++: blanks, one sign, decimal digits, any leading zeros. */
  function number(): { readonly negative: boolean; readonly magnitude: number } {
    let byte = peekToken();
    const start = at;
    const signed = byte === 0x2b || byte === 0x2d;
    if (signed) { at += 1; byte = peek(); }
    if (!isDigit(byte)) refuse('a number', byte);
    const first = at;
    let magnitude = 0;
    for (; isDigit(byte); at += 1, byte = peek()) magnitude = Math.min(magnitude * 10 + byte - 0x30, 2 ** 40);
    const odd = bytes[start] === 0x2b || (bytes[first] === 0x30 && (at - first > 1 || signed));
    if (odd) tell({ kind: 'number', offset: start, message: 'A number is written with a plus sign or leading zeros' });
    return { negative: bytes[start] === 0x2d, magnitude };
  }

  return {
    get offset() { return at; },
    beginObject() { expect(0x7b); scopes.push(0); },
    beginArray() { expect(0x5b); scopes.push(0); },
    key() {
      if (!more(0x7d)) return null;
      const key = textOf(text());
      expect(0x3a);
      return key;
    },
    element: () => more(0x5d),
    text,
    natural() {
      const start = at;
      const { negative, magnitude } = number();
      if (magnitude > 0xffffffff) throw new RangeError(`The number at offset ${start} has more than 32 bits`);
      if (!negative) return magnitude;
      tell({ kind: 'number', offset: start, message: 'A number that cannot be negative has a minus sign; the library reads it modulo 2^32' });
      return magnitude === 0 ? 0 : 2 ** 32 - magnitude;
    },
    integer() {
      const start = at;
      const { negative, magnitude } = number();
      if (magnitude > (negative ? 2 ** 31 : 2 ** 31 - 1)) throw new RangeError(`The number at offset ${start} has more than 32 bits`);
      return negative ? -magnitude : magnitude;
    },
  };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isUtf8(bytes: Uint8Array): boolean {
  try { strict.decode(bytes); return true; } catch { return false; /* The only error it throws is the answer. */ }
}

/** UTF-8, or one character a byte where it is not: what differs as bytes differs as text. */
export function textOf(bytes: Uint8Array): string {
  // Nearly every text of a symbol: several times faster than the decoder.
  if (bytes.length < 64 && bytes.every(byte => byte < 0x80)) return String.fromCharCode(...bytes);
  try { return strict.decode(bytes); } catch { return Buffer.from(bytes).toString('latin1'); /* Not UTF-8, which is its only error. */ }
}

function resolve(raw: Uint8Array): Uint8Array {
  const out = new Uint8Array(raw.length);
  let length = 0;
  for (let from = 0; from < raw.length; from++) {
    const byte = raw[from] ?? 0;
    out[length++] = byte === backslash ? escapes[raw[++from] ?? 0] ?? 0 : byte;
  }
  return out.subarray(0, length);
}
