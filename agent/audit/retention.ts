import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TrailDamage } from './damage.ts';
import { timeText } from './entry.ts';
import { type EpochFiles, entryTime } from './epoch-files.ts';
import type { EpochWriter } from './epoch-writer.ts';
import { tilePath, tileWidth } from './tile.ts';

/** Bundles removed at a time: reading one to learn its age takes a millisecond. */
const mostAtOnce = 64;

/**
 * Removes the bundles whose entries are all older, oldest first, and the entries of epochs that ended before. Hashes and
 * checkpoints stay: whoever kept an entry can still prove it. The trail says what goes before it goes.
 */
export function expire(directory: string, epoch: number, writer: EpochWriter, olderThan: number): number {
  const old = oldBundles(writer.files, Math.floor((writer.checkpoint?.size ?? 0) / tileWidth), olderThan);
  const last = old.at(-1);
  if (last !== undefined) {
    const before = (last + 1) * tileWidth;
    writer.append([{ action: 'trail.pruned', at: Date.now(), actor: 'agent', object: `epoch ${epoch}`, outcome: 'removed', detail: { before, olderThan: timeText(olderThan) } }]);
    for (const index of old) rmSync(join(writer.files.folder, tilePath('entries', index)), { force: true });
  }
  for (let number = 1; number < epoch; number += 1) expireEpoch(join(directory, String(number)), number, writer, olderThan);
  return old.length * tileWidth;
}

function oldBundles(files: EpochFiles, below: number, olderThan: number): number[] {
  const old: number[] = [];
  for (const index of files.bundles()) {
    const entry = index < below && old.length < mostAtOnce ? bundleEnd(files, index) : null;
    if (entry === null || !(entryTime(entry, index * tileWidth + tileWidth - 1) < olderThan)) break;
    old.push(index);
  }
  return old;
}

/** Damage is for `verify` to tell; what cannot be dated stays. */
function bundleEnd(files: EpochFiles, index: number): Buffer | null {
  try { return files.bundle(index)?.at(-1) ?? null; } catch (error) {
    if (error instanceof TrailDamage) return null;
    throw error;
  }
}

/** By the time its last checkpoint was written: a damaged epoch cannot be asked. */
function expireEpoch(folder: string, number: number, writer: EpochWriter, olderThan: number): void {
  const ended = lstatSync(join(folder, 'checkpoint'), { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
  const entries = join(folder, 'tile/entries');
  if (!(ended < olderThan) || lstatSync(entries, { throwIfNoEntry: false }) === undefined) return;
  writer.append([{ action: 'trail.pruned', at: Date.now(), actor: 'agent', object: `epoch ${number}`, outcome: 'removed', detail: { before: Number.MAX_SAFE_INTEGER, olderThan: timeText(olderThan) } }]);
  for (const name of ['tile/entries', 'pending']) rmSync(join(folder, name), { recursive: true, force: true });
}
