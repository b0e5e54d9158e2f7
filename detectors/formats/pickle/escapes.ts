import type { Extent } from './values.ts';

/** Text is decoded in pieces, so that none has to be in memory. `odd` is called for an escape that no writer needs. */
export interface Decoder { push(piece: Uint8Array): void; /** RangeError when the last character is cut. */ end(): void }
type Emit = (point: number) => void;

export const decoderOf = (form: Extent['form'], emit: Emit, odd: () => void): Decoder =>
  form === 'utf8' ? utf8(emit) : form === 'raw-unicode-escape' ? rawUnicodeEscape(emit, odd) : ascii(emit);

function ascii(emit: Emit): Decoder {
  return {
    push(piece) { for (const byte of piece) { if (byte > 0x7f) throw new RangeError('a byte string of Python 2 is not ASCII'); emit(byte); } },
    end() { /* Each byte is a character. */ },
  };
}

/** UTF-8 with the error handler `surrogatepass`, as the unpickler decodes it: lone surrogates pass, overlong forms do not. */
function utf8(emit: Emit): Decoder {
  let [point, left, least] = [0, 0, 0];
  const bad = () => new RangeError('a text is not UTF-8');
  return {
    push(piece) {
      for (const byte of piece) {
        if (left > 0) {
          if ((byte & 0xc0) !== 0x80) throw bad();
          point = point * 64 + (byte & 0x3f);
          left -= 1;
          if (left > 0) continue;
          if (point < least || point > 0x10ffff) throw bad();
          emit(point);
        } else if (byte < 0x80) emit(byte);
        else if (byte >= 0xc2 && byte < 0xe0) [point, left, least] = [byte & 0x1f, 1, 0x80];
        else if (byte >= 0xe0 && byte < 0xf0) [point, left, least] = [byte & 0x0f, 2, 0x800];
        else if (byte >= 0xf0 && byte < 0xf5) [point, left, least] = [byte & 0x07, 3, 0x10000];
        else throw bad();
      }
    },
    end() { if (left > 0) throw bad(); },
  };
}

const [backslash, smallU, bigU] = [0x5c, 0x75, 0x55];
/** Below U+0100 only these are written as escapes: NUL, newline, return, substitute and the backslash itself. */
const escaped = new Set([0, 0x0a, 0x0d, 0x1a, 0x5c]);

/** PyUnicode_DecodeRawUnicodeEscape: Latin-1 with \uXXXX and \UXXXXXXXX; a backslash before anything else stands with it. */
function rawUnicodeEscape(emit: Emit, odd: () => void): Decoder {
  let [held, digits, point] = [false, 0, 0];
  const digit = (byte: number) => {
    const value = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(value)) throw new RangeError('a text has a broken \\u escape');
    if (byte >= 0x41 && byte <= 0x46) odd();
    point = point * 16 + value;
    digits -= 1;
    if (digits > 0) return;
    if (point > 0x10ffff) throw new RangeError('a text has an escape beyond U+10FFFF');
    if (point < 0x100 && !escaped.has(point)) odd();
    emit(point);
  };
  return {
    push(piece) {
      for (const byte of piece) {
        if (digits > 0) digit(byte);
        else if (held) {
          held = false;
          if (byte === smallU || byte === bigU) [digits, point] = [byte === smallU ? 4 : 8, 0];
          else { odd(); emit(backslash); emit(byte); }
        } else if (byte === backslash) held = true;
        else emit(byte);
      }
    },
    end() {
      if (digits > 0) throw new RangeError('a text ends within an escape');
      if (held) { odd(); emit(backslash); }
    },
  };
}

const simple = new Map<string, number>([['\\', 0x5c], ["'", 0x27], ['"', 0x22], ['b', 8], ['f', 12], ['t', 9], ['n', 10], ['r', 13], ['v', 11], ['a', 7]]);

/** PyBytes_DecodeEscape, for STRING. `odd` is called for an escape that repr() would not write. */
export function unescapeString(content: string, odd: () => void): string {
  return content.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]?))/g, (whole, hex: string | undefined, octal: string | undefined, letter: string) => {
    if (hex !== undefined) {
      const code = Number.parseInt(hex, 16);
      if (code >= 0x20 && code < 0x7f) odd();
      return String.fromCharCode(code);
    }
    if (octal !== undefined) { odd(); return String.fromCharCode(Number.parseInt(octal, 8) & 0xff); }
    if (letter === '' || letter === 'x') throw new RangeError('a byte string has a broken escape');
    const code = simple.get(letter);
    if (code === undefined || 'bfva'.includes(letter)) odd();
    return code === undefined ? whole : String.fromCharCode(code);
  });
}

/** The Latin-1 bytes of a text, piece by piece. A character beyond is a RangeError. */
export function* latin1Of(form: Extent['form'], pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let out: number[] = [];
  const decoder = decoderOf(form, point => {
    if (point > 0xff) throw new RangeError('a text that stands for bytes has a character beyond U+00FF');
    out.push(point);
  }, () => { /* Was said when the constant was read. */ });
  for (const piece of pieces) {
    decoder.push(piece);
    yield Uint8Array.from(out);
    out = [];
  }
  decoder.end();
  yield Uint8Array.from(out);
}
