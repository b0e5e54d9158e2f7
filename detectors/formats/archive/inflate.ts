import { crc32 } from 'node:zlib';
import type { Budget } from '../report.ts';
import { longestRead, sourceOf } from '../source.ts';
import type { Source } from '../source.ts';
import { openStream } from './deflate-stream.ts';
import { windowOver } from './window.ts';

/** A raw deflate stream (RFC 1951) that was read to its end. */
export interface Inflated {
  /** Unpacked bytes. */
  readonly size: number;
  /** CRC-32 of all of them, as zip and gzip have it. */
  readonly crc32: number;
  /** Packed bytes from the start to the end of the stream; what follows is not of it. */
  readonly consumed: number;
  /** The unpacked bytes: in memory up to 16 MiB, through a window beyond, where reading back unpacks again from the start. */
  readonly source: Source;
}

const pieceBytes = 262_144;
/** All of a member that one read may ask for stays in memory. */
const mostInMemory = longestRead;
const headBytes = 65_536;
/** Where a zip's end record lies, comment included. */
const tailBytes = 131_072;

/**
 * Unpacks the raw deflate stream that begins at `start`, to its end. Each unpacked byte is counted once by `budget.unpack`, and
 * all work, that of unpacking again included, by `budget.spend`. RangeError for a stream that is broken, is cut by the
 * end of the source or unpacks to more than `most` bytes; BudgetError.
 */
export function inflate(source: Source, start: number, budget: Budget, most = Number.POSITIVE_INFINITY): Inflated {
  const stream = openStream(source, start, budget);
  const piece = new Uint8Array(Math.min(pieceBytes, Math.max(1, most + 1)));
  const keeper = createKeeper();
  let [size, sum] = [0, 0];
  for (let count = stream.fill(piece); count > 0; count = stream.fill(piece)) {
    budget.unpack(count);
    size += count;
    if (size > most) throw new RangeError(`it unpacks to more than the ${most} bytes it may have`);
    const bytes = piece.subarray(0, count);
    sum = crc32(bytes, sum);
    keeper.add(bytes);
  }
  const { all, head, tail } = keeper.kept();
  return { size, crc32: sum, consumed: stream.consumed(), source: all ? sourceOf(all) : windowOver(() => openStream(source, start, budget), { size, head, tail }) };
}

interface Kept { readonly all: Uint8Array | null; readonly head: Uint8Array; readonly tail: Uint8Array }

/** Keeps everything up to the bound, and beyond it the beginning and the end, which every probe asks for. */
function createKeeper(): { add(bytes: Uint8Array): void; kept(): Kept } {
  let [all, filled, whole] = [new Uint8Array(0), 0, true];
  let [head, tail] = [new Uint8Array(0), new Uint8Array(0)];
  const append = (bytes: Uint8Array) => {
    if (filled + bytes.length > all.length) {
      const larger = new Uint8Array(filled === 0 ? bytes.length : Math.min(mostInMemory, Math.max(filled + bytes.length, all.length * 2)));
      larger.set(all.subarray(0, filled));
      all = larger;
    }
    all.set(bytes, filled);
    filled += bytes.length;
  };
  return {
    add(bytes) {
      if (whole && filled + bytes.length <= mostInMemory) { append(bytes); return; }
      if (whole) {
        head = all.slice(0, headBytes);
        tail = all.slice(filled - tailBytes, filled);
        [whole, all] = [false, new Uint8Array(0)];
      }
      const last = bytes.subarray(-tailBytes);
      tail.copyWithin(0, last.length);
      tail.set(last, tailBytes - last.length);
    },
    kept: () => whole ? { all: all.subarray(0, filled), head, tail } : { all: null, head, tail },
  };
}
