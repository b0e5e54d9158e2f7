import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import type { Need } from '../../agent/contract/collector.ts';
import type { HostPaths } from '../../agent/contract/component.ts';
import { tracefsAnswers } from './tracefs/answer.ts';

/** Whether this host has what a sensor needs, found by trying, and what would supply it. */
export interface Supply { readonly has: boolean; readonly detail: string }

/** Bits of CapEff, capabilities(7). */
const capabilities = { CAP_DAC_READ_SEARCH: 2, CAP_KILL: 5, CAP_NET_ADMIN: 12, CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_SYS_RESOURCE: 24, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

export function effectiveCapabilities(host: HostPaths): string[] {
  const set = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(text(`${host.proc}/self/status`) ?? '')?.[1] ?? '0'}`);
  return Object.entries(capabilities).filter(([, bit]) => (set >> BigInt(bit)) & 1n).map(([name]) => name);
}

export async function supplyOf(need: Need, host: HostPaths): Promise<Supply> {
  switch (need) {
    case 'root': return process.geteuid?.() === 0 ? yes('uid 0') : no(`uid ${process.geteuid?.()}; run as root`);
    case 'tracefs': return await tracefs(host);
    case 'uprobes': return await uprobes(host);
    case 'inotify': return inotify(host);
    case 'fanotify': return existsSync(`${host.proc}/sys/fs/fanotify`) ? yes('the kernel has it; not used by this version') : no('the kernel lacks CONFIG_FANOTIFY');
    case 'bpf-lsm': return /(^|,)bpf(,|$)/m.test(text(`${host.sys}/kernel/security/lsm`) ?? '') ? yes('the kernel lists it among its security modules; whether programs load is not tried, since this version uses none') : no('the kernel does not list bpf among its security modules');
    case 'bpf': return existsSync(`${host.sys}/kernel/btf/vmlinux`) ? yes('the kernel describes its types (BTF); not used by this version') : no('the kernel lacks BTF');
    default: return need satisfies never;
  }
}

const yes = (detail: string): Supply => ({ has: true, detail });
const no = (detail: string): Supply => ({ has: false, detail });

const asked = new Map<string, Promise<boolean>>();
/** Asked once a path: where nothing answers, each question costs a process that waits for ever. */
function answers(path: string): Promise<boolean> {
  const answer = asked.get(path) ?? tracefsAnswers(path);
  asked.set(path, answer);
  return answer;
}

/** A child makes a tracing instance and removes it again. */
async function tracefs({ tracefs }: HostPaths): Promise<Supply> {
  if (!existsSync(tracefs)) return no('the kernel has no tracefs');
  if (!await answers(tracefs)) return no(`${tracefs} does not answer: the kernel's tracing hangs, most likely since an Oops (see dmesg); only a reboot mends it`);
  if (!existsSync(`${tracefs}/instances`)) return process.geteuid?.() === 0 ? yes('not mounted; the agent mounts it at start') : no(`not mounted; as root: mount -t tracefs tracefs ${tracefs}`);
  try {
    accessSync(`${tracefs}/instances`, constants.W_OK);
    return yes(`an instance can be made below ${tracefs}`);
  } catch (error) { return no(`no instance can be made below ${tracefs} (${code(error)})`); }
}

async function uprobes({ tracefs }: HostPaths): Promise<Supply> {
  if (!await answers(tracefs)) return no(`${tracefs} does not answer`);
  try {
    accessSync(`${tracefs}/uprobe_events`, constants.W_OK);
    return yes(`${tracefs}/uprobe_events can be written`);
  } catch (error) {
    if (!existsSync(`${tracefs}/instances`) && process.geteuid?.() === 0) return yes('known once tracefs is mounted');
    return no(`${tracefs}/uprobe_events: ${code(error)}`);
  }
}

function inotify(host: HostPaths): Supply {
  const limit = (name: string) => text(`${host.proc}/sys/fs/inotify/${name}`)?.trim();
  const watches = limit('max_user_watches');
  if (watches === undefined) return no('the kernel lacks inotify');
  return yes(`max_user_watches ${watches}, max_user_instances ${limit('max_user_instances')}, max_queued_events ${limit('max_queued_events')}`);
}

function text(path: string): string | null {
  try { return readFileSync(path, 'utf8'); } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

const code = (error: unknown): string => error instanceof Error && 'code' in error ? String(error.code) : String(error);
