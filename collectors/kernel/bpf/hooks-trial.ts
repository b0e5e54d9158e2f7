import { decodeRecords } from './decode.ts';
import type { Libbpf } from './library.ts';
import { leastSizes, loadPrograms } from './programs.ts';
import { openRing } from './ring.ts';
import { makeExecutable } from './selftest.ts';
import { createWatching } from './watching.ts';
import type { Setup } from './wire.ts';

/**
 * False where programs on the hooks of security modules are loaded and attached, and never run: the kernel does that when
 * `bpf` is not among its security modules (CONFIG_LSM, `lsm=`). Where they cannot even be loaded, that is told elsewhere.
 */
export function hooksRun(bpf: Libbpf, path: string, { proc, sys }: Pick<Setup, 'proc' | 'sys'>): boolean {
  const trial = loadPrograms(bpf, path, new Set(['lsm_mprotect']), leastSizes);
  if ('errno' in trial) return true;
  const program = trial.programs.get('lsm_mprotect');
  const link = program === undefined ? null : bpf.attach(program.handle);
  try {
    if (link === null) return true;
    const maps = { watched: trial.map('watched'), moved: trial.map('moved'), libraries: trial.map('libraries'), lost: trial.map('lost'), types: 0 };
    createWatching(bpf, maps, { proc, sys, tracefs: '' }).adopt(process.pid);
    const ring = openRing(trial.map('bulk_ring'), leastSizes.bulk_ring);
    makeExecutable(bpf);
    const bytes = ring.take(Infinity);
    return bytes !== null && decodeRecords(bytes).records.some(({ type }) => type === 'protected');
  } finally {
    if (link !== null) bpf.destroyLink(link);
    bpf.close(trial.object);
  }
}
