import { widthOf } from './dtype.ts';
import type { DType } from './dtype.ts';
import type { Kernel } from './kernel.ts';
import { blockBytes, rawBase, results } from './layout.ts';

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

/** Of the block of `bytes` bytes that stands at `rawBase`. Integers above 2^53 are rounded. */
export function summarise(kernel: Kernel, dtype: DType, bytes: number): Summary {
  return dtype === 'float32' && bytes % 16 === 0 ? ofFloats(kernel, bytes) : ofNumbers(widen(kernel, dtype, bytes / widthOf(dtype)));
}

/** Of finite float32 by the kernel; a block with others is counted one by one. */
function ofFloats(kernel: Kernel, bytes: number): Summary {
  kernel.summarise(rawBase, rawBase + bytes);
  const lane = (place: number): number[] => [0, 4, 8, 12].map(offset => kernel.view.getFloat32(place + offset, true));
  const pair = (place: number): number => kernel.view.getFloat64(place, true) + kernel.view.getFloat64(place + 8, true);
  if ([0, 4, 8, 12].some(offset => kernel.view.getUint32(results.notFinite + offset, true) !== 0)) return ofNumbers(widen(kernel, 'float32', bytes / 4));
  const count = bytes / 4;
  const mean = pair(results.sum) / count;
  return { count, least: Math.min(...lane(results.least)), most: Math.max(...lane(results.most)), mean, deviations: Math.max(0, pair(results.squares) - mean * mean * count), nan: 0, infinite: 0 };
}

function ofNumbers(values: Float64Array): Summary {
  let [count, least, most, sum, nan] = [0, Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (value - value !== 0) { if (Number.isNaN(value)) nan += 1; continue; }
    count += 1;
    sum += value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const mean = count === 0 ? 0 : sum / count;
  let deviations = 0;
  for (const value of values) if (value - value === 0) deviations += (value - mean) * (value - mean);
  return { count, least, most, mean, deviations, nan, infinite: values.length - count - nan };
}

let wide: Float64Array | undefined;

/** The values of a block as float64. Valid until the next call. */
function widen(kernel: Kernel, dtype: DType, count: number): Float64Array {
  wide ??= new Float64Array(blockBytes);
  const target = wide.subarray(0, count);
  const { buffer } = kernel.memory;
  switch (dtype) {
    case 'float32': target.set(new Float32Array(buffer, rawBase, count)); break;
    case 'float64': target.set(new Float64Array(buffer, rawBase, count)); break;
    case 'float16': target.set(new Float16Array(buffer, rawBase, count)); break;
    case 'int8': target.set(new Int8Array(buffer, rawBase, count)); break;
    case 'int16': target.set(new Int16Array(buffer, rawBase, count)); break;
    case 'uint16': target.set(new Uint16Array(buffer, rawBase, count)); break;
    case 'int32': target.set(new Int32Array(buffer, rawBase, count)); break;
    case 'uint32': target.set(new Uint32Array(buffer, rawBase, count)); break;
    case 'uint8': case 'bool': target.set(new Uint8Array(buffer, rawBase, count)); break;
    case 'int64': case 'uint64': fromHalves(new Uint32Array(buffer, rawBase, 2 * count), target, dtype === 'int64'); break;
    case 'bfloat16': fromUpper(new Uint16Array(buffer, rawBase, count), target); break;
    default: dtype satisfies never;
  }
  return target;
}

function fromHalves(halves: Uint32Array, target: Float64Array, signed: boolean) {
  for (let index = 0; index < target.length; index++) {
    const upper = halves[2 * index + 1] ?? 0;
    target[index] = (signed ? upper | 0 : upper) * 2 ** 32 + (halves[2 * index] ?? 0);
  }
}

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);

function fromUpper(values: Uint16Array, target: Float64Array) {
  for (let index = 0; index < target.length; index++) {
    bits[0] = (values[index] ?? 0) << 16;
    target[index] = asFloat[0] ?? 0;
  }
}
