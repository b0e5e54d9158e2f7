/*
 * Robust statistics of a figure that is measured again and again.
 *
 * The Hampel identifier calls a value an outlier when it is more than t scaled median absolute deviations from the
 * median (F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974; R. K. Pearson,
 * "Outliers in process modeling and identification", IEEE TCST 10, 2002). 1.4826 times the median absolute deviation
 * estimates the standard deviation of a normal distribution, and half of the values may be garbage before it breaks
 * down (P. J. Rousseeuw, C. Croux, "Alternatives to the median absolute deviation", JASA 88, 1993). Its known weakness
 * is a past of two levels (work and pause): when more than half of it lies on one of them the deviation is zero. So a
 * value must also exceed the past's 90th percentile by a quarter; whoever spoils a tenth of the past can raise that.
 */

/** What a past looks like: its median, its scaled median absolute deviation, and its 90th percentile. */
export interface Baseline { readonly median: number; readonly sigma: number; readonly high: number }

const normal = 1.4826;

/** Throws RangeError for an empty past. */
export function baselineOf(past: ArrayLike<number>): Baseline {
  if (past.length === 0) throw new RangeError('there is no past to judge by');
  const sorted = Float64Array.from(past).sort();
  const median = middle(sorted);
  const deviations = sorted.map(value => Math.abs(value - median)).sort();
  return { median, sigma: normal * middle(deviations), high: sorted[Math.ceil(sorted.length * 0.9) - 1] ?? median };
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}

/** How far a figure must be above its past to count. */
export interface Limits {
  /** In scaled median absolute deviations. */
  readonly deviations: number;
  /** Times the median. */
  readonly ratio: number;
  /** Above the median, in the figure's own unit: what is too little to matter, however quiet the past was. */
  readonly floor: number;
}

/** The value from which on it is an outlier. A past without any spread gets 5 % of its median as one. */
export function threshold(baseline: Baseline, { deviations, ratio, floor }: Limits): number {
  const sigma = Math.max(baseline.sigma, baseline.median * 0.05);
  return Math.max(baseline.median + deviations * sigma, baseline.median * ratio, baseline.median + floor, baseline.high * 1.25);
}

/** The last `size` values, oldest overwritten first. */
export function createRing(size: number) {
  const values = new Float64Array(size);
  let written = 0;
  return {
    get length() { return Math.min(written, size); },
    /** How many were ever pushed. */
    get written() { return written; },
    push(value: number) { values[written++ % size] = value; },
    values: (): Float64Array => values.subarray(0, Math.min(written, size)),
  };
}

/** `need` of the last `of` judgements were true, at most 30. */
export function createSustained(need: number, of: number) {
  let bits = 0;
  return {
    /** True when it is sustained now. */
    push(beyond: boolean): boolean {
      bits = ((bits << 1) | (beyond ? 1 : 0)) & ((1 << of) - 1);
      return count(bits) >= need;
    },
    reset() { bits = 0; },
  };
}

function count(bits: number): number {
  let sum = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) sum += 1;
  return sum;
}
