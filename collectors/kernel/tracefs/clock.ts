import { readFileSync } from 'node:fs';

export interface Clock {
  /** Epoch milliseconds, with microseconds as fraction, of a CLOCK_MONOTONIC time in nanoseconds. */
  epoch(at: number): number;
  /** About when a process that was cloned at this time started, in ticks since boot; off by one at a tick's edge. */
  startTicks(at: number): number;
}

const anewMs = 1_000;
const ticksPerSecond = 100; // USER_HZ, the same on every Linux architecture we run on

/**
 * The kernel stamps with CLOCK_MONOTONIC, which no one sets but which stands still while the machine sleeps. The distance to
 * wall time is measured again each second and after every leap, so that a suspend or a step of NTP does not lie for long.
 */
export function createClock(proc: string): Clock {
  let distance = measure();
  let measuredAt = performance.now();
  return {
    epoch(at) {
      const now = performance.now();
      if (now - measuredAt > anewMs || now < measuredAt) { distance = measure(); measuredAt = now; }
      return at / 1e6 + distance;
    },
    startTicks: at => Math.floor((at / 1e9 + asleepSeconds(proc)) * ticksPerSecond),
  };
}

/** Milliseconds between the epoch and the monotonic clock's zero: the closest of five readings. */
function measure(): number {
  let best = { width: Infinity, distance: 0 };
  for (let round = 0; round < 5; round++) {
    const before = process.hrtime.bigint();
    const wall = Temporal.Now.instant().epochNanoseconds;
    const after = process.hrtime.bigint();
    const width = Number(after - before);
    if (width < best.width) best = { width, distance: Number(wall - (before + after) / 2n) / 1e6 };
  }
  return best.distance;
}

/** CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC by the time the machine slept; /proc/uptime tells it in hundredths. */
function asleepSeconds(proc: string): number {
  const seconds = Number(readFileSync(`${proc}/uptime`, 'latin1').split(' ')[0]) - Number(process.hrtime.bigint()) / 1e9;
  return seconds < 0.05 ? 0 : seconds;
}
