import { f32x4, f64x2, i32, i32x4, i64x2, i8x16, procedure, repeatWhile, v128, words } from './assembler.ts';
import type { Code, Local, Procedure, Statement } from './assembler.ts';
import { results } from './layout.ts';

type Vector = Code<'v128'>;
const zero = i32.const(0);
const accumulate = (local: Local<'v128'>, add: (left: Vector, right: Vector) => Vector, value: Vector): Statement => local.set(add(local.get, value));
const upperPair = (value: Vector): Vector => i8x16.shuffle(value, value, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);

/**
 * summarise(from, end): float32 values, a multiple of 16 bytes, at least one vector. Least, most, sum and sum of squares
 * (to be used only when no value is infinite or NaN), and the sum of the bytes at bits 16 to 23 and of their squares.
 */
export const summarise = (): Procedure => procedure('summarise', 2, ([at, end], local) => {
  if (!at || !end) throw new TypeError('two parameters');
  const [value, least, most, sumLow, sumHigh, squaresLow, squaresHigh, notFinite] = [local('v128'), local('v128'), local('v128'), local('v128'), local('v128'), local('v128'), local('v128'), local('v128')];
  const [top, topSquares, part] = [local('v128'), local('v128'), local('v128')];
  return [
    least.set(v128.load(at.get)), most.set(v128.load(at.get)),
    repeatWhile(i32.less(at.get, end.get),
      value.set(v128.load(at.get)),
      accumulate(least, (left, right) => f32x4.lesser(left, right), value.get),
      accumulate(most, (left, right) => f32x4.greater(left, right), value.get),
      accumulate(notFinite, v128.or, i32x4.greater(v128.and(value.get, words(0x7fffffff)), words(0x7f7fffff))),
      part.set(f64x2.promote(value.get)),
      accumulate(sumLow, f64x2.add, part.get),
      accumulate(squaresLow, f64x2.add, f64x2.multiply(part.get, part.get)),
      part.set(f64x2.promote(upperPair(value.get))),
      accumulate(sumHigh, f64x2.add, part.get),
      accumulate(squaresHigh, f64x2.add, f64x2.multiply(part.get, part.get)),
      part.set(v128.and(i32x4.shiftRight(value.get, 16), words(0xff))),
      accumulate(top, i32x4.add, part.get),
      accumulate(topSquares, i32x4.add, i32x4.dot(part.get, part.get)),
      at.set(i32.add(at.get, i32.const(16)))),
    v128.store(zero, least.get, results.least), v128.store(zero, most.get, results.most),
    v128.store(zero, f64x2.add(sumLow.get, sumHigh.get), results.sum),
    v128.store(zero, f64x2.add(squaresLow.get, squaresHigh.get), results.squares),
    v128.store(zero, notFinite.get, results.notFinite),
    v128.store(zero, top.get, results.top), v128.store(zero, topSquares.get, results.topSquares),
  ];
});

const infinity = (sign: 0 | 0x80): Vector => v128.const([0, 8].flatMap(() => [0, 0, 0, 0, 0, 0, 0xf0, 0x7f | sign]));
const finite = (value: Vector): Vector => f64x2.equal(f64x2.subtract(value, value), v128.const(Array.from({ length: 16 }, () => 0)));
const chosen = (mask: Vector, yes: Vector, no: Vector): Vector => v128.or(v128.and(yes, mask), v128.andNot(no, mask));

/** summariseWide(from, end): float64 values, an even number. Least, most and sum of the finite ones, and how many are finite and NaN. */
export const summariseWide = (): Procedure => procedure('summariseWide', 2, ([at, end], local) => {
  if (!at || !end) throw new TypeError('two parameters');
  const [value, mask, least, most, sum, count, nan] = [local('v128'), local('v128'), local('v128'), local('v128'), local('v128'), local('v128'), local('v128')];
  return [
    least.set(infinity(0)), most.set(infinity(0x80)),
    repeatWhile(i32.less(at.get, end.get),
      value.set(v128.load(at.get)),
      mask.set(finite(value.get)),
      accumulate(least, f64x2.lesser, chosen(mask.get, value.get, infinity(0))),
      accumulate(most, f64x2.greater, chosen(mask.get, value.get, infinity(0x80))),
      accumulate(sum, f64x2.add, v128.and(value.get, mask.get)),
      accumulate(count, i64x2.subtract, mask.get),
      accumulate(nan, i64x2.subtract, f64x2.notEqual(value.get, value.get)),
      at.set(i32.add(at.get, i32.const(16)))),
    v128.store(zero, least.get, results.least), v128.store(zero, most.get, results.most), v128.store(zero, sum.get, results.sum),
    v128.store(zero, count.get, results.finite), v128.store(zero, nan.get, results.nan),
  ];
});

/** deviate(from, end): the sum of the squared distances of the finite ones from the number that stands twice at `results.mean`. */
export const deviate = (): Procedure => procedure('deviate', 2, ([at, end], local) => {
  if (!at || !end) throw new TypeError('two parameters');
  const [value, mean, squares] = [local('v128'), local('v128'), local('v128')];
  return [
    mean.set(v128.load(zero, results.mean)),
    repeatWhile(i32.less(at.get, end.get),
      value.set(f64x2.subtract(v128.load(at.get), mean.get)),
      accumulate(squares, f64x2.add, v128.and(f64x2.multiply(value.get, value.get), finite(value.get))),
      at.set(i32.add(at.get, i32.const(16)))),
    v128.store(zero, squares.get, results.squares),
  ];
});
