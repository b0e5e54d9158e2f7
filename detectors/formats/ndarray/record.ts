import { createHash } from 'node:crypto';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { dtypeOf, widthOf } from '../weights/dtype.ts';
import type { DType } from '../weights/dtype.ts';
import { emptySummary } from '../weights/summary.ts';
import type { Summary } from '../weights/summary.ts';
import { readValues } from '../weights/values.ts';
import { createCursor } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { noteFlaw } from './flaws.ts';
import { checkLarge, checkProduct, readShape, sizeOf } from './shape.ts';
import type { Layout, Shape } from './shape.ts';
import { checkSparse, checkSparseShapes } from './sparse.ts';
import type { IndexPart, Storage } from './sparse.ts';

/*
 * One array record, as NDArray::Load and LegacyLoad of src/ndarray/ndarray.cc read it: four layouts, told by the first
 * u32, without a length. Fields are checked before anything of their size is read, reserved or computed with.
 */

const storages: readonly Storage[] = ['dense', 'row_sparse', 'csr'];

export interface ArrayRecord {
  readonly layout: Layout;
  readonly storage: Storage;
  /** Null for an array without content. */
  readonly dtype: DType | null;
  readonly shape: Shape;
  /** Of the values and index arrays, which are what `sha256` is made of. */
  readonly bytes: number;
  readonly sha256: string | null;
  readonly summary: Summary;
  /** Where the next record begins. */
  readonly end: number;
}

const magics: readonly (readonly [number, Layout])[] = [[0xf993faca, 'V3'], [0xf993fac9, 'V2'], [0xf993fac8, 'V1']];

/**
 * Reads the record at `offset`; `which` begins sentences about it. Throws RangeError where the next record cannot be
 * found, after a note if there is more to say than that. Does not tell `report.parsed`: the caller knows `end`.
 */
export function readRecord(source: Source, offset: number, report: Report, which: string): ArrayRecord {
  const cursor = createCursor(source, offset);
  const first = cursor.u32(which);
  const layout = magics.find(([magic]) => magic === first)?.[1] ?? 'oldest';
  // The oldest layout has no magic: what was read is its number of dimensions.
  if (layout === 'oldest') cursor.skip(-4);
  const storage = layout === 'V2' || layout === 'V3' ? readStorage(cursor, layout, which, report) : 'dense';
  const stored = storage === 'dense' ? null : readShape(cursor, layout, `The stored part of ${lower(which)}`, report);
  const shape = readShape(cursor, layout, which, report);
  if (isEmpty(layout, shape)) {
    noteFlaw(report, 'no-content', offset, `${which} has no content: Python refuses it, and parsers that expect a body lose their place`);
    return { layout, storage, dtype: null, shape, bytes: 0, sha256: null, summary: emptySummary, end: cursor.at };
  }
  if (layout !== 'V3' && shape.length === 0) noteFlaw(report, 'scalar', offset, `${which} is a scalar in layout ${layout}: loaders differ in whether a body follows`);
  checkDevice(cursor, which, report);
  const dtype = readDType(cursor, which, report);
  const indexes = readIndexes(cursor, storage, which, report);
  const follows = stored ? checkSparseShapes(storage, shape, stored, indexes, offset, which, report) : shape;
  return { layout, storage, dtype, shape, ...readContent(source, cursor, { dtype, shape, follows, storage, indexes }, which, report) };
}

const lower = (which: string): string => which.charAt(0).toLowerCase() + which.slice(1);
const isEmpty = (layout: Layout, shape: Shape): boolean => (layout === 'V2' && shape.length === 0) || (layout === 'V3' && shape.includes(-1n));

function readStorage(cursor: Cursor, layout: Layout, which: string, report: Report): Storage {
  const { at } = cursor;
  const code = cursor.i32(which);
  const storage = storages[code];
  if (storage === undefined) {
    noteFlaw(report, 'storage', at, `${which} has the storage type ${code}, which does not exist`);
    throw new RangeError(`storage type ${code}`);
  }
  if (layout === 'V3' && storage !== 'dense') {
    noteFlaw(report, 'v3-sparse', at, `${which} is sparse in the layout of numpy arrays, which are dense`);
    throw new RangeError('a sparse array in layout V3');
  }
  return storage;
}

/** include/mxnet/base.h Context: 1 cpu, 2 gpu, 3 pinned, 5 shared. */
function checkDevice(cursor: Cursor, which: string, report: Report) {
  const { at } = cursor;
  const [type, id] = [cursor.i32(which), cursor.i32(which)];
  if ([1, 2, 3, 5].includes(type) && id >= 0 && id < 1_024) return;
  noteFlaw(report, 'device', at, `${which} names device ${type} number ${id}, which does not exist`);
}

function readDType(cursor: Cursor, which: string, report: Report): DType {
  const { at } = cursor;
  const code = cursor.i32(which);
  const dtype = dtypeOf(code);
  if (dtype === null) {
    noteFlaw(report, 'dtype', at, `${which} has the type number ${code}, which does not exist`);
    throw new RangeError(`type number ${code}`);
  }
  if (code >= 8 && code <= 11) noteFlaw(report, 'dtype-2x', at, `${which} is of type ${dtype}: MXNet 1.x refuses the file, 2.x reads it`);
  return dtype;
}

function readIndexes(cursor: Cursor, storage: Storage, which: string, report: Report): readonly IndexPart[] {
  const names = storage === 'dense' ? [] : storage === 'csr' ? ['indptr', 'indices'] : ['indices'];
  return names.map(name => {
    const { at } = cursor;
    const code = cursor.i32(which);
    const dtype = dtypeOf(code);
    if (dtype === null) {
      noteFlaw(report, 'dtype', at, `${which}: its ${name} have the type number ${code}, which does not exist`);
      throw new RangeError(`type number ${code} of ${name}`);
    }
    if (dtype !== 'int64') noteFlaw(report, 'index-dtype', at, `${which}: its ${name} are of type ${dtype}, not int64; their values were not checked`);
    return { name, dtype, shape: readShape(cursor, 'V2', `${which}: its ${name}`, report) };
  });
}

/** `follows` is the shape of the values in the file, which for a sparse array are fewer. */
interface Content { readonly dtype: DType; readonly shape: Shape; readonly follows: Shape; readonly storage: Storage; readonly indexes: readonly IndexPart[] }

/** The values, then the index arrays, each checked for its room before it is read. */
function readContent(source: Source, cursor: Cursor, { dtype, shape, follows, storage, indexes }: Content, which: string, report: Report): Pick<ArrayRecord, 'bytes' | 'sha256' | 'summary' | 'end'> {
  const start = cursor.at;
  checkProduct(shape, widthOf(dtype), start, which, report);
  checkLarge(shape, storage !== 'dense', start, which, report);
  const place = (part: Shape, type: DType) => {
    const bytes = sizeOf(part, widthOf(type), cursor.left, cursor.at, which, report);
    const offset = cursor.at;
    cursor.skip(bytes);
    return { offset, bytes, dtype: type };
  };
  const values = place(follows, dtype);
  const parts = indexes.map(index => ({ ...index, ...place(index.shape, index.dtype) }));
  const hash = createHash('sha256');
  const summary = readValues(source, { ...values, label: which }, hash, report);
  for (const part of parts) readValues(source, { ...part, label: `${which}: its ${part.name}` }, hash, report);
  if (storage !== 'dense') checkSparse(source, storage, shape, parts, which, report);
  return { bytes: cursor.at - start, sha256: hash.digest('hex'), summary, end: cursor.at };
}
