import type { DType } from '../weights/dtype.ts';

/** What an array's type string says: numpy's array interface, `typestr`. */
export interface Descr {
  /** What MXNet 2.x would read it as; null for what it refuses. */
  readonly dtype: DType | null;
  readonly width: number;
  readonly foreignOrder: boolean;
  /** Python objects: the data is a pickle. */
  readonly object: boolean;
}

const dtypes: Readonly<Record<string, DType>> = {
  f2: 'float16', f4: 'float32', f8: 'float64', i1: 'int8', i2: 'int16', i4: 'int32', i8: 'int64', b1: 'bool',
  u1: 'uint8', u2: 'uint16', u4: 'uint32', u8: 'uint64',
};

/** Null for what is no type string. */
export function parseDescr(text: string): Descr | null {
  const [, order, kind, digits] = /^([<>|=]?)([biufcmMOSUV])(\d{0,9})(?:\[\w{1,10}\])?$/.exec(text) ?? [];
  if (kind === undefined || digits === undefined) return null;
  const dtype = dtypes[kind + digits] ?? null;
  const width = (digits === '' ? 8 : Number(digits)) * (kind === 'U' ? 4 : 1);
  return { dtype, width, foreignOrder: order === '>' && width > 1, object: kind === 'O' };
}
