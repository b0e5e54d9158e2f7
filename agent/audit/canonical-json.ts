const deepest = 32;

/**
 * JSON in the one form that RFC 8785 allows: no white space, keys in the order of their UTF-16 code units, numbers and
 * strings as ECMAScript writes them. Throws RangeError for what has no such form: numbers that are not finite, lone
 * surrogates, values that JSON does not know, and what is nested deeper than 32.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > deepest) throw new RangeError(`nested deeper than ${deepest}`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberOf(value);
  if (typeof value === 'string') return stringOf(value);
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object') throw new RangeError(`JSON knows no ${typeof value}`);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, item]) => `${stringOf(key)}:${canonicalJson(item, depth + 1)}`).join(',')}}`;
}

function numberOf(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`JSON knows no ${value}`);
  return JSON.stringify(value);
}

function stringOf(value: string): string {
  if (!value.isWellFormed()) throw new RangeError('a text with a lone surrogate');
  return JSON.stringify(value);
}
