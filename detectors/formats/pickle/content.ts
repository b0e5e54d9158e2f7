import type { Source } from '../source.ts';
import { longestRead, slice } from '../source.ts';
import { latin1Of } from './escapes.ts';
import type { Extent } from './values.ts';

const pieceBytes = 65_536;

/**
 * The bytes a constant stands for. A text stands for its Latin-1 bytes, as protocols 0 to 2 write bytes, and is decoded as it
 * is read, one piece at a time in memory. Reading throws RangeError where a text is no Latin-1.
 */
export function contentOf(extent: Extent, source: Source): Source {
  const { at, length, size, form } = extent;
  if (form === 'plain' || size === length) return slice(source, at, length);
  // Where each piece begins, encoded and decoded; known as far as it was read.
  const pieces: { readonly encoded: number; readonly decoded: number }[] = [{ encoded: 0, decoded: 0 }];
  let loaded = { index: -1, bytes: new Uint8Array(0) };
  const load = (index: number): Uint8Array | null => {
    if (loaded.index === index) return loaded.bytes;
    const piece = pieces[index];
    if (!piece || piece.encoded >= length) return null;
    const raw = Uint8Array.from(source.read(at + piece.encoded, Math.min(pieceBytes, length - piece.encoded)));
    const whole = piece.encoded + raw.length >= length ? raw.length : wholeCharacters(raw, form);
    const bytes = Buffer.concat([...latin1Of(form, [raw.subarray(0, whole)])]);
    loaded = { index, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
    if (pieces.length === index + 1) pieces.push({ encoded: piece.encoded + whole, decoded: piece.decoded + bytes.length });
    return loaded.bytes;
  };
  return {
    size,
    read(offset, wanted) {
      const end = Math.min(size, offset + Math.min(wanted, longestRead));
      const out = new Uint8Array(Math.max(0, end - offset));
      let filled = 0;
      for (let index = pieceWith(pieces, offset); filled < out.length; index++) {
        const bytes = load(index);
        if (bytes === null) break;
        const from = offset + filled - (pieces[index]?.decoded ?? 0);
        if (from >= bytes.length) continue;
        const part = bytes.subarray(from, from + out.length - filled);
        out.set(part, filled);
        filled += part.length;
      }
      return out.subarray(0, filled);
    },
  };
}

/** The last known piece that begins at or before this decoded offset. */
function pieceWith(pieces: readonly { readonly decoded: number }[], offset: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.decoded ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** How many bytes end with a character: a lead byte, or an escape that begins near the end, belongs to the next piece. */
function wholeCharacters(raw: Uint8Array, form: Extent['form']): number {
  if (form === 'utf8') return (raw.at(-1) ?? 0) >= 0xc0 ? raw.length - 1 : raw.length;
  const start = raw.lastIndexOf(0x5c);
  if (start < raw.length - 10) return raw.length;
  const width = raw[start + 1] === 0x75 ? 6 : 10;
  return start + width > raw.length ? start : raw.length;
}
