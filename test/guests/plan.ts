import type { Level } from '../../collectors/kernel/bpf/level.ts';
import { guestKernels } from '../services/guest-kernels.ts';

/** One boot and the test files that run in it. */
export interface PlannedBoot {
  readonly kernel: string;
  /** What programs in the kernel can be there. */
  readonly level: Exclude<Level, 'tracefs'>;
  readonly lsm: readonly string[];
  /** `MXWARDEN_TEST_LEVEL`: of the tests that are for several levels, those of one alone. */
  readonly only: 'bpf' | 'tracefs' | null;
  readonly files: readonly string[];
}

/**
 * Tests of these files that do not run in a guest. Some need real MXNet, or a machine that makes its flood before a stopped
 * process is taken for dead; of those that say the same on every kernel once the others pass, the machine itself is enough.
 */
export const leftOut: readonly string[] = [
  'real MXNet', 'more changes than the queue of the kernel holds', 'a flood of opens', 'without tracefs', 'a file:// name', 'a name with newlines',
  'names of 4,000 to 8,000 characters', 'contents are told by their size', 'SIGABRT', 'with no signal', 'a second name for the same library',
  'a call inside a call', 'a thread that leaves inside a load', 'killed from outside in a load', 'is told by its own name', 'the order to watch a process',
  'what another tree does', 'where /proc does not show', 'a folder that is', 'cannot be marked',
];

const inside = (name: string): string => `test/guests/inside/${name}.test.ts`;
const collectors = (...names: readonly string[]): string[] => names.map(name => `test/collectors/${name}.test.ts`);

/**
 * Each kernel is booted twice. With `bpf` among its security modules everything runs at bpf-lsm; without it the hooks are
 * seen at the functions that lead there, and the other collectors run at tracefs.
 */
export const planned: readonly PlannedBoot[] = guestKernels.flatMap(({ name: kernel }) => [
  {
    kernel, level: 'bpf-lsm', lsm: ['landlock', 'yama', 'bpf'], only: 'bpf',
    files: [inside('level'), inside('hooks'), inside('agent'), ...collectors('exec', 'mxnet', 'network', 'system', 'kernel/bpf/session')],
  },
  {
    kernel, level: 'bpf-base', lsm: ['landlock', 'yama'], only: 'tracefs',
    files: [inside('level'), inside('hooks'), ...collectors('exec', 'mxnet', 'network', 'kernel/tracefs/session', 'kernel/fanotify/session')],
  },
]);
