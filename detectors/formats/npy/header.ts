/**
 * The header of an .npy file: a Python dictionary in text (NumPy NEP 1, numpy/lib/format.py), of which only what numpy
 * writes is understood. numpy evaluates it; the reader of MXNet 2.x looks for substrings; nothing here is evaluated.
 */
export interface NpyHeader {
  /** A type, or the text of a list of fields. */
  readonly descr: string;
  readonly fields: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly bigint[];
}

const mostDimensions = 32;
const longestNumber = 25;

/** `text` is the header without padding. Throws RangeError for anything else than the three keys, once each. */
export function parseHeader(text: string): NpyHeader {
  const reader = createReader(text);
  const found = new Map<string, Value>();
  reader.expect('{');
  while (!reader.takes('}')) {
    const key = reader.string();
    if (found.has(key)) throw new RangeError('a key stands twice in the header');
    reader.expect(':');
    found.set(key, reader.value());
    if (!reader.takes(',')) { reader.expect('}'); break; }
  }
  reader.end();
  const [descr, order, shape] = [found.get('descr'), found.get('fortran_order'), found.get('shape')];
  if (found.size !== 3 || descr === undefined || order === undefined || shape === undefined) throw new RangeError('the header has other keys than descr, fortran_order and shape');
  if (typeof order !== 'boolean') throw new RangeError('fortran_order is no truth value');
  if (!Array.isArray(shape) || !shape.every(dimension => typeof dimension === 'bigint')) throw new RangeError('shape is no tuple of numbers');
  if (typeof descr === 'string') return { descr, fields: false, fortranOrder: order, shape };
  if (!Array.isArray(descr)) throw new RangeError('descr is neither a type nor a list of fields');
  return { descr: JSON.stringify(descr, (_key, part: unknown) => typeof part === 'bigint' ? Number(part) : part), fields: true, fortranOrder: order, shape };
}

type Value = string | boolean | bigint | Value[];

interface Reader { expect(token: string): void; takes(token: string): boolean; string(): string; value(depth?: number): Value; end(): void }

function createReader(text: string): Reader {
  let at = 0;
  const blank = () => { while (text[at] === ' ') at += 1; };
  const fail = (): never => { throw new RangeError(`the header is not what numpy writes, at its character ${at}`); };
  const takes = (token: string): boolean => {
    blank();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const match = (pattern: RegExp): string => {
    blank();
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) return fail();
    at += found[0].length;
    return found[1] ?? found[0];
  };
  const list = (close: string, depth: number): Value[] => {
    const values: Value[] = [];
    while (!takes(close)) {
      if (values.length >= 1_024) return fail();
      values.push(value(depth + 1));
      if (!takes(',')) { if (!takes(close)) fail(); break; }
    }
    return values;
  };
  const string = (): string => match(/'([^'\\\n]{0,1000})'/y);
  const value = (depth = 0): Value => {
    if (depth > 8) return fail();
    if (takes('True')) return true;
    if (takes('False')) return false;
    if (takes('(')) return list(')', depth);
    if (takes('[')) return list(']', depth);
    if (takes('\'')) { at -= 1; return string(); }
    const digits = match(/(-?\d+)L?/y);
    return digits.length <= longestNumber ? BigInt(digits) : fail();
  };
  return {
    takes, string, value,
    expect(token) { if (!takes(token)) fail(); },
    end() { blank(); if (at < text.length) fail(); },
  };
}

/** Throws RangeError for negative or too many dimensions. */
export function checkDimensions(shape: readonly bigint[]) {
  if (shape.length > mostDimensions) throw new RangeError(`a shape of ${shape.length} dimensions`);
  if (shape.some(dimension => dimension < 0n)) throw new RangeError('a negative dimension');
}
