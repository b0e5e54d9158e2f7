import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import type { Need } from '../../agent/contract/collector.ts';
import type { HostPaths } from '../../agent/contract/component.ts';
import { levelOf } from './bpf/level.ts';
import { tryPrograms } from './bpf/trial.ts';
import { reasonsOf } from './bpf/wire.ts';
import { startWatcher } from './fanotify/watcher-process.ts';
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
    case 'fanotify': return await fanotify(host);
    case 'kernel': return await kernel(host);
    case 'bpf': return await programs(host);
    case 'bpf-lsm': return await securityHooks(host);
    default: return need satisfies never;
  }
}

const yes = (detail: string): Supply => ({ has: true, detail });
const no = (detail: string): Supply => ({ has: false, detail });

/** What sees processes, calls and connections: programs in the kernel, or tracefs with uprobes. */
async function kernel(host: HostPaths): Promise<Supply> {
  const best = await programs(host);
  if (best.has) return best;
  const [events, probes] = [await tracefs(host), await uprobes(host)];
  const detail = `${events.detail}; ${probes.detail}`;
  return events.has && probes.has ? yes(`tracefs: ${detail}; no programs in the kernel: ${best.detail}`) : no(`no programs in the kernel: ${best.detail}; nor tracefs: ${detail}`);
}

async function programs(host: HostPaths): Promise<Supply> {
  const { sights, why } = await tryPrograms(host);
  if (why !== null) return no(why);
  const unseen = sights.filter(({ way }) => way === null).map(({ fact }) => fact);
  return yes(`${levelOf(sights)}: programs of ours ran and saw what they are for${unseen.length > 0 ? `, except ${unseen.join(', ')}` : ''}`);
}

async function securityHooks(host: HostPaths): Promise<Supply> {
  const { sights, why } = await tryPrograms(host);
  if (why !== null) return no(why);
  return levelOf(sights) === 'bpf-lsm' ? yes('programs of ours run on the hooks of the kernel\'s security modules') : no(`no program runs on the hooks of the kernel's security modules (${reasonsOf(sights.flatMap(({ refused }) => refused).filter(([name]) => name.startsWith('lsm_')))})`);
}

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

/** A watcher process is armed and ended again; asked once, as it takes a third of a second. */
function fanotify(host: HostPaths): Promise<Supply> {
  const answer = fanotifyAnswers.get(host.proc) ?? tryFanotify(host);
  fanotifyAnswers.set(host.proc, answer);
  return answer;
}
const fanotifyAnswers = new Map<string, Promise<Supply>>();

async function tryFanotify(host: HostPaths): Promise<Supply> {
  if (!existsSync(`${host.proc}/sys/fs/fanotify`)) return no('the kernel lacks CONFIG_FANOTIFY, or is older than 5.13');
  try {
    const watcher = await startWatcher(host, () => { /* Nothing is marked, so nothing is heard. */ });
    await watcher.stop();
    const limit = (name: string) => text(`${host.proc}/sys/fs/fanotify/${name}`)?.trim();
    return yes(`armed for a trial; max_queued_events ${limit('max_queued_events')}, max_user_marks ${limit('max_user_marks')}`);
  } catch (error) { return no(error instanceof Error ? error.message : String(error)); }
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
