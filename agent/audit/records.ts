import type { Entry } from './entry.ts';
import { parseEntry } from './entry.ts';
import { attempt, type Blame, damaged, TrailDamage } from './damage.ts';
import { entriesIn, epochFiles } from './epoch-files.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { tileWidth } from './tile.ts';
import { epochsIn, folderOf } from './trail.ts';

export interface Found { readonly epoch: number; readonly entry: Entry; /** The line that is hashed. */ readonly line: Buffer }

/** Epoch milliseconds, both included. */
export interface Span { readonly from: number; readonly to: number }
export const ever: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/**
 * The records that say they were made in this time, in the order in which they were written. What cannot be read is
 * blamed with its epoch and left out; whether the others are true is for `verifyEpoch` to say.
 */
export function* recordsOf(directory: string, { from, to }: Span, blame: (epoch: number, damage: TrailDamage) => void): Generator<Found> {
  for (const epoch of epochsIn(directory)) {
    for (const { seq, line } of linesOf(folderOf(directory, epoch), damage => blame(epoch, damage))) {
      const entry = attempt(damage => blame(epoch, damage), () => read(line, seq));
      const time = entry === null ? Number.NaN : Date.parse(entry.time);
      if (entry !== null && time >= from && time <= to) yield { epoch, entry, line };
    }
  }
}

function* linesOf(folder: string, blame: Blame): Generator<{ readonly seq: number; readonly line: Buffer }> {
  const files = epochFiles(folder);
  const published = attempt(blame, () => publishedSize(files.checkpoint())) ?? 0;
  const bundles = attempt(blame, () => files.bundles()) ?? [];
  const pending = files.numbers('pending');
  const last = Math.max(Math.ceil(published / tileWidth) - 1, bundles.at(-1) ?? -1, pending.at(-1) ?? -1);
  for (let index = bundles[0] ?? pending[0] ?? Math.max(last, 0); index <= last; index += 1) {
    const entries = attempt(blame, () => entriesIn(files, index, published)) ?? [];
    for (const [position, line] of entries.entries()) yield { seq: index * tileWidth + position, line };
  }
}

function publishedSize(checkpoint: Buffer | null): number {
  if (checkpoint === null) throw new TrailDamage('checkpoint', 'it is missing');
  try { return parseCheckpoint(checkpoint).size; } catch (error) { throw damaged('checkpoint', error); }
}

function read(line: Buffer, seq: number): Entry {
  try { return parseEntry(line); } catch (error) { throw damaged(`record ${seq}`, error); }
}
