/*
 * One ring buffer of the kernel, mapped (BPF_MAP_TYPE_RINGBUF, Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c):
 * a page with the consumer's place, a page with the producer's, then the data twice in a row, so that no record wraps.
 * A record: u32 length (bit 31: not yet written, bit 30: discarded), u32 of the kernel's own, then data, to the next
 * multiple of eight. Places only grow.
 */
import { int64Of, mapShared, pageBytes } from './library.ts';

const [busy, discarded, lengthMask] = [0x8000_0000, 0x4000_0000, 0x3fff_ffff];

export interface Ring {
  /** Copies of whole records since the last call, one after the other, at most about `limit` bytes; null when there is none. */
  take(limit: number): Buffer | null;
}

/** `bytes`: the size of the map. Lives as long as this process. */
export function openRing(descriptor: number, bytes: number): Ring {
  const page = pageBytes();
  const consumer = int64Of(mapShared(descriptor, page, 0, true));
  const shared = mapShared(descriptor, page + 2 * bytes, page, false);
  const producer = int64Of(shared.subarray(0, 8));
  const data = shared.subarray(page);
  return {
    take(limit) {
      let from = Atomics.load(consumer, 0);
      const end = Atomics.load(producer, 0);
      const pieces: Buffer[] = [];
      let taken = 0;
      while (from < end && taken < limit) {
        const place = Number(from & BigInt(bytes - 1));
        const word = new Int32Array(data.buffer, data.byteOffset + place, 1);
        const length = Atomics.load(word, 0) >>> 0;
        if ((length & busy) !== 0) break;
        const size = length & lengthMask;
        if ((length & discarded) === 0) {
          // Its own length is part of what is read later, and rounded up there as here.
          pieces.push(data.subarray(place + 8, place + 8 + ((size + 7) & ~7)));
          taken += size;
        }
        from += BigInt((size + 8 + 7) & ~7);
      }
      const copy = pieces.length === 0 ? null : Buffer.concat(pieces);
      Atomics.store(consumer, 0, from);
      return copy;
    },
  };
}
