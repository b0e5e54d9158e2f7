/** The interval at which something repeats, in ms, and how much it strays. */
export interface Rhythm { readonly everyMs: number; readonly jitter: number }

/** Scales the median absolute deviation to the standard deviation of a normal distribution (Hampel 1974). */
const scale = 1.4826;
/** One interval may be anything (a missed beat); the others lie so near the median. */
const tolerance = 0.25;

/**
 * Whether times, oldest first, in ms, are a beat: the scaled median absolute deviation of the intervals is at most
 * `mostJitter` of their median, and all but one lie within a quarter of it. Median and MAD do not mind one beat that was
 * missed or doubled. Null for fewer than four intervals, for none, and where time stood still or went back.
 */
export function rhythmOf(times: readonly number[], mostJitter: number): Rhythm | null {
  const intervals = times.slice(1).map((at, index) => at - (times[index] ?? at));
  if (intervals.length < 4) return null;
  const everyMs = median(intervals);
  if (!(everyMs > 0)) return null;
  const jitter = scale * median(intervals.map(each => Math.abs(each - everyMs))) / everyMs;
  const astray = intervals.filter(each => Math.abs(each - everyMs) > tolerance * everyMs).length;
  return jitter <= mostJitter && astray <= 1 ? { everyMs, jitter } : null;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] ?? 0 : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
