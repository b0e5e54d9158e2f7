/** The relocations that matter at load: a plain address of this file, the address of a symbol, the answer of a function. */
export interface Relocations { readonly relative: number; readonly absolute: number; readonly indirect: number }
/** `lastType`: of its relocations, where the loader refuses others. Not `known`: no Linux runs on it. */
export interface Machine { readonly name: string; readonly known: boolean; readonly relocations?: Relocations; readonly lastType?: number }

const named = (name: string): Machine => ({ name, known: true });
const withTypes = (name: string, relative: number, absolute: number, indirect: number, lastType?: number): Machine =>
  ({ name, known: true, relocations: { relative, absolute, indirect }, ...lastType === undefined ? {} : { lastType } });

/** e_machine, as the gABI and the processor supplements number them (elf.h of glibc has them all). */
const machines: Readonly<Record<number, Machine>> = {
  2: named('sparc'), 3: withTypes('i386', 8, 1, 42, 43), 4: named('m68k'), 8: named('mips'), 15: named('parisc'),
  18: named('sparc32plus'), 20: withTypes('powerpc', 22, 1, 248), 21: withTypes('powerpc64', 22, 38, 248), 22: named('s390'),
  40: withTypes('arm', 23, 2, 160), 42: named('sh'), 43: named('sparc64'), 50: named('ia64'), 62: withTypes('x86-64', 8, 1, 37, 42),
  92: named('openrisc'), 93: named('arc'), 164: named('hexagon'), 183: withTypes('aarch64', 1027, 257, 1032, 1032),
  189: named('microblaze'), 190: named('cuda'), 224: named('amdgpu'), 243: withTypes('riscv', 3, 2, 58), 247: named('bpf'),
  252: named('csky'), 258: withTypes('loongarch', 3, 2, 12),
};

export const bpf = 247;
export const mips = 8;

export const machineOf = (number: number): Machine => machines[number] ?? { name: `machine ${number}`, known: false };

const types = ['none', 'object', 'executable', 'shared', 'core'] as const;
export type FileType = (typeof types)[number] | 'other';
export const typeOf = (number: number): FileType => types[number] ?? 'other';

/** EI_OSABI. */
const systems: Readonly<Record<number, string>> = { 0: 'system-v', 1: 'hp-ux', 2: 'netbsd', 3: 'linux', 6: 'solaris', 7: 'aix', 9: 'freebsd', 12: 'openbsd', 97: 'arm', 255: 'standalone' };
export const systemOf = (number: number): string => systems[number] ?? `system ${number}`;
