/** Bytes of one file or of one archive member. Reads are synchronous: parsers run in a pool thread that may wait. */
export interface Source {
  readonly size: number;
  /** Bytes [offset, offset + length), cut at the end; at most 16 MiB at once. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array;
}

export const longestRead = 16_777_216;

/** Bytes already in memory. */
export const sourceOf = (bytes: Uint8Array): Source => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + Math.min(length, longestRead), bytes.length)),
});

/** A part of another source, such as a stored archive member. */
export const slice = (source: Source, start: number, size: number): Source => ({
  size,
  read: (offset, length) => source.read(start + Math.min(offset, size), Math.max(0, Math.min(length, size - offset))),
});
