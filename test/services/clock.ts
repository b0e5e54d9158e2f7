import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './run.ts';

export interface SteppedClock extends AsyncDisposable {
  /** For the processes whose clock it is; their children have it too. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on their wall clock is so far from the machine's, in milliseconds; the machine's own is left alone. */
  set(offMs: number): void;
}

const source = new URL('../fixtures/clock-step.c', import.meta.url).pathname;

/** A wall clock for chosen processes that can be stepped: a library laid over the C library's clocks. Needs `cc`. */
export async function steppedClock(): Promise<SteppedClock> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-clock-'));
  const [library, file] = [join(folder, 'clock-step.so'), join(folder, 'off')];
  const off = new BigInt64Array(1);
  const set = (offMs: number) => {
    off[0] = BigInt(Math.round(offMs));
    // In one write of eight bytes over the old ones: never seen half, never cut short below the mapping.
    writeFileSync(file, off, { flag: 'r+' });
  };
  try {
    await mustRun('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    writeFileSync(file, off);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    env: { LD_PRELOAD: library, CLOCK_STEP_FILE: file }, set,
    async [Symbol.asyncDispose]() { await rm(folder, { recursive: true, force: true }); },
  };
}
