/** The numeric types of MXNet: mshadow/base.h TypeFlag (0 to 7, 12), and those that only 2.x reads (8 to 11). */
export const dtypes = [
  'float32', 'float64', 'float16', 'uint8', 'int32', 'int8', 'int64', 'bool', 'int16', 'uint16', 'uint32', 'uint64', 'bfloat16',
] as const;
export type DType = (typeof dtypes)[number];

const widths: Record<DType, number> = {
  float32: 4, float64: 8, float16: 2, uint8: 1, int32: 4, int8: 1, int64: 8, bool: 1, int16: 2, uint16: 2, uint32: 4, uint64: 8, bfloat16: 2,
};

/** Bytes of one value. */
export const widthOf = (dtype: DType): number => widths[dtype];

/** Null when the number is in no table. */
export const dtypeOf = (code: number): DType | null => dtypes[code] ?? null;

export const isFloat = (dtype: DType): boolean => dtype.includes('float');
