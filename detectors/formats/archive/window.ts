import { longestRead } from '../source.ts';
import type { Source } from '../source.ts';
import type { Stream } from './deflate-stream.ts';

/** Bytes kept behind what was read last, so that a small step back costs nothing. */
const behind = 1_048_576;
const usualWindow = 4 * behind;

/**
 * Random access to a stream that can only be read forward and begun anew. `head` and `tail` are its first and last bytes, known
 * beforehand. Memory: the longest read and 4 MiB. RangeError when the stream now ends earlier than `size`.
 */
export function windowOver(open: () => Stream, { size, head, tail }: { readonly size: number; readonly head: Uint8Array; readonly tail: Uint8Array }): Source {
  let stream: Stream | null = null;
  let held = new Uint8Array(0);
  let [from, filled] = [0, 0];
  const make = (room: number) => {
    if (held.length >= room) return;
    const larger = new Uint8Array(room);
    larger.set(held.subarray(0, filled));
    held = larger;
  };
  const drop = (count: number) => {
    held.copyWithin(0, count, filled);
    from += count;
    filled -= count;
  };
  const advance = (start: number, end: number) => {
    if (stream === null || start < from) [stream, from, filled] = [open(), 0, 0];
    make(Math.max(usualWindow, end - start + behind));
    while (from + filled < end) {
      if (filled === held.length) drop(Math.max(0, Math.min(start, from + filled - behind) - from));
      const count = stream.fill(held.subarray(filled));
      if (count === 0) throw new RangeError('its packed data has changed while it was read');
      filled += count;
    }
    return held.subarray(start - from, end - from);
  };
  return {
    size,
    read(offset, length) {
      const start = Math.min(offset, size);
      const end = Math.min(size, start + Math.min(length, longestRead));
      if (end <= head.length) return head.subarray(start, end);
      if (start >= size - tail.length) return tail.subarray(start - size + tail.length, end - size + tail.length);
      return advance(start, end);
    },
  };
}
