import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import type { DType } from '../weights/dtype.ts';
import { noteFlaw } from './flaws.ts';
import { sameShape } from './shape.ts';
import type { Shape } from './shape.ts';

export type Storage = 'dense' | 'row_sparse' | 'csr';

/*
 * What the library's own check_format would say of sparse arrays, and no loader asks it. Shapes that disagree and
 * indices out of range are read through at the first use of the array, far outside of its memory.
 */

export interface IndexPart { readonly name: string; readonly dtype: DType; readonly shape: Shape }
export interface PlacedIndexes extends IndexPart { readonly offset: number; readonly bytes: number }

/**
 * Compares the three kinds of shape, and returns that of the values which really follow: the loader takes their number
 * from the indices. Save writes the stored shape before it waits for the array, so that MXNet itself leaves the old
 * number there, mostly 0, when the array has just been made by `tostype`.
 */
export function checkSparseShapes(storage: Storage, shape: Shape, stored: Shape, indexes: readonly IndexPart[], at: number, which: string, report: Report): Shape {
  const counts = indexes.map(index => index.shape.length === 1 ? index.shape[0] : undefined);
  const count = counts.at(-1);
  const agree = storage === 'csr'
    ? shape.length === 2 && stored.length === 1 && counts[0] === (shape[0] ?? 0n) + 1n
    : shape.length > 0 && stored.length === shape.length && sameShape(shape.slice(1), stored.slice(1)) && (count ?? 0n) <= (shape[0] ?? 0n);
  const told = [shape, stored, ...indexes.map(index => index.shape)].map(part => `(${part.join(', ')})`).join(', ');
  const parts = indexes.map(index => index.name).join(' and ');
  if (!agree || count === undefined || (stored[0] ?? 0n) > count) {
    noteFlaw(report, 'sparse-shape', at, `${which}: the shapes of the array, of its stored values and of its ${parts} disagree: ${told}`);
  } else if (stored[0] !== 0n && stored[0] !== count) {
    noteFlaw(report, 'sparse-count', at, `${which}: the shapes of the array, of its stored values and of its ${parts} are ${told}; the number stored is not that of the indices, as when an array is saved while it changes`);
  }
  return storage === 'csr' ? indexes[1]?.shape ?? [] : [indexes[0]?.shape[0] ?? 0n, ...stored.slice(1)];
}

/** Follows the index arrays, of which only int64 ones are understood. They lie within the source. */
export function checkSparse(source: Source, storage: 'row_sparse' | 'csr', shape: Shape, parts: readonly PlacedIndexes[], which: string, report: Report) {
  if (parts.some(part => part.dtype !== 'int64')) return;
  const tell = tellOnce(which, report);
  const [one, two] = parts;
  if (storage === 'row_sparse' && one) checkSorted(createReader(source, one, report), one.bytes / 8, Number(shape[0] ?? 0n), 'row', tell);
  if (storage === 'csr' && one && two) checkRows(createReader(source, one, report), createReader(source, two, report), one.bytes / 8, two.bytes / 8, Number(shape[1] ?? 0n), tell);
}

type Tell = (flaw: 'sparse-index' | 'sparse-order', at: number, message: string) => void;

/** One note of each sort for an array: the first. */
function tellOnce(which: string, report: Report): Tell {
  const told = new Set<string>();
  return (flaw, at, message) => {
    if (told.has(flaw)) return;
    told.add(flaw);
    noteFlaw(report, flaw, at, `${which}: ${message}`);
  };
}

interface Reader { readonly at: number; next(): number }

const chunkBytes = 65_536;

/** int64 values one by one, as doubles: those beyond 2^53 lose their last bits, and are out of any range anyway. */
function createReader(source: Source, { offset, bytes }: PlacedIndexes, report: Report): Reader {
  let [done, at] = [0, 0];
  let view = new DataView(new ArrayBuffer(0));
  return {
    get at() { return offset + done + at - view.byteLength - 8; },
    next() {
      if (at === view.byteLength) {
        const chunk = Uint8Array.from(source.read(offset + done, Math.min(chunkBytes, bytes - done)));
        if (chunk.length < 8) throw new RangeError('the file ends inside the indices, before its size');
        report.budget.spend(chunk.length / 100);
        done += chunk.length;
        view = new DataView(chunk.buffer, 0, chunk.length);
        at = 0;
      }
      at += 8;
      return view.getInt32(at - 4, true) * 2 ** 32 + view.getUint32(at - 8, true);
    },
  };
}

function checkSorted(reader: Reader, count: number, bound: number, what: string, tell: Tell) {
  let last = -1;
  for (let index = 0; index < count; index++) {
    const value = reader.next();
    if (value < 0 || value >= bound) tell('sparse-index', reader.at, `${what} index ${value} is outside of 0 to ${bound - 1}: its first use reads or writes outside of the array`);
    else if (value <= last) tell('sparse-order', reader.at, `${what} index ${value} stands after ${last}: no writer leaves them unsorted or twice`);
    last = value;
  }
}

/** Row by row: indptr says how many indices each has. Where it is broken the indices are still held against the columns. */
function checkRows(indptr: Reader, indices: Reader, bounds: number, stored: number, columns: number, tell: Tell) {
  let [start, left] = [bounds > 0 ? indptr.next() : 0, stored];
  if (start !== 0) tell('sparse-index', indptr.at, `indptr begins with ${start}, not 0`);
  for (let row = 1; row < bounds; row++) {
    const end = indptr.next();
    if (end < start || end > stored) tell('sparse-index', indptr.at, `indptr goes from ${start} to ${end}, with ${stored} values stored`);
    const count = Math.min(left, Math.max(0, end - start));
    checkSorted(indices, count, columns, 'column', tell);
    left -= count;
    start = end;
  }
  if (start !== stored) tell('sparse-index', indptr.at, `indptr ends with ${start}, and ${stored} values are stored`);
  checkSorted(indices, left, columns, 'column', tell);
}
