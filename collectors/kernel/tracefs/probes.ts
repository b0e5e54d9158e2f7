import { constants, readFileSync } from 'node:fs';
import { open, readFile, statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileIdentity } from '../../../agent/contract/file.ts';
import { symbolOffsets } from '../elf.ts';
import { fileIdentity } from '../procfs/describe.ts';
import type { ProbeSite } from './calls.ts';
import { parseFormat } from './format.ts';
import { fetchesOf, type LoadFunction, loadFunctions, type ProbeKind } from './functions.ts';
import { append, layoutOf, put, type Run } from './instance.ts';
import type { Layout } from './wire.ts';

const mostLibraries = 64;
const answerWithinMs = 2_000;
const fuse = 0x6573_5546; // FUSE_SUPER_MAGIC

export interface Site extends ProbeSite {
  readonly shape: LoadFunction['shape'];
  /** Nanoseconds of the kernel's clock from which on both entry and return are seen; Infinity while not yet. */
  readonly armedAt: number;
}
export interface Probes {
  readonly sites: ReadonlyMap<number, Site>;
  /** What they do not see on this host, in words. */
  readonly blind: readonly string[];
  /**
   * Probes the load functions of the library behind this path, whatever inode that is now. Null when that inode is
   * probed already. Throws RangeError for a file that is no such library or exports none of them, and, each time, what the
   * kernel said when it refused some of the probes.
   */
  add(openPath: string): Promise<{ readonly functions: readonly string[] } | null>;
}
interface Library { readonly number: number; readonly key: string; usedAt: number; trouble?: Error }
interface Ports {
  readonly tracefs: string;
  readonly proc: string;
  readonly run: Run;
  readonly architecture: string;
  /** Resolves when the reader knows these events. */
  learn(layouts: readonly Layout[]): Promise<void>;
  /** Whether a living process maps the inode of this key. */
  inUse(key: string): boolean;
}
export const inodeKey = ({ device, inode }: FileIdentity): string => `${device} ${inode}`;

interface Target { readonly id: number; readonly fn: LoadFunction; readonly fetches: Partial<Record<ProbeKind, string>>; readonly offset: bigint }

/** Of two probes at one place the one that was switched on last fires first; a return is worth nothing without its entry. */
const switchOrder: readonly ProbeKind[] = ['entered', 'named', 'left'];

const fields: Readonly<Record<ProbeKind, readonly string[]>> = { named: ['__probe_ip', 'sp', 'name'], entered: ['__probe_ip', 'sp'], left: ['sp', 'ret'] };
const optional: Readonly<Record<ProbeKind, readonly string[]>> = {
  named: [], entered: ['ptr', 'head0', 'head1', 'head2', 'head3', 'second', 'third'], left: [],
};

/** Uprobes in a group of ours, on in the api instance only, for as long as the agent lives: a probe covers every process that maps the inode. */
export function createProbes({ tracefs, proc, run, architecture, learn, inUse }: Ports): Probes {
  // A name longer than a page makes trace_uprobe.c warn (prepare_uprobe_buffer, seen on 6.12 and 6.18): where a warning is
  // a panic, anyone who may call the library could stop the machine through our probe.
  const panicsOnWarning = readFileSync(`${proc}/sys/kernel/panic_on_warn`, 'latin1').trim() !== '0';
  const sites = new Map<number, Site>();
  const libraries = new Map<string, Library>();
  let numbers = 0;
  let probes = 0;
  let queue: Promise<unknown> = Promise.resolve();

  async function add(openPath: string): Promise<{ functions: string[] } | null> {
    // The descriptor pins the inode: what is measured is what is probed, and no character of the path reaches the probe's line.
    await using file = await open(openPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const key = inodeKey(fileIdentity(await file.stat({ bigint: true })));
    const known = libraries.get(key);
    if (known !== undefined) {
      known.usedAt = performance.now();
      if (known.trouble !== undefined) throw known.trouble;
      return null;
    }
    const own = `/proc/self/fd/${file.fd}`;
    await refuseServed(own);
    const offsets = symbolOffsets(own, loadFunctions.map(each => each.name));
    if (offsets.size === 0) throw new RangeError('it has none of the functions that load');
    await makeRoom();
    return { functions: await probe(key, own, offsets) };
  }

  async function probe(key: string, own: string, offsets: ReadonlyMap<string, bigint>): Promise<string[]> {
    const library: Library = { number: numbers++, key, usedAt: performance.now() };
    libraries.set(key, library);
    const targets = loadFunctions.flatMap(fn => {
      const [offset, fetches] = [offsets.get(fn.name), fetchesOf(fn, architecture)];
      if (fetches === undefined) throw new RangeError(`no register names for ${architecture}`);
      return offset === undefined ? [] : [{ id: probes++, fn, fetches, offset }];
    });
    const refused: string[] = [];
    for (const target of targets) {
      // Not every function can carry a probe, e.g. one that begins with an instruction the kernel cannot step.
      try { await arm(library, own, target); } catch (error) { refused.push(`${target.fn.name}: ${String(error)}`); }
    }
    if (refused.length === 0) return targets.map(target => target.fn.name);
    library.trouble = new AggregateError(refused, `the kernel refused ${refused.length} of ${targets.length} probes: ${refused.join('; ')}`);
    throw library.trouble;
  }

  /**
   * One event for each probe. Several probes in one event (Linux 5.4) would be removed faster, but removing such an event
   * while anything has it switched on frees its probes without unregistering them: list corruption and a kernel BUG, seen
   * on 6.18 (trace_uprobe.c, unregister_trace_uprobe). An event with one probe is refused with EBUSY instead.
   */
  async function arm(library: Library, own: string, { id, fn, fetches, offset }: Target): Promise<void> {
    const kinds = switchOrder.filter(kind => fetches[kind] !== undefined && (kind !== 'named' || !panicsOnWarning));
    const nameOf = (kind: ProbeKind): string => `L${library.number}_${fn.name}_${kind}`;
    for (const kind of kinds) {
      const line = `${kind === 'left' ? 'r' : 'p'}:${run.group}/${nameOf(kind)} ${own}:0x${offset.toString(16)} ${fetches[kind]}`;
      await append(`${tracefs}/uprobe_events`, line);
    }
    const folder = (kind: ProbeKind): string => `${run.folder('api')}/events/${run.group}/${nameOf(kind)}`;
    await learn(await Promise.all(kinds.map(async kind => {
      const format = parseFormat(await readFile(`${folder(kind)}/format`, 'latin1'), fields[kind]);
      return layoutOf({ kind, fields: fields[kind], optional: optional[kind] }, format, id);
    })));
    const site: Site = { probe: id, library: library.number, name: fn.name, shape: fn.shape, paired: fetches.left !== undefined, armedAt: Infinity };
    sites.set(id, site);
    for (const kind of kinds) await put(`${folder(kind)}/enable`, '1');
    sites.set(id, { ...site, armedAt: Number(process.hrtime.bigint()) });
  }

  async function disarm(library: Library): Promise<void> {
    const lines = (await readFile(`${tracefs}/uprobe_events`, 'latin1')).split('\n');
    const ours = new RegExp(`^[pr]\\d*:(${run.group}/L${library.number}_\\w+) `);
    for (const event of new Set(lines.flatMap(line => ours.exec(line)?.[1] ?? []))) {
      await put(`${run.folder('api')}/events/${event}/enable`, '0');
      await append(`${tracefs}/uprobe_events`, `-:${event}`);
    }
    for (const [id, site] of sites) if (site.library === library.number) sites.delete(id);
  }

  /** Reading must not wait for a process that serves the file: it may be the very one we watch. */
  async function refuseServed(path: string): Promise<void> {
    const answer = await Promise.race([statfs(path), sleep(answerWithinMs, null, { ref: false })]);
    if (answer === null || answer.type === fuse) throw new RangeError('it is on a file system that a process serves, or that does not answer');
  }

  async function makeRoom(): Promise<void> {
    if (libraries.size < mostLibraries) return;
    const idle = [...libraries.values()].filter(each => !inUse(each.key)).sort((one, other) => one.usedAt - other.usedAt)[0];
    if (idle === undefined) throw new RangeError(`more than ${mostLibraries} different libraries in use`);
    libraries.delete(idle.key);
    await disarm(idle);
  }

  return {
    sites,
    blind: panicsOnWarning ? ['some file names: this kernel panics on warnings (kernel.panic_on_warn), so names are read from the memory of the caller'] : [],
    /** One at a time: two members may map the same library. */
    add(openPath) {
      const added = queue.then(() => add(openPath));
      queue = added.catch(() => { /* told to whoever asked for it */ });
      return added;
    },
  };
}
