import type { Attribute } from './operators.ts';

/**
 * Whether MXNet reads this text as a value of this attribute (dmlc-core parameter.h; mxnet tuple.h). Stricter in forms that
 * nobody writes, such as `1e` for a number.
 */
export function accepts({ type, none, least, most }: Attribute, text: string): boolean {
  if (none && text.trim() === 'None') return true;
  if (type.startsWith('{')) return type.slice(1, -1).split('|').includes(text);
  switch (type) {
    case 'i': return whole(text, -(2n ** 31n), 2n ** 31n - 1n) && within(text, least, most);
    case 'u': return whole(text, -(2n ** 32n - 1n), 2n ** 32n - 1n) && within(text, least, most);
    case 'l': return whole(text, -(2n ** 63n), 2n ** 63n - 1n);
    case 'L': return whole(text, -(2n ** 64n - 1n), 2n ** 64n - 1n);
    case 'f': return real(text, 3.4028236e38) && within(text, least, most);
    case 'd': return real(text, Number.MAX_VALUE) && within(text, least, most);
    case 'b': return /^(?:true|false|0|1)$/i.test(text);
    case 'S': case 'T': return numbersOf(text) !== null;
    case 'F': return (text.length <= 10_000 && reals.test(text)) || text.trim() === 'None';
    case 'N': return text.length <= 10_000 && /^[\s()[\],\dL-]*$/.test(text);
    default: return true;
  }
}

const reals = /^\s*(?:[([]\s*(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+|inf|nan)(?:e[-+]?\d+)?\s*(?:,\s*|(?=[)\]])))*[)\]]|[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)\s*$/i;

function whole(text: string, least: bigint, most: bigint): boolean {
  if (!/^\s*[-+]?\d{1,40}\s*$/.test(text)) return false;
  const value = BigInt(text.trim().replace(/^\+/, ''));
  return value >= least && value <= most;
}

function real(text: string, largest: number): boolean {
  if (!/^\s*[-+]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400}|inf|infinity|nan)(?:e[-+]?\d{1,4})?f?$/i.test(text)) return false;
  const value = Math.abs(Number(text.trim().replace(/f$/i, '')));
  return !(Number.isFinite(value) && value > largest) && !(value === Infinity && /\d/.test(text));
}

function within(text: string, least: number, most: number): boolean {
  const value = Number(text.trim().replace(/f$/i, ''));
  return !(value < least || value > most);
}

/** The integers of a tuple such as `(3, 3)`, `[1,]`, `2` or `None` (then empty); null where it is none. At most 10,000 characters. */
export function numbersOf(text: string): readonly number[] | null {
  if (text.length > 10_000) return null;
  const bare = text.trim();
  if (bare === 'None') return [];
  if (/^-?\d+$/.test(bare)) return [Number(bare)];
  if (!/^[([]\s*(?:[-+]?\d+L?\s*(?:,\s*|(?=[)\]])))*[)\]]$/.test(bare)) return null;
  return [...bare.matchAll(/[-+]?\d+/g)].map(found => Number(found[0]));
}

export const isTrue = (text: string | undefined): boolean => text !== undefined && /^(?:true|1)$/i.test(text);

/** A whole number from an attribute, or the default where it is missing; null where it is none. */
export function wholeOf(text: string | undefined, otherwise: number | null): number | null {
  if (text === undefined) return otherwise;
  return /^\s*[-+]?\d{1,15}\s*$/.test(text) ? Number(text) : null;
}
