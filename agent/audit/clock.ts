export interface Clock {
  /** Epoch milliseconds, but a step forward while we run ages nothing: what it jumps over did not pass. */
  now(): number;
  /** By how many milliseconds the clock of the host was set since the last call; 0 when it was not, or by less than a second. */
  jump(): number;
  /** True when so long has passed since it last was; the first time after that long. No step of the clock has a part in it. */
  every(ms: number): () => boolean;
}

const leastJumpMs = 1_000;

/** The wall clock held against the one that nobody sets. That one stands still while the machine sleeps, which so looks like a jump, and is as much of a gap. */
export function createClock(wall: () => number = Date.now, steady: () => number = () => performance.now()): Clock {
  const start = { wall: wall(), steady: steady() };
  let offset = start.wall - start.steady;
  return {
    now: () => Math.min(wall(), start.wall + steady() - start.steady),
    jump() {
      const found = wall() - steady();
      const by = Math.round(found - offset);
      offset = found;
      return Math.abs(by) >= leastJumpMs ? by : 0;
    },
    every(ms) {
      let last = steady();
      return () => {
        if (steady() - last < ms) return false;
        last = steady();
        return true;
      };
    },
  };
}
