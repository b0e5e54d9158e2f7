import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, rmdirSync, rmSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../store/directory.ts';
import { type Checkpoint, signCheckpoint } from './checkpoint.ts';
import { TrailDamage } from './damage.ts';
import { type AuditRecord, encodeEntry } from './entry.ts';
import { checkpointPath, epochFiles, type EpochFiles, pendingLine, pendingPath, rotationPath } from './epoch-files.ts';
import { makeFolders, type NewFile, placeFile, putFile, putFiles, writeWhole } from './files.ts';
import { createFrontier, type Frontier } from './frontier.ts';
import { inclusionProof, leafHash, rootHash, same } from './merkle.ts';
import type { Signer } from './note.ts';
import { formatProof } from './proof.ts';
import { type Completed, fullTile, rebuild } from './rebuild.ts';
import { encodeBundle, nodesIn, partialTiles, tilePath, tileWidth } from './tile.ts';

/**
 * Owns: the files of one epoch, which nobody else writes. Must not own: the decision what to do about damage.
 * Errors are those of the disk, after which the same call may be tried again, and TrailDamage, after which it may not.
 */
export interface EpochWriter extends Disposable {
  readonly files: EpochFiles;
  /** Entries on disk. */
  readonly size: number;
  /** The last one; null only before the first. */
  readonly checkpoint: Checkpoint | null;
  /** Bytes that a crash had left behind the last whole entry; cut off, none was acknowledged. */
  readonly tornBytes: number;
  /** Names of the published copies that a power cut had torn, and that were written again. */
  readonly mended: readonly string[];
  /** On disk, each of them, when it returns. What of them was stored before an error is in `size`. */
  append(records: readonly AuditRecord[]): void;
  /** Signs and publishes the tree as it is; the same again when nothing is new. Each kept one is kept for good. */
  sign(signers: readonly Signer[], keep: boolean): Checkpoint;
  /** Writes down that the entry `seq`, which names a new key, is in the tree of the last checkpoint. */
  proveRotation(seq: number): void;
  /** Hash of an earlier tree. */
  rootAt(size: number): Uint8Array;
}

/** Continues an epoch. Throws TrailDamage when it is not as it was left. */
export function continueEpoch(folder: string, signer: Signer, boot: string): EpochWriter {
  const { checkpoint, frontier, completed, pendingBytes, tornBytes, tornEdge } = rebuild(epochFiles(folder), signer);
  for (const { name, bytes } of tornEdge) placeFile({ path: join(folder, name), bytes });
  if (tornBytes > 0) truncateSync(join(folder, pendingPath(Math.floor(frontier.size / tileWidth))), pendingBytes);
  return writer(folder, boot, { checkpoint, frontier, completed: [...completed], pendingBytes, tornBytes, mended: tornEdge.map(({ name }) => name) });
}

/** Begins one in an empty folder. */
export function beginEpoch(folder: string, boot: string): EpochWriter {
  return writer(folder, boot, { checkpoint: null, frontier: createFrontier(), completed: [], pendingBytes: 0, tornBytes: 0, mended: [] });
}

const settledAtOnce = 16;

interface State { checkpoint: Checkpoint | null; readonly frontier: Frontier; readonly completed: Completed[]; pendingBytes: number; readonly tornBytes: number; readonly mended: readonly string[] }

function writer(folder: string, boot: string, state: State): EpochWriter {
  const files = epochFiles(folder);
  const { frontier, completed } = state;
  let open: { readonly index: number; readonly descriptor: number } | null = null;

  function shut(): void {
    if (open !== null) closeSync(open.descriptor);
    open = null;
  }

  /** The file that the next entry goes into, cut to what was acknowledged. */
  function pendingFile(index: number): number {
    if (open?.index !== index) {
      shut();
      const path = join(folder, pendingPath(index));
      makeFolders(dirname(path));
      open = { index, descriptor: openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600) };
      syncDirectory(dirname(path));
    }
    const { size } = fstatSync(open.descriptor);
    if (size < state.pendingBytes) throw new TrailDamage(pendingPath(index), `it was cut from ${state.pendingBytes} bytes to ${size}`);
    if (size > state.pendingBytes) ftruncateSync(open.descriptor, state.pendingBytes);
    return open.descriptor;
  }

  /** Up to the end of the bundle; tells how many. */
  function appendSome(records: readonly AuditRecord[]): number {
    const index = Math.floor(frontier.size / tileWidth);
    const entries = records.slice(0, tileWidth - frontier.size % tileWidth).map((record, position) => encodeEntry(record, frontier.size + position, boot));
    const bytes = Buffer.concat(entries.map(pendingLine));
    const descriptor = pendingFile(index);
    try {
      writeWhole(descriptor, bytes, state.pendingBytes);
      fdatasyncSync(descriptor);
    } catch (error) {
      // After a failed fsync nobody knows what is on the disk: it is written anew through another descriptor.
      shut();
      throw error;
    }
    state.pendingBytes += bytes.length;
    const tiles = entries.flatMap(entry => [...frontier.add(leafHash(entry))]);
    if (frontier.size % tileWidth === 0) {
      completed.push({ bundle: index, tiles });
      state.pendingBytes = 0;
      shut();
    }
    return entries.length;
  }

  /** Bundles that are full leave the pending files, some at a time. */
  function settle(): void {
    while (completed.length > 0) {
      const some = completed.slice(0, settledAtOnce);
      putFiles(some.flatMap(filesOf));
      for (const { bundle } of some) rmSync(join(folder, pendingPath(bundle)), { force: true });
      completed.splice(0, some.length);
    }
  }

  function filesOf({ bundle, tiles }: Completed): NewFile[] {
    const entries = files.pending(bundle)?.entries ?? files.bundle(bundle) ?? [];
    expectEntries(entries, tiles[0]?.bytes ?? Buffer.alloc(0), bundle);
    return [
      { path: join(folder, tilePath('entries', bundle)), bytes: encodeBundle(entries) },
      ...tiles.map(({ level, index, bytes }) => ({ path: join(folder, tilePath(level, index)), bytes })),
    ];
  }

  /** The right edge as a reader of the checkpoint asks for it. What it is made of is on disk already. */
  function publishEdge(): void {
    const edge = frontier.edge();
    const lowest = edge.find(({ level }) => level === 0);
    if (lowest !== undefined) {
      const entries = files.pending(lowest.index)?.entries ?? [];
      expectEntries(entries, lowest.bytes, lowest.index);
      placeFile({ path: join(folder, tilePath('entries', lowest.index, lowest.width)), bytes: encodeBundle(entries) });
    }
    for (const { level, index, width, bytes } of edge) placeFile({ path: join(folder, tilePath(level, index, width)), bytes });
  }

  function removeEdge(oldSize: number): void {
    const now = new Set(edgePaths(frontier.size));
    for (const name of edgePaths(oldSize).filter(each => !now.has(each))) {
      const path = join(folder, name);
      rmSync(path, { force: true });
      try { rmdirSync(dirname(path)); } catch { /* It holds the new one. */ }
    }
  }

  /** Full tiles that are not written yet are made of what is on disk all the same. */
  function tileAt(level: number, index: number): Buffer {
    const own = [...frontier.edge(), ...completed.flatMap(({ tiles }) => tiles)];
    return own.find(tile => tile.level === level && tile.index === index)?.bytes ?? fullTile(files, level, index);
  }
  const node = nodesIn(tileAt);

  return {
    files,
    get size() { return frontier.size; },
    get checkpoint() { return state.checkpoint; },
    tornBytes: state.tornBytes,
    mended: state.mended,
    append(records) {
      for (let stored = 0; stored < records.length;) stored += appendSome(records.slice(stored));
    },
    sign(signers, keep) {
      const before = state.checkpoint;
      if (before?.size === frontier.size && !keep) return before;
      settle();
      publishEdge();
      const made = signCheckpoint({ origin: signers[0]?.name ?? '', size: frontier.size, root: frontier.root() }, signers);
      if (keep) putFile(join(folder, checkpointPath(made.size)), Buffer.from(made.note));
      putFile(join(folder, 'checkpoint'), Buffer.from(made.note));
      state.checkpoint = made;
      if (before !== null) removeEdge(before.size);
      return made;
    },
    proveRotation(seq) {
      const { checkpoint } = state;
      const entry = files.pending(Math.floor(seq / tileWidth))?.entries[seq % tileWidth] ?? files.bundle(Math.floor(seq / tileWidth))?.[seq % tileWidth];
      if (checkpoint === null || entry === undefined) throw new TrailDamage(`record ${seq}`, 'it is missing');
      putFile(join(folder, rotationPath(seq)), Buffer.from(formatProof({ index: seq, hashes: inclusionProof(seq, checkpoint.size, node), checkpoint, entry })));
    },
    rootAt: size => rootHash(size, node),
    [Symbol.dispose]: shut,
  };
}

const edgePaths = (size: number): string[] => [
  ...partialTiles(size).map(({ level, index, width }) => tilePath(level, index, width)),
  ...(size % tileWidth > 0 ? [tilePath('entries', Math.floor(size / tileWidth), size % tileWidth)] : []),
];

/** What lies in the pending file is what was hashed when it was written there. */
function expectEntries(entries: readonly Buffer[], hashes: Buffer, bundle: number): void {
  const found = Buffer.concat(entries.map(leafHash));
  if (same(found, hashes)) return;
  const first = entries.findIndex((entry, position) => !same(leafHash(entry), hashes.subarray(position * 32, position * 32 + 32)));
  throw new TrailDamage(`record ${bundle * tileWidth + (first < 0 ? entries.length : first)}`, 'it is not what was written');
}
