import { readdirSync } from 'node:fs';
import type { Checkpoint } from './checkpoint.ts';
import { attempt, type Blame, TrailDamage } from './damage.ts';
import { type EpochFiles, pendingPath } from './epoch-files.ts';
import { createFrontier, type Frontier, type MadeTile } from './frontier.ts';
import { hashBytes, leafHash, same } from './merkle.ts';
import { foldTile, hashIn, tilePath, tileWidth } from './tile.ts';

export interface Judged {
  /** Null when no file has them. */
  readonly entries: readonly Buffer[] | null;
  /** What the tree is made of: of entries and tile that differ, the ones that the rest of the tree bears out. */
  readonly leaves: readonly Uint8Array[];
}

/**
 * One bundle, wherever its entries are, beside its tile. Where they differ, the tile's parent, or for the last tile the
 * root that was signed, says which is right, so that just the records or just the tile is blamed. Null behind the last one.
 */
export function judgeBundle(files: EpochFiles, index: number, last: Checkpoint | null, before: Frontier, blame: Blame): Judged | null {
  const signed = last?.size ?? 0;
  const published = Math.min(tileWidth, Math.max(0, signed - index * tileWidth));
  const partial = published > 0 && published < tileWidth;
  let isMissing = false;
  const pending = attempt(blame, () => {
    const found = files.pending(index);
    isMissing = found === null && files.hasPending;
    return found;
  });
  const full = attempt(blame, () => files.bundle(index));
  const edge = partial ? attempt(blame, () => files.bundle(index, published)) : null;
  const tile = attempt(blame, () => files.tile(0, index) ?? (partial ? files.tile(0, index, published) : null));
  const entries = full ?? pending?.entries ?? edge;
  if (pending !== null && pending.tornBytes > 0) blame(new TrailDamage(`record ${index * tileWidth + pending.entries.length}`, `its line in ${pendingPath(index)} is not whole: a crash cut it short, or somebody changed it`));
  if (edge !== null && full === null && isMissing) blame(new TrailDamage(pendingPath(index), 'it is missing; what was published of it is here'));
  if (tile === null && published > 0) blame(new TrailDamage(tilePath(0, index, published), 'it is missing'));
  if (edge === null && partial && full === null) blame(new TrailDamage(tilePath('entries', index, published), 'it is missing'));
  if (entries === null) return tile && { entries, leaves: hashesIn(tile) };

  const told = entries.map(leafHash);
  const truth = tile === null ? told : settle(told, hashesIn(tile), index, { files, last, before, blame });
  for (const [name, copy] of [[pendingPath(index), pending?.entries], [tilePath('entries', index, published), edge]] as const) {
    if (copy === entries || !copy) continue;
    for (const [position, entry] of copy.entries()) {
      if (truth[position] && !same(leafHash(entry), truth[position])) blame(new TrailDamage(`record ${index * tileWidth + position}`, `the copy in ${name} was changed`));
    }
  }
  return { entries, leaves: truth };
}

interface Bench { readonly files: EpochFiles; readonly last: Checkpoint | null; readonly before: Frontier; readonly blame: Blame }

function settle(told: readonly Buffer[], kept: readonly Uint8Array[], index: number, bench: Bench): readonly Uint8Array[] {
  const differing = [...kept.keys()].filter(position => !told[position] || !same(told[position], kept[position] ?? emptyHash));
  if (differing.length === 0) return told;
  const name = tilePath(0, index, kept.length);
  if (!bearsOut(kept, index, bench)) {
    bench.blame(new TrailDamage(name, bearsOut(told.slice(0, kept.length), index, bench) ? 'it is not what its records make'
      : `it is not what records ${index * tileWidth} to ${index * tileWidth + told.length - 1} make, and both were changed`));
    return told;
  }
  for (const position of differing) {
    bench.blame(new TrailDamage(`record ${index * tileWidth + position}`, told[position] ? `it is not the one whose hash ${name} has` : `it is missing; ${name} has its hash`));
  }
  return [...kept, ...told.slice(kept.length)];
}

const emptyHash = Buffer.alloc(0);

/** Whether the tree above agrees with these leaves of a bundle. */
function bearsOut(leaves: readonly Uint8Array[], index: number, { files, last, before }: Bench): boolean {
  if (leaves.length === tileWidth) {
    const parent = parentOf(files, index, last?.size ?? 0);
    return parent !== null && same(foldTile(Buffer.concat(leaves)), parent);
  }
  const levels: Buffer[] = [];
  for (const { level, bytes } of before.edge()) levels[level] = bytes;
  const tree = createFrontier(before.size, Array.from(levels, bytes => bytes ?? Buffer.alloc(0)));
  for (const leaf of leaves) tree.add(leaf);
  return last !== null && tree.size === last.size && same(tree.root(), last.root);
}

/** The hash that the tile one level up has of this one; null when it has none. */
function parentOf(files: EpochFiles, index: number, signed: number): Uint8Array | null {
  const above = Math.floor(index / tileWidth);
  const width = Math.floor(signed / tileWidth) % tileWidth;
  const ignore = () => { /* It is blamed where it is itself looked at. */ };
  const tile = attempt(ignore, () => files.tile(1, above)) ?? (width > 0 ? attempt(ignore, () => files.tile(1, above, width)) : null);
  const position = index % tileWidth;
  return tile === null || tile.length < (position + 1) * hashBytes ? null : hashIn(tile, position);
}

const hashesIn = (tile: Buffer): Uint8Array[] => Array.from({ length: tile.length / hashBytes }, (_, position) => hashIn(tile, position));

/** A tile above the leaves: there, when it must be by now, and what the tree makes. */
export function expectTile(files: EpochFiles, { level, index, bytes }: MadeTile, due: boolean): void {
  const found = files.tile(level, index);
  if (found === null ? due : !found.equals(bytes)) throw new TrailDamage(tilePath(level, index), found === null ? 'it is missing' : 'it is not what the tiles below make');
}

/** A tile at the edge of a checkpoint's tree; the full one, once there is one, has it too. */
export function expectEdge(files: EpochFiles, { level, index, width, bytes }: MadeTile): void {
  const found = files.tile(level, index, width) ?? files.tile(level, index)?.subarray(0, bytes.length) ?? null;
  if (found === null || !found.equals(bytes)) throw new TrailDamage(tilePath(level, index, width), found === null ? 'it is missing' : 'it is not what the tiles below make');
}

const ours = /^(vkey|checkpoint|checkpoints\/[0-9]+|rotations\/[0-9]+\.tlog-proof|pending\/[0-9]+\.jsonl|tile\/(entries|[0-9]+)\/(x[0-9]{3}\/)*[0-9]{3}(\.p\/[0-9]+)?)(\.tmp)?$/;

/** Files that no mxwarden wrote. */
export function* strayFiles(files: EpochFiles): Generator<TrailDamage> {
  for (const entry of readdirSync(files.folder, { recursive: true, withFileTypes: true })) {
    const name = `${entry.parentPath.slice(files.folder.length + 1)}/${entry.name}`.replace(/^\//, '');
    if (!entry.isDirectory() && !ours.test(name)) yield new TrailDamage(name, 'it is not part of the trail');
  }
}
