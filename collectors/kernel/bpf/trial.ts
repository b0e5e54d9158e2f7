import type { HostPaths } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { startSensor } from './sensor-process.ts';
import type { Sight } from './wire.ts';

interface Trial { readonly sights: readonly Sight[]; readonly why: string | null }
const tried = new Map<string, Promise<Trial>>();
const leastRing = 256 << 10;

/** Loads the programs, has them see something, and ends: once for each `host.proc`. `why`: when they do not work at all. */
export function tryPrograms(host: HostPaths): Promise<Trial> {
  const trial = tried.get(host.proc) ?? attempt(host);
  tried.set(host.proc, trial);
  return trial;
}

async function attempt({ proc, sys }: HostPaths): Promise<Trial> {
  try {
    const sensor = await startSensor({ proc, sys, mainBytes: leastRing, bulkBytes: leastRing, syscalls: false }, { told() { /* only a trial */ }, records() { /* as above */ } });
    await sensor.kill();
    return { sights: sensor.sights, why: null };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { sights: [], why: error.message };
  }
}
