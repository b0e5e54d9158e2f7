import type { Source } from '../source.ts';
import { longestRead } from '../source.ts';
import { blockBytes, isZero } from './tar-header.ts';
import { readNumeral } from './tar-number.ts';
import { numberOf, type Pax } from './tar-pax.ts';

/** A file with holes: where its bytes lie, and how long it is once unpacked. */
export interface Sparse { readonly realSize: number; readonly extents: readonly Extent[] }
export interface Extent { readonly offset: number; readonly size: number }

/** GNU tar's own form (type S): 4 extents in the header at 386, 21 in each block that follows; what follows is no data yet. */
export interface OldSparse { readonly sparse: Sparse; readonly blocks: number }

const mostExtents = 100_000;
const extentBytes = 24;

/** GNU tar's src/tar.h: sp 386, isextended 482, realsize 483; in the blocks behind: sp 0, isextended 504. RangeError. */
export function readOldSparse(header: Uint8Array, source: Source, at: number): OldSparse {
  const extents = tableOf(header.subarray(386, 482));
  let [more, blocks] = [header[482] !== 0, 0];
  for (; more; blocks++) {
    const block = Uint8Array.from(source.read(at + blocks * blockBytes, blockBytes));
    if (block.length < blockBytes) throw new RangeError('a table of holes is cut');
    extents.push(...tableOf(block.subarray(0, 504)));
    if (!isZero(block, 505)) throw new RangeError('bytes stand behind a table of holes');
    if (extents.length > mostExtents) throw new RangeError(`a member has more than ${mostExtents} pieces`);
    more = block[504] !== 0;
  }
  return { sparse: { realSize: readNumeral(header.subarray(483, 495)).value, extents }, blocks };
}

function tableOf(bytes: Uint8Array): Extent[] {
  const extents: Extent[] = [];
  for (let at = 0; at < bytes.length; at += extentBytes) {
    if (bytes[at] === 0) {
      if (!isZero(bytes, at)) throw new RangeError('bytes stand behind a table of holes');
      break;
    }
    const [offset, size] = [readNumeral(bytes.subarray(at, at + 12)), readNumeral(bytes.subarray(at + 12, at + extentBytes))];
    if (offset.flaw !== null || size.flaw !== null) throw new RangeError('a table of holes has what is no number');
    extents.push({ offset: offset.value, size: size.value });
  }
  return extents;
}

/**
 * The three pax forms (GNU tar manual, "Sparse Formats"); null when the header is of none. `mapBytes`: how much of the data is
 * the table itself, in form 1.0. RangeError.
 */
export function readPaxSparse({ values, extents: loose }: Pick<Pax, 'values' | 'extents'>, source: Source, data: number, size: number): { readonly sparse: Sparse; readonly mapBytes: number } | null {
  const map = values.get('GNU.sparse.map');
  const old = numberOf(values, 'GNU.sparse.size');
  if (map !== undefined) return { sparse: { realSize: old ?? Number.NaN, extents: pairs(Buffer.from(map).toString('latin1').split(',')) }, mapBytes: 0 };
  if (old !== null || loose.length > 0) {
    if (loose.some((word, index) => index % 4 === 0 && word !== 'o') || loose.some((word, index) => index % 4 === 2 && word !== 'n')) throw new RangeError('the extents of a sparse member are out of order');
    return { sparse: { realSize: old ?? Number.NaN, extents: pairs(loose.filter((_, index) => index % 2 === 1)) }, mapBytes: 0 };
  }
  if (numberOf(values, 'GNU.sparse.major') !== 1) return null;
  const { words, used } = readWords(source, data, size);
  return { sparse: { realSize: numberOf(values, 'GNU.sparse.realsize') ?? Number.NaN, extents: pairs(words) }, mapBytes: used };
}

function pairs(words: readonly string[]): Extent[] {
  if (words.length === 1 && words[0] === '') return [];
  if (words.length > 2 * mostExtents) throw new RangeError(`a member has more than ${mostExtents} pieces`);
  if (words.length % 2 !== 0 || !words.every(word => /^\d{1,15}$/.test(word))) throw new RangeError('a table of holes has what is no number');
  return Array.from({ length: words.length / 2 }, (_, index) => ({ offset: Number(words[2 * index]), size: Number(words[2 * index + 1]) }));
}

/** Form 1.0: the number of extents, then offset and size of each, one a line, padded with zeros to whole blocks. */
function readWords(source: Source, data: number, size: number): { words: readonly string[]; used: number } {
  let [text, used, wanted] = ['', 0, Infinity];
  let lines = 0;
  while (lines <= wanted) {
    if (used + blockBytes > size || text.length > mostExtents * 32) throw new RangeError('a table of holes is cut');
    const block = source.read(data + used, blockBytes);
    if (block.length < blockBytes) throw new RangeError('a table of holes is cut');
    for (const byte of block) if (byte === 0x0a) lines += 1;
    text += String.fromCharCode(...block);
    used += blockBytes;
    if (wanted === Infinity && lines > 0) {
      const first = text.slice(0, text.indexOf('\n'));
      if (!/^\d{1,6}$/.test(first) || Number(first) > mostExtents) throw new RangeError('a table of holes has no number of pieces');
      wanted = 2 * Number(first);
    }
  }
  const parts = text.split('\n');
  if (/[^\0]/.test(parts.slice(wanted + 1).join('\n'))) throw new RangeError('bytes stand behind a table of holes');
  return { words: wanted === 0 ? [''] : parts.slice(1, wanted + 1), used };
}

/** What is wrong with the table; null when the pieces are in order, inside the file and make up the data. */
export function flawOf({ realSize, extents }: Sparse, dataSize: number): string | null {
  if (!Number.isSafeInteger(realSize) || realSize < 0) return 'has no real size';
  let [end, sum] = [0, 0];
  for (const { offset, size } of extents) {
    if (offset < end || size < 0 || offset + size > realSize) return 'has pieces that overlap, are out of order or lie behind its end';
    [end, sum] = [offset + size, sum + size];
  }
  return sum === dataSize ? null : `has pieces of ${sum} bytes and data of ${dataSize}`;
}

/** The unpacked file, holes as zeros. The table was found to be without a flaw. */
export function expand(source: Source, data: number, { realSize, extents }: Sparse): Source {
  let total = 0;
  const pieces = extents.filter(({ size }) => size > 0).map(({ offset, size }) => { const at = data + total; total += size; return { offset, size, at }; });
  return {
    size: realSize,
    read(offset, length) {
      const start = Math.min(offset, realSize);
      const end = Math.min(realSize, start + Math.min(length, longestRead));
      const bytes = new Uint8Array(end - start);
      for (let index = firstAt(pieces, start); index < pieces.length; index++) {
        const piece = pieces[index];
        if (!piece || piece.offset >= end) break;
        const [from, to] = [Math.max(start, piece.offset), Math.min(end, piece.offset + piece.size)];
        bytes.set(source.read(piece.at + from - piece.offset, to - from), from - start);
      }
      return bytes;
    },
  };
}

/** The first piece that ends behind `offset`. */
function firstAt(pieces: readonly Extent[], offset: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece && piece.offset + piece.size <= offset) low = middle + 1; else high = middle;
  }
  return low;
}
