import { foldRight, hashBytes } from './merkle.ts';
import { foldTile, hashIn, partialTiles, type TileName, tileWidth } from './tile.ts';

export interface MadeTile extends TileName { readonly bytes: Buffer }

/** The right edge of a growing tree: all that appending and signing need, some kilobytes for any size. */
export interface Frontier {
  readonly size: number;
  /** Takes the next leaf; tells the tiles that it made full, the lowest first. */
  add(leaf: Uint8Array): readonly MadeTile[];
  /** A copy: the tree grows on. */
  root(): Uint8Array;
  /** The tiles at the edge, as they are published for this size. */
  edge(): readonly MadeTile[];
}

/** Continues a tree whose unfinished tiles are given, lowest level first; none for a new one. */
export function createFrontier(size = 0, unfinished: readonly Uint8Array[] = []): Frontier {
  const levels = unfinished.map(filled);
  let count = size;

  /** Puts a hash at the end of a level, and the hash of what that completes one level higher. */
  function put(level: number, index: number, leaf: Uint8Array, full: MadeTile[]): void {
    const tile = levels[level] ?? filled(new Uint8Array());
    levels[level] = tile;
    const position = index % tileWidth;
    tile.set(leaf, position * hashBytes);
    if (position !== tileWidth - 1) return;
    const above = Math.floor(index / tileWidth);
    full.push({ level, index: above, width: tileWidth, bytes: Buffer.from(tile) });
    put(level + 1, above, foldTile(tile), full);
  }

  return {
    get size() { return count; },
    add(leaf) {
      const full: MadeTile[] = [];
      put(0, count, leaf, full);
      count += 1;
      return full;
    },
    root() {
      return Buffer.from(foldRight(partialTiles(count).reverse().flatMap(({ level, width }) => [...perfect(levels[level] ?? Buffer.alloc(0), width)])));
    },
    edge: () => partialTiles(count).map(name => ({ ...name, bytes: Buffer.from(levels[name.level]?.subarray(0, name.width * hashBytes) ?? []) })),
  };
}

function filled(part: Uint8Array): Buffer {
  const tile = Buffer.alloc(tileWidth * hashBytes);
  tile.set(part);
  return tile;
}

/** The perfect subtrees in the first `width` hashes of a tile, the largest first. */
function* perfect(tile: Uint8Array, width: number): Generator<Uint8Array> {
  let from = 0;
  for (let count = tileWidth / 2; count >= 1; count /= 2) {
    if (width - from < count) continue;
    yield count === 1 ? hashIn(tile, from) : foldTile(tile, from, count);
    from += count;
  }
}
