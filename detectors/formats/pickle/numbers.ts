/**
 * Numbers in text, as the C unpickler reads them and as others do. What its own writer never writes is odd: readers
 * disagree about it (`010` is eight for strtol, an error for pickle.py, ten for pickletools).
 */
export interface Read { /** NaN beyond 2^53. */ readonly value: number; readonly odd: boolean; readonly bool: boolean }

/** INT: strtol with base 0, then PyLong_FromString with base 0; `00` and `01` are booleans. */
export function readInt(line: string): Read {
  if (line === '00' || line === '01') return { value: Number(line), odd: false, bool: true };
  // strtol stops at a NUL, and the unpickler accepts that; blanks before the number too.
  const text = line.split('\0', 1)[0] ?? '';
  const octal = /^[ \t\v\f\r]*([-+]?)(0[0-7]+)$/.exec(text);
  const value = octal ? signed(octal[1], Number.parseInt(octal[2] ?? '0', 8)) : literal(text);
  if (line === '' || value === null) throw new RangeError('an INT is no number');
  return { value, odd: !/^(?:0|-?[1-9]\d*)$/.test(line), bool: false };
}

/** LONG: an `L` at the end falls away, then PyLong_FromString with base 0. */
export function readLong(line: string): Read {
  const value = literal((line.endsWith('L') ? line.slice(0, -1) : line).split('\0', 1)[0] ?? '');
  if (line === '' || value === null) throw new RangeError('a LONG is no number');
  return { value, odd: !/^(?:0|-?[1-9]\d*)L$/.test(line), bool: false };
}

/** GET and PUT: PyLong_FromString with base 10. Beyond 2^53 the value is not exact, but stays beyond. */
export function readIndex(line: string): Read {
  const found = /^\s*([-+]?)(\d+(?:_\d+)*)\s*$/.exec(line.split('\0', 1)[0] ?? '');
  if (!found) throw new RangeError('a memo index is no number');
  const value = Number((found[2] ?? '').replaceAll('_', ''));
  return { value: found[1] === '-' ? -value || 0 : value, odd: !/^(?:0|[1-9]\d*)$/.test(line), bool: false };
}

/** FLOAT: PyOS_string_to_double, up to a NUL. */
export function readFloat(line: string): { readonly odd: boolean } {
  if (!/^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)$/i.test(line.split('\0', 1)[0] ?? '')) throw new RangeError('a FLOAT is no number');
  if (!/[in]/i.test(line) && !Number.isFinite(Number(line.split('\0', 1)[0]))) throw new RangeError('a FLOAT is too large');
  return { odd: !/^-?(?:(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]\d+)?|inf|nan)$/.test(line) };
}

const signed = (sign: string | undefined, value: number): number => !Number.isSafeInteger(value) ? Number.NaN : sign === '-' ? -value || 0 : value;

/** An integer as in Python's source: any base, underscores between digits, blanks around. */
function literal(text: string): number | null {
  const found = /^\s*([-+]?)(0[xX]_?[\da-fA-F]+(?:_[\da-fA-F]+)*|0[oO]_?[0-7]+(?:_[0-7]+)*|0[bB]_?[01]+(?:_[01]+)*|0+(?:_0+)*|[1-9]\d*(?:_\d+)*)\s*$/.exec(text);
  // Python 3.11 refuses longer decimal ones (sys.set_int_max_str_digits).
  if (found && /^[1-9]/.test(found[2] ?? '') && (found[2] ?? '').replaceAll('_', '').length > 4_300) throw new RangeError('an integer has more than 4300 digits');
  return found ? signed(found[1], Number((found[2] ?? '').replaceAll('_', ''))) : null;
}
