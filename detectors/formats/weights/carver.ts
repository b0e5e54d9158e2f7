import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { widthOf } from './dtype.ts';
import type { Kernel } from './kernel.ts';
import { candidates, carryBytes, copiedLanes, float32Lanes, rawBase, readings, results } from './layout.ts';
import type { CopiedLane } from './layout.ts';
import { createSearch, gatherBlock } from './search.ts';
import type { Search, Values } from './search.ts';

/** Looks for executable content in the values themselves and in their low bytes, block by block. */
export interface Carver { /** The block also stands at `rawBase`. */ look(block: Uint8Array, last: boolean): void }

export function createCarver(source: Source, report: Report, values: Values, kernel: Kernel): Carver {
  const search = createSearch(source, report, values);
  return values.dtype === 'float32' ? siftFloats(search, kernel) : scanLanes(search, kernel, values);
}

/** Where to look in a block that stands at `base`: its end waits for the next one, when what follows is known. */
function range(memory: Uint8Array, base: number, length: number, first: boolean, last: boolean): { readonly from: number; readonly end: number } {
  if (last) memory.fill(0, base + length, base + length + carryBytes);
  return { from: first ? base : base - carryBytes, end: last ? base + length : base + length - carryBytes };
}

const keepEnd = (memory: Uint8Array, base: number, length: number) => memory.copyWithin(base - carryBytes, base + length - carryBytes, base + length);

/** Text tests in a row that come to some 256 bytes of text, for lanes of four, three, two bytes and one. */
const textLanes = [[0, 4], [4, 6], [2, 8], [1, 16]] as const;

function siftFloats(search: Search, kernel: Kernel): Carver {
  const { memory, view } = kernel;
  let done = 0;
  return {
    look({ length: bytes }, last) {
      if (search.over) return;
      const { from, end } = range(memory, rawBase, bytes, done === 0, last);
      if (end > from) {
        kernel.sift(from, end);
        tellSifted(search, kernel, memory.subarray(rawBase - (done === 0 ? 0 : carryBytes), rawBase + bytes), done);
        textLanes.forEach(([index, least], test) => {
          const lane = float32Lanes[index];
          const run = view.getUint32(results.textRuns + 4 * test, true);
          const textEnd = done + view.getUint32(results.textEnds + 4 * test, true) - rawBase;
          if (lane && run >= least) search.considerText(lane, (textEnd / 4 - 16 * run) * lane.taken, 16 * run * lane.taken);
        });
      }
      keepEnd(memory, rawBase, bytes);
      done += bytes;
    },
  };
}

/** `block` is what is in memory: this block, which begins at byte `done` of the array, and the carry before it. */
function tellSifted(search: Search, { view }: Kernel, block: Uint8Array, done: number) {
  const found = view.getUint32(results.found, true);
  const [raw] = float32Lanes;
  if (found === 0 || !raw) return;
  if (found > candidates.most) search.overflow(raw, done);
  const start = done === 0 ? 0 : done - carryBytes;
  // A header in the values may look like one in their low bytes too: the values come first.
  for (const values of [true, false]) {
    for (let index = 0; index < Math.min(found, candidates.most); index++) {
      const slot = candidates.at + candidates.bytes * index;
      const reading = readings[view.getUint32(slot + 4, true)];
      const value = Math.floor((done + view.getUint32(slot, true) - rawBase) / 4);
      if (reading && (reading.lane === raw) === values) search.consider(reading.lane, value * reading.lane.taken + reading.phase, block, start);
    }
  }
}

/** The other types: their low bytes are written out, and each lane is scanned for itself. */
function scanLanes(search: Search, kernel: Kernel, { dtype }: Values): Carver {
  const { memory, view } = kernel;
  const width = widthOf(dtype);
  const low = copiedLanes(dtype);
  const all: readonly CopiedLane[] = [{ base: rawBase, taken: width, swapped: false }, ...low];
  let values = 0;
  return {
    look(block, last) {
      if (search.over) return;
      const bytes = block.length;
      for (const lane of low) gatherBlock(block, width, lane.taken, memory.subarray(lane.base, lane.base + bytes / width * lane.taken));
      for (const lane of all) {
        const [length, done] = [bytes / width * lane.taken, values * lane.taken];
        const { from, end } = range(memory, lane.base, length, values === 0, last);
        if (end > from) {
          kernel.scan(from, end);
          const found = view.getUint32(results.found, true);
          if (found > candidates.most) search.overflow(lane, done);
          for (let index = 0; index < Math.min(found, candidates.most); index++) {
            search.consider(lane, done + view.getUint32(candidates.at + candidates.bytes * index, true) - lane.base, block, values * width);
          }
          const run = view.getUint32(results.textRuns, true);
          if (run >= 4) search.considerText(lane, done + view.getUint32(results.textEnds, true) - lane.base - 64 * run, 64 * run);
        }
        keepEnd(memory, lane.base, length);
      }
      values += bytes / width;
    },
  };
}

