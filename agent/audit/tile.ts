import { foldRight, hashBytes, type NodeAt, nodeHash } from './merkle.ts';

/* Tiles and entry bundles as https://c2sp.org/tlog-tiles lays them out. */

/** Hashes in a full tile, entries in a full bundle. */
export const tileWidth = 256;
const tileHeight = 8;
/** An entry's length is a uint16 in a bundle. */
export const mostEntryBytes = 65_535;
/** Two bytes of length before each entry. */
export const mostBundleBytes = tileWidth * (mostEntryBytes + 2);

export type TileLevel = number | 'entries';

/** `tile/0/x001/234`, and for fewer than 256 of them `tile/0/x001/234.p/7`. */
export function tilePath(level: TileLevel, index: number, width = tileWidth): string {
  const parts = [String(index % 1_000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) parts.unshift(`x${String(rest % 1_000).padStart(3, '0')}`);
  return `tile/${level}/${parts.join('/')}${width < tileWidth ? `.p/${width}` : ''}`;
}

export interface TileName { readonly level: number; readonly index: number; readonly width: number }

/** The tiles at the right edge of a tree that are not full, the lowest first. */
export function partialTiles(size: number): TileName[] {
  const tiles: TileName[] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / tileWidth)) {
    const width = count % tileWidth;
    if (width > 0) tiles.push({ level, index: Math.floor(count / tileWidth), width });
  }
  return tiles;
}

export const hashIn = (tile: Uint8Array, position: number): Uint8Array => tile.subarray(position * hashBytes, (position + 1) * hashBytes);

/** The hash over 2^n hashes that stand side by side in a tile. */
export function foldTile(tile: Uint8Array, from = 0, count = tileWidth): Uint8Array {
  let row = Array.from({ length: count }, (_, position) => hashIn(tile, from + position));
  while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, pair) => nodeHash(row[pair * 2] ?? tile, row[pair * 2 + 1] ?? tile));
  return row[0] ?? foldRight([]);
}

/** Reads a tree through its tiles: `tileAt` gives as much of a tile as there is. */
export function nodesIn(tileAt: (level: number, index: number) => Uint8Array): NodeAt {
  return (height, index) => {
    const level = Math.floor(height / tileHeight);
    const count = 2 ** (height - level * tileHeight);
    const first = index * count;
    const tile = tileAt(level, Math.floor(first / tileWidth));
    const from = first % tileWidth;
    if (tile.length < (from + count) * hashBytes) throw new RangeError(`${tilePath(level, Math.floor(first / tileWidth))} is too short`);
    return foldTile(tile, from, count);
  };
}

/** Throws RangeError when there are too many or one is too long. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  if (entries.length > tileWidth || entries.some(entry => entry.length > mostEntryBytes)) throw new RangeError('more than a bundle holds');
  return Buffer.concat(entries.flatMap(entry => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  }));
}

/** Throws RangeError when it does not hold just `width` entries. */
export function decodeBundle(bytes: Buffer, width = tileWidth): Buffer[] {
  const entries: Buffer[] = [];
  let at = 0;
  while (at + 2 <= bytes.length && entries.length < width) {
    const length = bytes.readUInt16BE(at);
    if (at + 2 + length > bytes.length) break;
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  if (entries.length !== width || at !== bytes.length) throw new RangeError(`it is no bundle of ${width} entries: entry ${entries.length} does not fit`);
  return entries;
}
