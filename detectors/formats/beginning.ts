import { headBytes } from './kind.ts';
import type { Source } from './source.ts';

const windowBytes = 65_536;
/** A text that begins with more blanks is what its blanks are. */
const mostBlanks = 33_554_432;

/**
 * The first bytes of a file, at most `headBytes`, by which its format is told. Readers of JSON skip blanks, however many: of
 * an object behind more of them than that, its first bytes. A copy.
 */
export function beginningOf(source: Source): Uint8Array {
  const head = new Uint8Array(source.read(0, headBytes));
  if (head.length < headBytes || firstSolid(head, head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0) !== null) return head;
  for (let from = headBytes; from < Math.min(source.size, mostBlanks); from += windowBytes) {
    const at = firstSolid(source.read(from, windowBytes), 0);
    if (at === null) continue;
    const later = new Uint8Array(source.read(from + at, headBytes));
    return later[0] === 0x7b ? later : head;
  }
  return head;
}

/** Where the blanks end that C's isspace knows; null when they do not. */
function firstSolid(bytes: Uint8Array, from: number): number | null {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return at;
  }
  return null;
}
