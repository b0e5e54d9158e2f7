import { numberValue, textValue, unknown, type Value } from './values.ts';

const simple: Readonly<Record<string, string>> = { '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\n': '' };
const opening = /^([a-z]*)("""|'''|"|')/i;

/** A string as it is written, prefix and quotes included (Python reference, 2.4.1). */
export function stringValue(written: string): Value {
  const [whole, prefix = '', quote = '"'] = opening.exec(written) ?? [];
  if (whole === undefined) return unknown;
  const body = written.slice(whole.length, written.length - (written.length >= whole.length + quote.length && written.endsWith(quote) ? quote.length : 0));
  const bytes = /b/i.test(prefix);
  return textValue(/r/i.test(prefix) ? body : resolveEscapes(body, bytes), 0, { bytes });
}

/** Escapes resolved. Named characters stay as they are written. */
export function resolveEscapes(body: string, bytes: boolean): string {
  if (!body.includes('\\')) return body;
  return body.replace(/\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g, (all: string, octal?: string, hex?: string, unit?: string, point?: string, letter?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (bytes && (unit ?? point) !== undefined) return all;
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
    if (point !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(point, 16), 0x10ffff));
    return letter !== undefined && Object.hasOwn(simple, letter) ? simple[letter] ?? all : all;
  });
}

/** Numbers beyond what is exact here are not known. */
export function numberOf(written: string): Value {
  const plain = written.replaceAll('_', '').toLowerCase();
  if (/j$/.test(plain)) return unknown;
  const value = /^0[xob]/.test(plain) ? Number(plain) : Number.parseFloat(plain);
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? numberValue(value) : unknown;
}
