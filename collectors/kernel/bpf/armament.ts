/* Which programs are used on this kernel: chosen by trying, loaded together, attached. */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { errnoName, type Handle, type Libbpf } from './library.ts';
import { type Fact, facts, isSyscall, type Loaded, loadPrograms, objectPath, refusals, type Sizes } from './programs.ts';
import { hooksRun } from './hooks-trial.ts';
import { reasonsOf, type Setup, type Sight } from './wire.ts';

export interface Armament extends Loaded {
  readonly sights: Sight[];
  /** Programs that fire now; those of calls are attached to each library. */
  readonly attached: ReadonlySet<string>;
  /** Attaches the programs at system calls, when any were asked for, or takes them off again. Returns which could not be attached, and why. */
  readonly syscalls: (on: boolean) => ReadonlyMap<string, string>;
}

const names = [...new Set(facts.flatMap(fact => fact.ways.flat()))];
/** What kernels refuse, the most frequent first: events that came late, then everything where they refuse trampolines. */
const suspects = [/^(?:module_loaded|capability_used|bytes_sent|bytes_received)$/, /^(?:lsm|fentry|fexit)_/, /./];

/** Programs for calls are attached later, to libraries; each says so by its section. */
const isLater = (section: string): boolean => section.startsWith('uprobe') || section.startsWith('uretprobe');

/** Throws UnavailableError when what the rest stands on cannot be had. */
export function arm(bpf: Libbpf, setup: Setup): Armament {
  const path = objectPath(process.arch);
  const sizes: Sizes = { main_ring: setup.mainBytes, bulk_ring: setup.bulkBytes };
  const cgroup = cgroupRoot(setup.proc);
  const refused = new Map<string, string>();
  for (const name of names.filter(isSyscall)) if (!setup.syscalls) refused.set(name, 'not asked for, since they slow every process on the machine');
  if (cgroup === null) for (const name of ['connecting4', 'connecting6', 'addressing4', 'addressing6']) refused.set(name, 'no cgroup v2 root is mounted');
  if (!hooksRun(bpf, path, setup)) for (const name of names.filter(each => each.startsWith('lsm_'))) refused.set(name, 'attached, but not run: bpf is not among the security modules of this kernel (lsm= at boot)');
  let loaded = loadPrograms(bpf, path, preferred(refused), sizes);
  // Few are tried at first: that is quick, and mostly enough.
  const tried = new Set<string>();
  for (const suspect of suspects) {
    if (!('errno' in loaded)) break;
    const stage = names.filter(name => suspect.test(name) && !refused.has(name) && !tried.has(name));
    for (const [name, why] of refusals(bpf, path, stage)) refused.set(name, `not loaded, ${why}`);
    for (const name of stage) tried.add(name);
    requireCore(refused);
    loaded = loadPrograms(bpf, path, preferred(refused), sizes);
  }
  if ('errno' in loaded) throw new UnavailableError(`the programs load one by one, but not together: ${errnoName(loaded.errno)}`);
  const attached = attachAll(bpf, loaded, preferred(refused), cgroup, refused);
  requireCore(refused);
  return { ...loaded, sights: facts.map(fact => sightOf(fact, refused)), attached, syscalls: syscallSwitch(bpf, loaded, preferred(refused)) };
}

const wayOf = ({ ways }: Fact, refused: ReadonlyMap<string, string>) => ways.find(way => way.every(name => !refused.has(name)));
const preferred = (refused: ReadonlyMap<string, string>): Set<string> => new Set(facts.flatMap(fact => wayOf(fact, refused) ?? []));

function sightOf(fact: Fact, refused: ReadonlyMap<string, string>): Sight {
  const reasons = [...new Set(fact.ways.flat())].flatMap(name => { const why = refused.get(name); return why === undefined ? [] : [[name, why] as const]; });
  return { fact: fact.fact, way: wayOf(fact, refused) ?? null, refused: reasons };
}

function requireCore(refused: ReadonlyMap<string, string>): void {
  const missing = facts.filter(fact => fact.isCore === true).map(fact => sightOf(fact, refused)).filter(sight => sight.way === null);
  if (missing.length > 0) throw new UnavailableError(missing.map(({ fact, refused: programs }) => `${fact} (${reasonsOf(programs)})`).join('; '));
}

/** What cannot be attached is added to `refused`. Links live as long as this process. */
function attachAll(bpf: Libbpf, { programs }: Loaded, names: ReadonlySet<string>, cgroup: string | null, refused: Map<string, string>): Set<string> {
  const attached = new Set<string>();
  const group = cgroup === null ? -1 : openSync(cgroup, 'r');
  try {
    for (const { name, section, handle } of programs.values()) {
      if (!names.has(name) || isLater(section) || isSyscall(name)) continue;
      const link: Handle = section.startsWith('cgroup/') ? bpf.attachCgroup(handle, group) : bpf.attach(handle);
      if (link === null) refused.set(name, `not attached, ${errnoName(bpf.errno())}`); else attached.add(name);
    }
  } finally { if (group >= 0) closeSync(group); }
  return attached;
}

function syscallSwitch(bpf: Libbpf, { programs }: Loaded, chosen: ReadonlySet<string>): Armament['syscalls'] {
  const mine = [...programs.values()].filter(({ name }) => isSyscall(name) && chosen.has(name));
  let links: Handle[] | null = null;
  return on => {
    const refused = new Map<string, string>();
    if (on === (links !== null)) return refused;
    for (const link of links ?? []) bpf.destroyLink(link);
    links = on ? [] : null;
    for (const { name, handle } of on ? mine : []) {
      const link = bpf.attach(handle);
      if (link === null) refused.set(name, errnoName(bpf.errno())); else links?.push(link);
    }
    return refused;
  };
}

/** Where the root of cgroup v2 is mounted; the root alone has no cgroup.events. What is mounted in a container is a branch, and would see only that. */
function cgroupRoot(proc: string): string | null {
  const mounts = readFileSync(`${proc}/self/mounts`, 'latin1').split('\n').map(line => line.split(' '));
  const paths = mounts.flatMap(([, path, type]) => (type === 'cgroup2' && path !== undefined ? [path] : []));
  return paths.find(path => existsSync(`${path}/cgroup.procs`) && !existsSync(`${path}/cgroup.events`)) ?? null;
}
