import { widthOf } from './dtype.ts';
import type { DType } from './dtype.ts';
import type { Kernel } from './kernel.ts';
import { rawBase, results, wideBase } from './layout.ts';

/** What is known of some values. Numbers speak of the finite ones; `deviations` is the sum of squared deviations from the mean. */
export interface Summary {
  readonly count: number;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly deviations: number;
  readonly nan: number;
  readonly infinite: number;
}

export const emptySummary: Summary = { count: 0, least: Infinity, most: -Infinity, mean: 0, deviations: 0, nan: 0, infinite: 0 };

/** Joins two parts as Chan, Golub and LeVeque do: no large sums are subtracted from each other. */
export function join(one: Summary, two: Summary): Summary {
  const count = one.count + two.count;
  const apart = two.mean - one.mean;
  const share = count === 0 ? 0 : two.count / count;
  return {
    count,
    least: Math.min(one.least, two.least),
    most: Math.max(one.most, two.most),
    mean: one.count === 0 ? two.mean : one.mean + apart * share,
    deviations: one.count === 0 ? two.deviations : one.deviations + two.deviations + apart * apart * one.count * share,
    nan: one.nan + two.nan,
    infinite: one.infinite + two.infinite,
  };
}

/**
 * Of a block, which also stands at `rawBase`. Integers above 2^53 are rounded. The block is aligned to its values, and in
 * another buffer than the kernel's: converting within one buffer is ten times as slow.
 */
export function summarise(kernel: Kernel, dtype: DType, block: Uint8Array): Summary {
  const values = block.length / widthOf(dtype);
  return (values % 4 === 0 ? ofFloats(kernel, dtype, block, values) : null) ?? ofWide(kernel, dtype, block);
}

/** Types of fewer bits are float32 without loss. Null for those of more, and when some values are not finite. */
function ofFloats(kernel: Kernel, dtype: DType, block: Uint8Array, values: number): Summary | null {
  if (dtype === 'float32') return ofFiniteFloats(kernel, rawBase, values);
  if (widthOf(dtype) > 2) return null;
  widen(dtype, block, new Float32Array(kernel.memory.buffer, wideBase, values));
  return ofFiniteFloats(kernel, wideBase, values);
}

const pair = ({ view }: Kernel, place: number): [number, number] => [view.getFloat64(place, true), view.getFloat64(place + 8, true)];
const total = ([one, two]: readonly [number, number]): number => one + two;

/** Null when some are not finite. */
function ofFiniteFloats(kernel: Kernel, from: number, count: number): Summary | null {
  kernel.summarise(from, from + 4 * count);
  if ([0, 4, 8, 12].some(offset => kernel.view.getUint32(results.notFinite + offset, true) !== 0)) return null;
  const lanes = (place: number): number[] => [0, 4, 8, 12].map(offset => kernel.view.getFloat32(place + offset, true));
  const mean = total(pair(kernel, results.sum)) / count;
  const deviations = Math.max(0, total(pair(kernel, results.squares)) - mean * mean * count);
  return { count, least: Math.min(...lanes(results.least)), most: Math.max(...lanes(results.most)), mean, deviations, nan: 0, infinite: 0 };
}

/** Converted to float64 first. An odd number of values is filled up with a NaN, which is not counted. */
function ofWide(kernel: Kernel, dtype: DType, block: Uint8Array): Summary {
  const values = block.length / widthOf(dtype);
  const filled = values + values % 2;
  const wide = new Float64Array(kernel.memory.buffer, wideBase, filled);
  widen(dtype, block, wide.subarray(0, values));
  if (filled > values) wide[values] = Number.NaN;
  const end = wideBase + filled * 8;
  kernel.summariseWide(wideBase, end);
  const counted = (place: number): number => kernel.view.getUint32(place, true) + kernel.view.getUint32(place + 8, true);
  const [count, nan] = [counted(results.finite), counted(results.nan) - (filled - values)];
  const [least, most] = [Math.min(...pair(kernel, results.least)), Math.max(...pair(kernel, results.most))];
  const mean = count === 0 ? 0 : total(pair(kernel, results.sum)) / count;
  for (const place of [results.mean, results.mean + 8]) kernel.view.setFloat64(place, mean, true);
  kernel.deviate(wideBase, end);
  return { count, least, most, mean, deviations: total(pair(kernel, results.squares)), nan, infinite: values - count - nan };
}

function widen(dtype: DType, { buffer, byteOffset }: Uint8Array, target: Float64Array | Float32Array) {
  const count = target.length;
  switch (dtype) {
    case 'float32': target.set(new Float32Array(buffer, byteOffset, count)); break;
    case 'float64': target.set(new Float64Array(buffer, byteOffset, count)); break;
    case 'float16': target.set(new Float16Array(buffer, byteOffset, count)); break;
    case 'int8': target.set(new Int8Array(buffer, byteOffset, count)); break;
    case 'int16': target.set(new Int16Array(buffer, byteOffset, count)); break;
    case 'uint16': target.set(new Uint16Array(buffer, byteOffset, count)); break;
    case 'int32': target.set(new Int32Array(buffer, byteOffset, count)); break;
    case 'uint32': target.set(new Uint32Array(buffer, byteOffset, count)); break;
    case 'uint8': case 'bool': target.set(new Uint8Array(buffer, byteOffset, count)); break;
    case 'int64': case 'uint64': fromHalves(new Uint32Array(buffer, byteOffset, 2 * count), target, dtype === 'int64'); break;
    case 'bfloat16': fromUpper(new Uint16Array(buffer, byteOffset, count), target); break;
    default: dtype satisfies never;
  }
}

function fromHalves(halves: Uint32Array, target: Float64Array | Float32Array, signed: boolean) {
  for (let index = 0; index < target.length; index++) {
    const upper = halves[2 * index + 1] ?? 0;
    target[index] = (signed ? upper | 0 : upper) * 2 ** 32 + (halves[2 * index] ?? 0);
  }
}

function fromUpper(values: Uint16Array, target: Float64Array | Float32Array) {
  const bits = new Uint32Array(values.length);
  for (let index = 0; index < values.length; index++) bits[index] = (values[index] ?? 0) << 16;
  target.set(new Float32Array(bits.buffer));
}
