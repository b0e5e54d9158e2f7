import { BudgetError } from '../report.ts';

/** What a JSON document tells while it is read. Keys and texts arrive decoded; a pointer is built only when asked for. */
export interface Listener {
  /** A new object or array, as the value of the key or element before. */
  open(kind: 'object' | 'array', offset: number): void;
  /** It ends. */
  close(): void;
  key(name: string, offset: number): void;
  text(value: string, offset: number): void;
  /** A number or one of true, false, null; `word` as written. */
  scalar(word: string, offset: number): void;
}

interface Frame { readonly isObject: boolean; count: number; key: string }

export interface Reading {
  /** JSON pointer (RFC 6901) of the value that is being read. */
  pointer(): string;
  /** How many objects and arrays are open. */
  depth(): number;
}

/** Deeper than this nothing is read; Python's own reader gives up near 1,000. */
const deepest = 10_000;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const scalar = /^(?:-?(?:0|[1-9]\d{0,5000})(?:\.\d{1,5000})?(?:[eE][-+]?\d{1,20})?|true|false|null|NaN|-?Infinity)$/;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Strict JSON (RFC 8259) beside NaN and Infinity, which Python writes and reads. Iterative: nesting costs a small frame.
 * Gives the offset after the document. RangeError for what is no JSON.
 */
export function readJson(bytes: Uint8Array, spend: (units: number) => void, listenerOf: (reading: Reading) => Listener): number {
  const frames: Frame[] = [];
  const listener = listenerOf({
    depth: () => frames.length,
    pointer: () => frames.slice(0, 50).map(step => `/${step.isObject ? step.key.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1') : step.count - 1}`).join(''),
  });
  let at = 0;
  const fail = (expected: string): never => { throw new RangeError(`No JSON: ${expected} is expected at offset ${at}`); };
  const skip = () => { while (isBlank(bytes[at])) at += 1; };
  const take = (byte: number, name: string) => { if (bytes[at] !== byte) fail(name); at += 1; };

  function text(): string {
    take(0x22, 'a text');
    const start = at;
    let plain = true;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) fail('the end of a text');
      else if (byte === 0x22) break;
      else if (byte < 0x20) fail('no control character');
      else if (byte === 0x5c) { plain = false; at += 1; }
      at += 1;
    }
    const raw = bytes.subarray(start, at);
    at += 1;
    spend(1 + raw.length / 200);
    const decoded = decode(raw, start);
    return plain ? decoded : resolve(decoded, start);
  }
  function word(): string {
    const start = at;
    while (bytes[at] !== undefined && /[\w.+-]/.test(String.fromCharCode(bytes[at] ?? 0)) && at - start < 10_100) at += 1;
    const found = Buffer.from(bytes.subarray(start, at)).toString('latin1');
    if (!scalar.test(found)) { at = start; fail('a value'); }
    spend(0.3);
    return found;
  }
  /** One value, or the opening of one. */
  function value() {
    skip();
    const byte = bytes[at];
    const offset = at;
    if (byte === 0x22) { listener.text(text(), offset); return; }
    if (byte !== 0x7b && byte !== 0x5b) { listener.scalar(word(), offset); return; }
    at += 1;
    if (frames.length >= deepest) throw new BudgetError(`JSON nested deeper than ${deepest} is not read`);
    listener.open(byte === 0x7b ? 'object' : 'array', offset);
    frames.push({ isObject: byte === 0x7b, count: 0, key: '' });
  }
  /** The next element of the innermost frame, or its end. */
  function step(frame: Frame) {
    skip();
    if (bytes[at] === (frame.isObject ? 0x7d : 0x5d)) { at += 1; frames.pop(); listener.close(); return; }
    if (frame.count > 0) { take(0x2c, 'a comma or a closing bracket'); skip(); }
    frame.count += 1;
    if (frame.isObject) {
      const offset = at;
      frame.key = text();
      listener.key(frame.key, offset);
      skip();
      take(0x3a, 'a colon');
    }
    value();
  }

  value();
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) { spend(0.5); step(frame); }
  return at;
}

function decode(raw: Uint8Array, offset: number): string {
  try { return strict.decode(raw); } catch { throw new RangeError(`A text at offset ${offset} is not UTF-8`); }
}

const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function resolve(text: string, offset: number): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex: string | undefined, letter: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const found = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (found === undefined) throw new RangeError(`A text at offset ${offset} has an escape that JSON does not know`);
    return found;
  });
}
