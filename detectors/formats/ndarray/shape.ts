import type { Report } from '../report.ts';
import type { Cursor } from './cursor.ts';
import { noteFlaw } from './flaws.ts';

/** Dimensions are kept as they stand in the file; nothing is computed from them in less than full precision. */
export type Shape = readonly bigint[];

export type Layout = 'V3' | 'V2' | 'V1' | 'oldest';

/** A claim that a cut file of the largest arrays does not make, and that fills the memory of a loader. */
const exhausting = 2n ** 30n;

/** More is not written by anyone; numpy stops at 32 too. */
const mostDimensions = 32;
/** Sizes are signed 64-bit numbers in the loader. */
const beyondSize = 2n ** 63n;

/** A shape with fields of `layout`; `which` names it. Throws RangeError, after a note, when it cannot be read on. */
export function readShape(cursor: Cursor, layout: Layout, which: string, report: Report): Shape {
  const { at } = cursor;
  const ndim = layout === 'oldest' ? cursor.u32(which) : cursor.i32(which);
  if (layout === 'oldest') checkOldest(ndim, at, which, report);
  else checkCount(ndim, at, which, report);
  return Array.from({ length: ndim }, () => {
    const place = cursor.at;
    const dimension = layout === 'oldest' ? BigInt(cursor.u32(which)) : cursor.i64(which);
    if (dimension < 0n && !(layout === 'V3' && dimension === -1n)) {
      noteFlaw(report, 'dimension', place, `${which} has the dimension ${dimension}`);
      throw new RangeError(`a dimension of ${dimension}`);
    }
    return dimension;
  });
}

function checkCount(ndim: number, at: number, which: string, report: Report) {
  if (ndim === -1) {
    noteFlaw(report, 'ndim-minus-one', at, `${which} has -1 dimensions: the loader copies without bound over its memory`);
    throw new RangeError('a shape of -1 dimensions');
  }
  if (ndim < 0) {
    noteFlaw(report, 'dimension', at, `${which} has ${ndim} dimensions`);
    throw new RangeError(`a shape of ${ndim} dimensions`);
  }
  if (ndim <= mostDimensions) return;
  noteFlaw(report, 'ndim', at, `${which} claims ${ndim} dimensions: the loader asks for memory for them before it reads any`);
  throw new RangeError(`a shape of ${ndim} dimensions`);
}

function checkOldest(ndim: number, at: number, which: string, report: Report) {
  if (ndim <= mostDimensions) return;
  noteFlaw(report, 'oldest-ndim', at, `${which} begins with 0x${ndim.toString(16)}, which no layout does: the loader takes it for a number of dimensions and uses 12 bytes of memory for each`);
  throw new RangeError(`a record that begins with 0x${ndim.toString(16)}`);
}

/** Bytes of so many values. Throws RangeError, after a note, where 63 bits do not hold them. */
export function checkProduct(shape: Shape, width: number, at: number, which: string, report: Report): bigint {
  const bytes = shape.reduce((product, dimension) => product * dimension, BigInt(width));
  if (bytes < beyondSize) return bytes;
  noteFlaw(report, 'size-overflow', at, `${which} has ${shape.join(' × ')} values: the loader's 64-bit size wraps around, and it reserves less than it lets be read`);
  throw new RangeError('an array beyond 63 bits');
}

/** As `checkProduct`, and RangeError when that is more than is left. */
export function sizeOf(shape: Shape, width: number, left: number, at: number, which: string, report: Report): number {
  const bytes = checkProduct(shape, width, at, which, report);
  if (bytes >= exhausting && bytes >= BigInt(left) * 16n) noteFlaw(report, 'size-claim', at, `${which} claims ${bytes} bytes and ${left} are left: the loader reserves them before it reads one`);
  if (bytes > BigInt(left)) throw new RangeError(`${which} needs ${bytes} bytes, and ${left} are left`);
  return Number(bytes);
}

/** What the loaders of the released 1.x libraries, built for 32-bit sizes, make of an array's dimensions. */
export function checkLarge(shape: Shape, sparse: boolean, at: number, which: string, report: Report) {
  const values = shape.reduce((product, dimension) => product * dimension, 1n);
  const huge = shape.find(dimension => dimension >= 2n ** 31n);
  if (huge !== undefined && sparse) noteFlaw(report, 'sparse-dimension', at, `${which} has a dimension of ${huge}, which is cut to 32 bits: its dense form is written outside of its memory`);
  else if (huge !== undefined && values === 0n) noteFlaw(report, 'dimension', at, `${which} has no values, and a dimension of ${huge}`);
  else if (values >= 2n ** 31n - 1n) noteFlaw(report, 'large', at, `${which} has ${values} values: only builds with 64-bit tensors can use it`);
}

export const sameShape = (one: Shape, two: Shape): boolean => one.length === two.length && one.every((dimension, index) => dimension === two[index]);

/** For an inventory: numbers where they are exact. */
export const plainShape = (shape: Shape): (number | string)[] => shape.map(dimension => dimension <= 2n ** 53n ? Number(dimension) : String(dimension));
