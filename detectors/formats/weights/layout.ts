import { isFloat, widthOf } from './dtype.ts';
import type { DType } from './dtype.ts';

/** Where things stand in the kernel's memory. Offsets and lengths in bytes. */

/** Values are looked at in blocks of this many bytes: 16,384 float32. */
export const blockBytes = 65_536;
/** What is kept of the block before, so that a header across the border is seen whole. */
export const carryBytes = 256;

export const memoryPages = 17;

/** `readingGroups` says where the readings of each byte of a value begin, and the last ones end. `bytes` are four tables of 256: which signatures may have this byte as their first, second, third and fourth. */
export const tables = { first: 0, second: 32, readings: 64, readingBytes: 8, readingGroups: 192, patterns: 256, patternBytes: 8, bytes: 1_280 } as const;
export const results = {
  least: 1_024, most: 1_040, sum: 1_056, squares: 1_072, notFinite: 1_088, top: 1_104, topSquares: 1_120,
  found: 1_136, textRuns: 1_152, textEnds: 1_168, finite: 1_184, nan: 1_200, mean: 1_216,
} as const;

/** Where candidates stand: place and number of the reading, u32 each. A block of one value over and over makes 32,768. */
export const candidates = { at: 4_096, bytes: 8, most: 40_000 } as const;

/** Where a block stands; the carry is before it. */
export const rawBase = candidates.at + candidates.most * candidates.bytes + carryBytes;

/** Where the values of a block stand as float64, behind all lanes. */
export const wideBase = 9 * 65_536;

/** One way of reading values as bytes: the lowest `taken` bytes of each, in file order or swapped. All of them: `taken` is the width. */
export interface Lane { readonly taken: number; readonly swapped: boolean }

/** A lane of its own memory, for types that the kernel does not read in place. */
export interface CopiedLane extends Lane { readonly base: number }

const lanes = (...shapes: readonly (readonly [number, boolean])[]): readonly Lane[] => shapes.map(([taken, swapped]) => ({ taken, swapped }));

/** All lanes of float32, which the kernel reads without copying: the values themselves, and their low bytes. */
export const float32Lanes = lanes([4, false], [1, false], [2, false], [2, true], [3, false], [3, true]);

const float64Lanes = lanes([1, false], [2, false], [4, false], [6, false]);

/** The lanes of low bytes in which something could be hidden; integers may carry one byte each. */
export function copiedLanes(dtype: DType): readonly CopiedLane[] {
  const width = widthOf(dtype);
  let base = rawBase + blockBytes + 2 * carryBytes;
  return (dtype === 'float64' ? float64Lanes : width > 1 ? lanes([1, false]) : []).map(lane => {
    const placed = { ...lane, base };
    base += blockBytes / width * lane.taken + 2 * carryBytes;
    return placed;
  });
}

export const hidesText = (dtype: DType): boolean => isFloat(dtype);

/**
 * A lane begun at one of the bytes of a value: `offsets` are where its bytes 0 to 3, and 61 to 63, stand from the value's
 * start. The latter are those of a PE file's pointer to its new header.
 */
export interface Reading { readonly lane: Lane; readonly phase: number; readonly offsets: readonly number[] }

/** Every way in which four bytes of a float32 lane can follow each other, by the byte of the value with which it begins. */
export const readings: readonly Reading[] = float32Lanes.flatMap(lane => Array.from({ length: lane.taken }, (_, phase) => ({
  lane, phase,
  offsets: [0, 1, 2, 3, 61, 62, 63].map(index => {
    const within = (phase + index) % lane.taken;
    return 4 * Math.floor((phase + index) / lane.taken) + (lane.swapped ? lane.taken - 1 - within : within);
  }),
}))).sort((one, two) => (one.offsets[0] ?? 0) - (two.offsets[0] ?? 0));
