/*
 * Which program sees which fact, and which of them this kernel takes. Nothing is inferred from what a kernel says of
 * itself: each program is loaded on its own, and later attached, and later still made to fire.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { type Architecture, architectures, digestOf, digestsFile, objects } from './objects.ts';
import { errnoName, type Handle, type Libbpf } from './library.ts';

/**
 * A fact and the programs that see it: the first way that works is used. Of one way all programs are needed. Without a core
 * fact there is no sensor.
 */
export interface Fact { readonly fact: string; readonly ways: readonly (readonly string[])[]; readonly isCore?: true }

export const facts: readonly Fact[] = [
  { fact: 'forks', ways: [['process_forked']], isCore: true },
  { fact: 'executed programs', ways: [['process_executed']], isCore: true },
  { fact: 'ends of processes', ways: [['process_exited']], isCore: true },
  { fact: 'calls into libmxnet', ways: [['call_entered', 'call_returned']], isCore: true },
  { fact: 'signals in calls', ways: [['signal_delivered']] },
  { fact: 'connections', ways: [['connecting4', 'connecting6'], ['socket_state']] },
  { fact: 'datagrams', ways: [['addressing4', 'addressing6']] },
  { fact: 'listeners', ways: [['socket_state']] },
  { fact: 'bytes sent and received', ways: [['bytes_sent', 'bytes_received'], ['fexit_sent4', 'fexit_sent6', 'fexit_received4', 'fexit_received6']] },
  { fact: 'io_uring', ways: [['io_uring_created']] },
  { fact: 'capabilities used', ways: [['capability_used'], ['fexit_capable']] },
  { fact: 'memory made executable', ways: [['lsm_mprotect', 'lsm_mmap'], ['fentry_mprotect', 'fentry_mmap'], ['sys_mprotect', 'sys_pkey_mprotect', 'sys_mmap']] },
  { fact: 'tracing', ways: [['lsm_ptrace', 'lsm_traceme'], ['fentry_ptrace', 'fentry_traceme'], ['sys_ptrace', 'sys_process_vm_readv', 'sys_process_vm_writev']] },
  { fact: 'mounts', ways: [['lsm_mount', 'lsm_move_mount'], ['fentry_mount', 'fentry_move_mount'], ['sys_mount', 'sys_move_mount']] },
  { fact: 'kernel modules', ways: [['lsm_module_file', 'lsm_module_data'], ['fentry_module_file', 'fentry_module_data'], ['module_loaded'], ['sys_init_module', 'sys_finit_module']] },
  { fact: 'bpf', ways: [['lsm_bpf'], ['fentry_bpf'], ['sys_bpf']] },
  { fact: 'perf events', ways: [['lsm_perf'], ['fentry_perf'], ['sys_perf_event_open']] },
  { fact: 'memory files', ways: [['fentry_memfd'], ['sys_memfd_create']] },
];
/** Attached only while somebody is watched, and only when the operator accepts what it costs everyone. */
export const isSyscall = (name: string): boolean => name.startsWith('sys_');

export interface Program { readonly name: string; readonly section: string; readonly handle: Handle }
export interface Loaded { readonly object: Handle; readonly programs: ReadonlyMap<string, Program>; map(name: string): number }
/** Of a map by its name; trials use the smallest. */
export type Sizes = Readonly<Record<string, number>>;

/** As small as the kernel takes them. */
export const leastSizes = { main_ring: 65_536, bulk_ring: 65_536, watched: 1, moved: 1, calling: 1, partners: 1 };

/** The object for this machine, when it is the one that was built. Throws UnavailableError for another architecture, Error for other bytes. */
export function objectPath(architecture: string): string {
  if (!(architecture in architectures)) throw new UnavailableError(`no programs for ${architecture}`);
  const { file } = architectures[architecture as Architecture];
  const path = join(objects, file);
  if (!readFileSync(digestsFile, 'latin1').includes(`${digestOf(readFileSync(path))}  ${file}\n`)) throw new Error(`${file} is not what its digest says`);
  return path;
}

/** Null and why, when the kernel refuses. */
export function loadPrograms(bpf: Libbpf, path: string, names: ReadonlySet<string>, sizes: Sizes): Loaded | { readonly errno: number } {
  const object = bpf.openFile(path, null);
  if (object === null) return { errno: bpf.errno() };
  const programs = programsOf(bpf, object);
  for (const { name, handle } of programs.values()) bpf.setAutoload(handle, names.has(name));
  for (const [name, count] of Object.entries(sizes)) bpf.setEntries(bpf.findMap(object, name), count);
  const result = bpf.load(object);
  if (result !== 0) { bpf.close(object); return { errno: -result }; }
  return { object, programs, map: name => bpf.mapDescriptor(bpf.findMap(object, name)) };
}

function programsOf(bpf: Libbpf, object: Handle): Map<string, Program> {
  const found = new Map<string, Program>();
  for (let handle = bpf.nextProgram(object, null); handle !== null; handle = bpf.nextProgram(object, handle)) {
    const name = bpf.programName(handle);
    found.set(name, { name, section: bpf.sectionName(handle), handle });
  }
  return found;
}

/** Why each of these programs does not load, as the kernel says; those that do are not in it. */
export function refusals(bpf: Libbpf, path: string, names: readonly string[]): Map<string, string> {
  const refused = new Map<string, string>();
  for (const name of names) {
    const trial = loadPrograms(bpf, path, new Set([name]), leastSizes);
    if ('errno' in trial) refused.set(name, errnoName(trial.errno)); else bpf.close(trial.object);
  }
  return refused;
}
