import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import { longestRead, sourceOf } from '../source.ts';
import { openStream, type Stream } from './deflate-stream.ts';
import { windowOver } from './window.ts';

/** A deflate stream that begins at `data`, of which `size` unpacked bytes are used. */
export interface Segment { readonly data: number; readonly size: number }

const pieceBytes = 65_536;
const [headBytes, tailBytes] = [65_536, 131_072];

/** The unpacked bytes of several streams as one: in memory when they are few, through a window else. */
export function join(source: Source, segments: readonly Segment[], budget: Budget): Source {
  const size = segments.reduce((sum, segment) => sum + segment.size, 0);
  const open = () => chain(source, segments, budget);
  if (size > longestRead) {
    // Every probe asks for these: without them each would unpack it all again.
    const once = windowOver(open, { size, head: new Uint8Array(0), tail: new Uint8Array(0) });
    return windowOver(open, { size, head: Uint8Array.from(once.read(0, headBytes)), tail: Uint8Array.from(once.read(size - tailBytes, tailBytes)) });
  }
  const bytes = new Uint8Array(size);
  open().fill(bytes);
  return sourceOf(bytes);
}

function chain(source: Source, segments: readonly Segment[], budget: Budget): Stream {
  let [index, left, consumed] = [-1, 0, 0];
  let stream: Stream | null = null;
  const next = (): boolean => {
    const segment = segments[++index];
    if (segment === undefined) return false;
    consumed += stream?.consumed() ?? 0;
    [stream, left] = [openStream(source, segment.data, budget), segment.size];
    return true;
  };
  return {
    consumed: () => consumed + (stream?.consumed() ?? 0),
    fill(into) {
      let filled = 0;
      while (filled < into.length) {
        if (left === 0) { if (next()) continue; break; }
        const count = stream?.fill(into.subarray(filled, filled + Math.min(left, into.length - filled))) ?? 0;
        if (count === 0) break;
        filled += count;
        left -= count;
      }
      return filled;
    },
  };
}

/** How many bytes a broken stream gives before it breaks: a program that unpacks while it reads has used them. */
export function soundBytes(source: Source, data: number, budget: Budget): number {
  let sound = 0;
  for (const step of [pieceBytes, 1]) {
    const stream = openStream(source, data, budget);
    const piece = new Uint8Array(pieceBytes);
    for (let skipped = 0; skipped < sound;) skipped += stream.fill(piece.subarray(0, Math.min(pieceBytes, sound - skipped)));
    try {
      for (let count = stream.fill(piece.subarray(0, step)); count > 0; count = stream.fill(piece.subarray(0, step))) sound += count;
    } catch (error) {
      if (!(error instanceof RangeError) || error.name === 'BudgetError') throw error;
    }
  }
  return sound;
}
