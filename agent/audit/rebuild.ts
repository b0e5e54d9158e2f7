import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import type { EpochFiles } from './epoch-files.ts';
import { pendingPath } from './epoch-files.ts';
import { damaged, TrailDamage } from './damage.ts';
import { createFrontier, type Frontier, type MadeTile } from './frontier.ts';
import { leafHash, same } from './merkle.ts';
import { signersOf, type Verifier } from './note.ts';
import { encodeBundle, foldTile, tilePath, tileWidth } from './tile.ts';

/** Tiles and the bundle that are full since the last checkpoint, and perhaps not written yet. */
export interface Completed { readonly bundle: number; readonly tiles: readonly MadeTile[] }

export interface Rebuilt {
  readonly checkpoint: Checkpoint;
  readonly frontier: Frontier;
  readonly completed: readonly Completed[];
  /** Length of the sound part of the pending file. */
  readonly pendingBytes: number;
  /** Bytes behind it that a crash left, never acknowledged. */
  readonly tornBytes: number;
  /** Copies of the edge, made for readers of the checkpoint, that a power cut tore: to be written again. */
  readonly tornEdge: readonly EdgeFile[];
}

interface EdgeFile { readonly name: string; readonly bytes: Buffer }

/**
 * Builds the tree again, from the tiles and then from the entries that are in none, and holds it against the last
 * checkpoint and what was published with it. Entries since then are taken as far as they are whole. The full tiles right
 * at the edge of each level are read, at most 255 a level; older ones are for `verify` to look at.
 * Throws TrailDamage, naming the place, when anything is not as it was left.
 */
export function rebuild(files: EpochFiles, key: Verifier): Rebuilt {
  const checkpoint = lastCheckpoint(files, key);
  const whole = Math.floor(checkpoint.size / tileWidth);
  const frontier = createFrontier(whole * tileWidth, unfinishedTiles(files, whole));
  const completed: Completed[] = [];
  let tornEdge: readonly EdgeFile[] | null = null;
  let pending = { bytes: 0, tornBytes: 0 };

  if (whole * tileWidth === checkpoint.size) tornEdge = compare(files, frontier, checkpoint, []);
  for (let index = whole; ; index += 1) {
    const waiting = files.pending(index);
    const entries = waiting?.entries ?? files.bundle(index) ?? [];
    const tiles: MadeTile[] = [];
    for (const entry of entries) {
      tiles.push(...frontier.add(leafHash(entry)));
      if (frontier.size === checkpoint.size) tornEdge ??= compare(files, frontier, checkpoint, entries);
    }
    pending = { bytes: waiting?.bytes ?? 0, tornBytes: waiting?.tornBytes ?? 0 };
    if (entries.length < tileWidth) break;
    if (pending.tornBytes > 0) throw new TrailDamage(pendingPath(index), 'it holds more than a bundle');
    expectWritten(files, tiles, index, waiting === null ? null : entries);
    completed.push({ bundle: index, tiles });
  }
  if (tornEdge === null) throw new TrailDamage(`record ${frontier.size}`, `it is missing: the checkpoint counts ${checkpoint.size} records`);
  const beyond = files.numbers('pending').find(index => index > Math.floor(frontier.size / tileWidth));
  if (beyond !== undefined) throw new TrailDamage(`record ${frontier.size}`, `it is missing: later ones are in ${pendingPath(beyond)}`);
  return { checkpoint, frontier, completed, pendingBytes: pending.bytes, tornBytes: pending.tornBytes, tornEdge };
}

export function lastCheckpoint(files: EpochFiles, key: Verifier): Checkpoint {
  const bytes = files.checkpoint();
  if (bytes === null) throw new TrailDamage('checkpoint', 'it is missing');
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try { checkpoint = parseCheckpoint(bytes); } catch (error) { throw damaged('checkpoint', error); }
  if (checkpoint.origin !== key.name) throw new TrailDamage('checkpoint', 'it is of another log');
  if (signersOf(checkpoint.parsed, [key]).length === 0) throw new TrailDamage('checkpoint', 'the key in use has not signed it');
  return checkpoint;
}

/** Of a tree of so many whole tiles: the hashes in the unfinished tiles of each level, from the full ones below them. */
function unfinishedTiles(files: EpochFiles, wholeTiles: number): Buffer[] {
  const levels = [Buffer.alloc(0)];
  for (let level = 1, count = wholeTiles; count > 0; level += 1, count = Math.floor(count / tileWidth)) {
    const first = count - count % tileWidth;
    levels[level] = Buffer.concat(Array.from({ length: count % tileWidth }, (_, position) => foldTile(fullTile(files, level - 1, first + position))));
  }
  return levels;
}

export function fullTile(files: EpochFiles, level: number, index: number): Buffer {
  const tile = files.tile(level, index);
  if (tile === null) throw new TrailDamage(tilePath(level, index), 'it is missing');
  return tile;
}

/** The tree has just the checkpoint's size; `entries` are those of its last bundle. Tells what of the edge a power cut tore. */
function compare(files: EpochFiles, frontier: Frontier, { size, root }: Checkpoint, entries: readonly Buffer[]): EdgeFile[] {
  if (!same(frontier.root(), root)) throw new TrailDamage(`tree of ${size}`, 'tiles and entries do not make the root that the checkpoint signs');
  const width = size % tileWidth;
  const bundle = { name: tilePath('entries', Math.floor(size / tileWidth), width), bytes: encodeBundle(entries.slice(0, width)) };
  const tiles = frontier.edge().filter(({ level, index, bytes }) => !files.tile(level, index)?.subarray(0, bytes.length).equals(bytes))
    .map(({ level, index, width, bytes }) => ({ name: tilePath(level, index, width), bytes }));
  const edge = width === 0 || files.bundle(Math.floor(size / tileWidth)) !== null ? tiles : [bundle, ...tiles];
  return edge.filter(({ name, bytes }) => {
    const found = files.read(name, bytes.length);
    if (found?.equals(bytes)) return false;
    if (found === null || isTorn(found, bytes)) return true;
    throw new TrailDamage(name, 'it is not as it was published');
  });
}

/** As a file system leaves what was never synced: cut short, or zeros. */
const isTorn = (found: Buffer, whole: Buffer): boolean => found.every(byte => byte === 0) || (found.length < whole.length && found.equals(whole.subarray(0, found.length)));

/** What was derived from a bundle before a crash is as the bundle is; where the pending file is gone it must be there. */
function expectWritten(files: EpochFiles, tiles: readonly MadeTile[], bundle: number, entries: readonly Buffer[] | null): void {
  for (const { level, index, bytes } of tiles) {
    const found = files.tile(level, index);
    if (found === null ? entries === null : !found.equals(bytes)) throw new TrailDamage(tilePath(level, index), found === null ? 'it is missing' : 'it is not what its entries make');
  }
  const written = entries && files.bundle(bundle);
  if (written?.some((entry, position) => !entries?.[position]?.equals(entry))) throw new TrailDamage(tilePath('entries', bundle), 'it is not what was pending');
}
