import type { Checkpoint } from './checkpoint.ts';
import { attempt, type Blame, damaged, TrailDamage } from './damage.ts';
import { type Entry, parseEntry } from './entry.ts';
import type { EpochFiles } from './epoch-files.ts';
import { createFrontier } from './frontier.ts';
import { same } from './merkle.ts';
import { type Verifier, vkeyOf } from './note.ts';
import { tilePath, tileWidth } from './tile.ts';
import { type Trusted, trusted } from './trust.ts';
import { expectEdge, expectTile, judgeBundle, strayFiles } from './verify-tiles.ts';

export interface Fault {
  /** `record 17`, `tile/0/003`, `checkpoint` … */
  readonly place: string;
  readonly fault: string;
}

/** What one epoch is worth. */
export interface EpochReport {
  readonly epoch: number;
  readonly origin: string | null;
  /** Records under the last checkpoint. */
  readonly signed: number;
  /** Records on disk; those beyond `signed` are under none yet. */
  readonly records: number;
  /** The first that retention has left. */
  readonly first: number;
  /** Times of the first and the last record that are here. */
  readonly begun: string | null;
  readonly ended: string | null;
  /** Whose signatures counted. */
  readonly keys: readonly string[];
  readonly root: string | null;
  /** Earlier checkpoints that were kept, each of this tree. */
  readonly checkpoints: number;
  /** The first of each place, at most 1,000. */
  readonly faults: readonly Fault[];
  /** The checkpoint of the epoch before, as this one's first record cites it. */
  readonly cites: string | null;
  /** By `epoch N`: records before this one were removed by retention, as the records here say. */
  readonly pruned: Readonly<Record<string, number>>;
}

const mostFaults = 1_000;

/**
 * Reads everything in an epoch and holds it against its checkpoints: every entry is in its one form, at its place, with
 * the hash that its tile has; every tile is what the ones below make; every checkpoint kept is of this tree and signed.
 * `keys`: whose signature counts; when none is given, the key that the epoch says it began with.
 * `prunedBefore`: what later epochs say was removed from this one. Throws what the disk throws.
 */
export function verifyEpoch(files: EpochFiles, epoch: number, keys: readonly Verifier[], prunedBefore = 0): EpochReport {
  const faults: Fault[] = [];
  const blamed = new Set<string>();
  const blame: Blame = ({ place, message }) => {
    if (faults.length >= mostFaults || blamed.has(place)) return;
    blamed.add(place);
    faults.push({ place, fault: message });
  };
  const trust = trusted(files, keys, blame);
  const walk = walkTree(files, trust, { epoch, prunedBefore }, blame);
  for (const damage of strayFiles(files)) blame(damage);
  return {
    epoch, origin: trust.origin, signed: trust.last?.size ?? 0, ...walk, keys: trust.keys.map(vkeyOf),
    root: trust.last && Buffer.from(trust.last.root).toString('base64'), checkpoints: trust.kept.length, faults,
  };
}

function walkTree(files: EpochFiles, { last, kept }: Trusted, { epoch, prunedBefore }: { readonly epoch: number; readonly prunedBefore: number }, blame: Blame) {
  const frontier = createFrontier();
  const signed = last?.size ?? 0;
  const due = [...kept, ...(last ? [last] : [])].sort((one, other) => one.size - other.size);
  const story = createStory(blame);
  const absent: number[] = [];
  let fits = 0;

  function add(leaf: Uint8Array): void {
    for (const made of frontier.add(leaf)) if (made.level > 0) attempt(blame, () => expectTile(files, made, frontier.size <= signed));
    for (; due[0] !== undefined && due[0].size <= frontier.size; due.shift()) if (due[0].size === frontier.size) hold(due[0]);
  }

  function hold({ size, root }: Checkpoint): void {
    if (same(frontier.root(), root)) fits = size;
    else blame(new TrailDamage(`tree of ${size}`, `it does not have the root that was signed: from record ${fits} on something was changed`));
    if (size === signed) for (const edge of frontier.edge()) if (edge.level > 0) attempt(blame, () => expectEdge(files, edge));
  }

  for (let index = 0; ; index += 1) {
    const judged = judgeBundle(files, index, last, frontier, blame);
    if (judged === null) break;
    judged.entries?.forEach((entry, position) => story.tell(entry, index * tileWidth + position));
    if (judged.entries === null) absent.push(index);
    for (const leaf of judged.leaves) add(leaf);
    if (judged.leaves.length < tileWidth) break;
  }
  if (frontier.size < signed) blame(new TrailDamage(`record ${frontier.size}`, `it is missing${frontier.size + 1 < signed ? `, and those up to ${signed - 1}` : ''}`));
  const gone = Math.max(prunedBefore, story.pruned[`epoch ${epoch}`] ?? 0);
  for (const index of absent) {
    if (index * tileWidth < gone) continue;
    blame(new TrailDamage(tilePath('entries', index), `records ${index * tileWidth} to ${Math.min((index + 1) * tileWidth, signed) - 1} are missing`));
  }
  return { records: frontier.size, first: story.first ?? frontier.size, begun: story.begun, ended: story.ended, cites: story.cites, pruned: story.pruned };
}

/** What the records say of the trail itself. */
function createStory(blame: Blame) {
  const story = { first: null as number | null, begun: null as string | null, ended: null as string | null, cites: null as string | null, pruned: {} as Record<string, number> };
  return Object.assign(story, {
    tell(line: Buffer, seq: number): void {
      const entry = attempt(blame, () => readEntry(line, seq));
      if (entry === null) return;
      story.first ??= seq;
      story.begun ??= entry.time;
      story.ended = entry.time;
      const { previous, before } = entry.detail;
      if (entry.action === 'trail.begun' && typeof previous === 'string') story.cites = previous;
      if (entry.action === 'trail.pruned' && typeof before === 'number') story.pruned[entry.object] = Math.max(before, story.pruned[entry.object] ?? 0);
    },
  });
}

function readEntry(line: Buffer, seq: number): Entry {
  try {
    const entry = parseEntry(line);
    if (entry.seq !== seq) throw new RangeError(`it says that it is record ${entry.seq}`);
    return entry;
  } catch (error) { throw damaged(`record ${seq}`, error); }
}
