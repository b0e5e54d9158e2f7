import { BudgetError } from '../report.ts';
import { decoderOf, unescapeString } from './escapes.ts';
import { readFloat, readIndex, readInt, readLong } from './numbers.ts';
import type { Grammar, Opcode } from './opcodes.ts';
import type { Extent, Text, Value } from './values.ts';
import { bool, float, integer } from './values.ts';
import type { Window } from './window.ts';

/** What stands behind an opcode. */
export type Argument =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'names'; readonly module: string; readonly name: string };

/** What a reader may say about an argument that it read all the same. */
export interface Remarks {
  /** Written as no writer does: readers disagree about it. */
  odd(what: string, written: string): void;
  /** A claimed length that the file cannot hold; the reading ends here. */
  tooLong(claimed: number, left: number): void;
}

/** Longer texts are kept by their place only. */
const longestText = 1_024;
const longestLine = 1_048_576;
const nothing: Argument = { kind: 'none' };
const value = (of: Value): Argument => ({ kind: 'value', value: of });
const number = (of: number): Argument => ({ kind: 'number', number: of });

/** Reads the argument of an opcode, and moves behind it. RangeError: the real unpickler would stop here too. */
export function readArgument({ argument, name }: Opcode, window: Window, remarks: Remarks): Argument {
  switch (argument) {
    case 'none': return nothing;
    case 'u1': case 'u2': case 'u4': case 'u8': case 'protocol': {
      const read = window.number(argument === 'protocol' ? 1 : Number(argument.slice(1)));
      return name.startsWith('BININT') ? value(integer(read)) : number(read);
    }
    case 'i4': {
      const read = window.number(4) | 0;
      return name === 'BININT' ? value(integer(read)) : number(read);
    }
    case 'f8': window.take(8); return value(float);
    case 'integer-line': case 'long-line': case 'float-line': case 'index-line': return numberLine(argument, window, remarks);
    case 'string-line': return value(stringLine(window, remarks));
    case 'unicode-line': return value(unicodeLine(window, remarks));
    case 'id-line': shortLine(window); return nothing;
    case 'two-lines': return { kind: 'names', module: nameLine(window), name: nameLine(window) };
    case 'long1': case 'long4': return value(long(window, lengthOf(argument, window, remarks)));
    case 'string1': case 'string4': return value(text(window, lengthOf(argument, window, remarks), 'string-escape'));
    case 'text1': case 'text4': case 'text8': return value(text(window, lengthOf(argument, window, remarks), 'utf8'));
    case 'bytes1': case 'bytes4': case 'bytes8': return value(bytes(window, lengthOf(argument, window, remarks), 'bytes'));
    case 'bytearray8': return value(bytes(window, lengthOf(argument, window, remarks), 'bytearray'));
    default: return argument satisfies never;
  }
}

function lengthOf(argument: Grammar, window: Window, remarks: Remarks): number {
  const length = window.number(Number(argument.slice(-1)));
  const left = window.size - window.position;
  if (argument === 'long4' && length >= 2 ** 31) throw new RangeError('a LONG4 has a negative length');
  if (length > left) {
    remarks.tooLong(length, left);
    throw new RangeError(`a constant claims ${length} bytes, and ${left} are left`);
  }
  return length;
}

function numberLine(argument: Grammar, window: Window, remarks: Remarks): Argument {
  const line = shortLine(window);
  if (argument === 'float-line') {
    if (readFloat(line).odd) remarks.odd('a FLOAT', line);
    return value(float);
  }
  const [read, what] = argument === 'integer-line' ? [readInt(line), 'an INT'] : argument === 'long-line' ? [readLong(line), 'a LONG'] : [readIndex(line), 'a memo index'];
  if (read.odd) remarks.odd(what, line);
  return argument === 'index-line' ? number(read.value) : value(read.bool ? bool : integer(read.value));
}

/** Latin-1, whole. Numbers and names have no business being longer. */
function shortLine(window: Window): string {
  const parts: Buffer[] = [];
  let length = 0;
  window.line(piece => {
    length += piece.length;
    if (length > longestLine) throw new BudgetError(`a line of text in a pickle is longer than ${longestLine} bytes`);
    parts.push(Buffer.from(piece));
  });
  return Buffer.concat(parts).toString('latin1');
}

const names = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** GLOBAL decodes UTF-8. What is none cannot be imported; it is told as Latin-1. */
function nameLine(window: Window): string {
  const line = Buffer.from(shortLine(window), 'latin1');
  try { return names.decode(line); } catch { return line.toString('latin1'); /* Its only error: not UTF-8, and then no allowed name. */ }
}

/** The first characters are kept; all are decoded, because the real unpickler refuses what does not decode. */
function collect(form: Extent['form'], at: number, remarks: Remarks | null): { push(piece: Uint8Array): void; end(length: number): Text } {
  // Numbers, not a growing string: that would keep a chain of its pieces in memory.
  const kept: number[] = [];
  let [size, latin1, odd] = [0, true, false];
  const decoder = decoderOf(form, point => {
    size += 1;
    if (size <= longestText) kept.push(point);
    if (point > 0xff) latin1 = false;
  }, () => { odd = true; });
  return {
    push: piece => { decoder.push(piece); },
    end(length) {
      decoder.end();
      const text = String.fromCodePoint(...kept);
      if (odd) remarks?.odd('a text', text);
      return { kind: 'text', text: size <= longestText ? text : null, extent: { at, length, size, form }, latin1 };
    },
  };
}

function text(window: Window, length: number, form: Extent['form']): Text {
  const collected = collect(form, window.position, null);
  window.pass(length, collected.push);
  return collected.end(length);
}

function unicodeLine(window: Window, remarks: Remarks): Text {
  const collected = collect('raw-unicode-escape', window.position, remarks);
  return collected.end(window.line(collected.push));
}

function stringLine(window: Window, remarks: Remarks): Text {
  const at = window.position;
  const line = shortLine(window);
  const quote = line[0];
  if (line.length < 2 || quote !== line.at(-1) || (quote !== "'" && quote !== '"')) throw new RangeError('a STRING is not in quotation marks');
  let odd = false;
  const content = unescapeString(line.slice(1, -1), () => { odd = true; });
  if (/[^\0-\x7f]/.test(content)) throw new RangeError('a byte string of Python 2 is not ASCII');
  if (odd) remarks.odd('a STRING', line);
  return { kind: 'text', text: content.length <= longestText ? content : null, extent: { at: at + 1, length: line.length - 2, size: content.length, form: 'string-escape' }, latin1: true };
}

function bytes(window: Window, length: number, kind: 'bytes' | 'bytearray'): Value {
  const at = window.position;
  window.position += length;
  return { kind, extent: { at, length, size: length, form: 'plain' } };
}

/** Two's complement, little-endian. */
function long(window: Window, length: number): Value {
  if (length > 7) {
    window.position += length;
    return integer(Number.NaN);
  }
  const raw = window.number(length);
  return integer(length > 0 && raw >= 2 ** (8 * length - 1) ? raw - 2 ** (8 * length) : raw);
}
