import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';

const chunkBytes = 65_536;

/** Bytes of a source, forward, a small part of them in memory at a time. What is missing at the end is a RangeError. */
export interface Window {
  readonly size: number;
  position: number;
  byte(): number;
  /** At most 65,536 bytes; a view that is valid until the next call. */
  take(length: number): Uint8Array;
  /** Little-endian, unsigned, at most 8 bytes; beyond 2^53 it is not exact, but stays beyond. */
  number(width: number): number;
  /** Visits [position, position + length) in pieces, and moves behind it. */
  pass(length: number, visit: (piece: Uint8Array) => void): void;
  /** The line's content without its newline, visited in pieces; moves behind the newline. Returns its length. */
  line(visit: (piece: Uint8Array) => void): number;
}

export function openWindow(source: Source, budget: Budget, start = 0): Window {
  // Our own copy: a source's view dies with the next read, and records inside are read from the same source.
  let [chunk, from] = [new Uint8Array(0), 0];
  const load = (at: number): Uint8Array => {
    if (at < from || at >= from + chunk.length) {
      chunk = Uint8Array.from(source.read(at, chunkBytes));
      from = at;
      budget.spend(20);
      if (chunk.length === 0) throw truncated();
    }
    return chunk.subarray(at - from);
  };
  const window: Window = {
    size: source.size,
    position: start,
    byte() {
      const value = load(window.position)[0] ?? 0;
      window.position += 1;
      return value;
    },
    take(length) {
      if (length > source.size - window.position) throw truncated();
      if (length === 0) return new Uint8Array(0);
      let view = load(window.position);
      if (view.length < length) {
        chunk = Uint8Array.from(source.read(window.position, Math.max(chunkBytes, length)));
        from = window.position;
        view = chunk;
      }
      if (view.length < length) throw truncated();
      window.position += length;
      return view.subarray(0, length);
    },
    number(width) {
      const bytes = window.take(width);
      let value = 0;
      for (let index = width - 1; index >= 0; index--) value = value * 256 + (bytes[index] ?? 0);
      return value;
    },
    pass(length, visit) {
      if (length > source.size - window.position) throw truncated();
      for (let left = length; left > 0;) {
        const piece = load(window.position).subarray(0, left);
        visit(piece);
        budget.spend(piece.length / 500);
        window.position += piece.length;
        left -= piece.length;
      }
    },
    line(visit) {
      const start = window.position;
      for (let at = start; at < source.size;) {
        const rest = load(at);
        const end = rest.indexOf(0x0a);
        const piece = end < 0 ? rest : rest.subarray(0, end);
        visit(piece);
        budget.spend(1 + piece.length / 500);
        at += piece.length;
        if (end >= 0) {
          window.position = at + 1;
          return at - start;
        }
      }
      throw truncated();
    },
  };
  return window;
}

const truncated = () => new RangeError('it ends in the middle of an opcode');
