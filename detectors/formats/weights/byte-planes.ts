/**
 * What the mantissa bytes of 16,384 float32 tell. In ordinary weights the lowest byte is as good as random, and the top
 * seven mantissa bits with the lowest exponent bit are not: a density that falls over each binade shows in them. Data
 * put into the low bytes turns either round. Both are statistics: a payload of random bytes in the lowest two bytes only
 * cannot be seen at all, and so none of this is ever more than a suspicion.
 */

export const windowValues = 16_384;

/** Sums over a window of the byte at bits 16 to 23, and of its squares. */
export interface ByteSums { readonly top: number; readonly topSquares: number }

/** 'uniform': bits 0 to 23 look like random data. 'structured': the lowest byte does not look random where it should. */
export type Oddity = 'uniform' | 'structured';

const meanOf256 = 127.5;
const meanSquare = 21_717.5;
/** Standard errors of the means of 16,384 uniform bytes, and of their squares. */
const meanError = Math.sqrt((256 ** 2 - 1) / 12 / windowValues);
const squareError = 152;

/** Cheap: whether a closer look at the values of a window is worth while. */
export const worthALook = (values: Uint32Array, sums: ByteSums): boolean => seemsUniform(sums) || seemsStructured(values);

const seemsUniform = ({ top, topSquares }: ByteSums): boolean =>
  Math.abs(top / windowValues - meanOf256) < 5 * meanError && Math.abs(topSquares / windowValues - meanSquare) < 5 * squareError;

const sample = new Uint32Array(128);

/** The odd low bytes of every sixteenth value: too few are none of our business, and random ones are evenly spread. */
function seemsStructured(values: Uint32Array): boolean {
  sample.fill(0);
  let odd = 0;
  for (let index = 0; index < values.length; index += 16) {
    const value = values[index] ?? 0;
    if ((value & 1) === 0) continue;
    count(sample, value >>> 1 & 0x7f);
    odd += 1;
  }
  return odd > 96 && chiSquare(sample) > 127 + 10 * Math.sqrt(2 * 127);
}

/** Of a whole window. */
export function oddityOf(values: Uint32Array, sums: ByteSums): Oddity | null {
  if (seemsUniform(sums) && isUniform(values)) return 'uniform';
  return isStructured(values) ? 'structured' : null;
}

/** Chi-square of 256 bins below its mean plus five standard deviations, in values whose exponents are those of weights. */
function isUniform(values: Uint32Array): boolean {
  const bins = new Uint32Array(256);
  const exponents = new Uint32Array(256);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    count(bins, value >>> 16 & 0xff);
    count(exponents, value >>> 23 & 0xff);
  }
  let usual = 0;
  for (let exponent = 64; exponent <= 142; exponent++) usual += exponents[exponent] ?? 0;
  return usual > values.length * 0.98 && chiSquare(bins) < 255 + 5 * Math.sqrt(2 * 255);
}

/**
 * Only odd low bytes are counted: numbers of limited precision (converted from half floats, fixed point, rounded to a
 * power of two) and zeros have none. Few distinct values (quantised, clipped, repeated) explain any histogram.
 */
function isStructured(values: Uint32Array): boolean {
  const bins = new Uint32Array(128);
  let odd = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if ((value & 1) === 0) continue;
    count(bins, value >>> 1 & 0x7f);
    odd += 1;
  }
  return odd >= 2_048 && chiSquare(bins) > 127 * 8 && areDistinct(values) && !isMonotone(values);
}

const marks = new Uint8Array(65_536);

/** Of the first 4,096 values with odd low bytes: neighbours, since a channel has its own few values. Marks coincide for 3 % of them by chance. */
function areDistinct(values: Uint32Array): boolean {
  marks.fill(0);
  let [odd, distinct] = [0, 0];
  for (let index = 0; index < values.length && odd < 4_096; index++) {
    const value = values[index] ?? 0;
    if ((value & 1) === 0) continue;
    odd += 1;
    const mark = Math.imul(value, 0x9e3779b1) >>> 16;
    if (marks[mark] === 0) distinct += 1;
    marks[mark] = 1;
  }
  return distinct > odd * 0.9;
}

/** Even steps make patterns of their own. The bits of floats of one sign are in the order of the floats, or in the reverse. */
function isMonotone(values: Uint32Array): boolean {
  let [rises, falls] = [0, 0];
  for (let index = 1; index < values.length; index++) {
    const [before, now] = [values[index - 1] ?? 0, values[index] ?? 0];
    if (now > before) rises += 1;
    if (now < before) falls += 1;
    if (rises > 16 && falls > 16) return false;
  }
  return true;
}

function chiSquare(bins: Uint32Array): number {
  let [total, squares] = [0, 0];
  for (const found of bins) { total += found; squares += found * found; }
  return squares * bins.length / total - total;
}

function count(bins: Uint32Array, bin: number) { bins[bin] = (bins[bin] ?? 0) + 1; }
