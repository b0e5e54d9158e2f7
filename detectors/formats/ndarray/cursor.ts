import type { Source } from '../source.ts';

/** Reads little-endian fields one after another. Each throws RangeError, naming `what`, where the file ends too early. */
export interface Cursor {
  readonly at: number;
  readonly left: number;
  u32(what: string): number;
  i32(what: string): number;
  u64(what: string): bigint;
  i64(what: string): bigint;
  /** At most 64 KiB; valid until the next read. */
  bytes(length: number, what: string): Uint8Array;
  /** The caller has looked at these bytes by itself. */
  skip(length: number): void;
}

const windowBytes = 8_192;

export function createCursor(source: Source, start: number): Cursor {
  let at = start;
  let [from, window] = [0, new Uint8Array(0)];
  const take = (length: number, what: string): Uint8Array => {
    if (length > source.size - at) throw new RangeError(`the file ends inside ${what}, at byte ${at}`);
    if (at < from || at + length > from + window.length) {
      window = Uint8Array.from(source.read(at, Math.max(length, windowBytes)));
      from = at;
      if (window.length < length) throw new RangeError(`the file ends inside ${what}, before its size`);
    }
    at += length;
    return window.subarray(at - length - from, at - from);
  };
  const field = (length: number, what: string): DataView => {
    const bytes = take(length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  };
  return {
    get at() { return at; },
    get left() { return source.size - at; },
    u32: what => field(4, what).getUint32(0, true),
    i32: what => field(4, what).getInt32(0, true),
    u64: what => field(8, what).getBigUint64(0, true),
    i64: what => field(8, what).getBigInt64(0, true),
    bytes: take,
    skip(length) { at += length; },
  };
}
