import { constants } from 'node:fs';
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
  readonly run: Run;
  readonly architecture: string;
  /** Resolves when the reader knows these events. */
  learn(layouts: readonly Layout[]): Promise<void>;
  /** Whether a living process maps the inode of this key. */
  inUse(key: string): boolean;
}
export const inodeKey = ({ device, inode }: FileIdentity): string => `${device} ${inode}`;

interface Target { readonly id: number; readonly fn: LoadFunction; readonly fetches: Partial<Record<ProbeKind, string>>; readonly offset: bigint }

/** In the order in which they are to be switched on: of two probes at one place the one that was switched on last fires first. */
function eventsOf(targets: readonly Target[], prefix: string): { name: string; kind: ProbeKind; fetches: string; members: Target[] }[] {
  return (['entered', 'named', 'left'] as const).flatMap(kind => {
    const alike = Map.groupBy(targets.filter(target => target.fetches[kind] !== undefined), target => target.fetches[kind] ?? '');
    return [...alike].map(([fetches, members], index) => ({ name: `${prefix}_${kind}${index}`, kind, fetches, members }));
  });
}

const fields: Readonly<Record<ProbeKind, readonly string[]>> = { named: ['__probe_ip', 'sp', 'name'], entered: ['__probe_ip', 'sp'], left: ['sp', 'ret'] };
const optional: Readonly<Record<ProbeKind, readonly string[]>> = {
  named: ['probe'], entered: ['probe', 'ptr', 'head0', 'head1', 'head2', 'head3', 'second', 'third'], left: ['probe'],
};

/** Uprobes in a group of ours, on in the api instance only, for as long as the agent lives: a probe covers every process that maps the inode. */
export function createProbes({ tracefs, run, architecture, learn, inUse }: Ports): Probes {
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
    try { await arm(library, own, targets, `L${library.number}`); } catch {
      // Kernels before 5.4 know no event with several probes, and one instruction that cannot be probed refuses all of them.
      await disarm(library);
      const refused: string[] = [];
      for (const target of targets) {
        try { await arm(library, own, [target], `L${library.number}_${target.id}`); } catch (error) {
          refused.push(`${target.fn.name}: ${String(error)}`);
        }
      }
      const count = `${refused.length} of ${targets.length}`;
      if (refused.length > 0) library.trouble = new AggregateError(refused, `the kernel refused ${count} probes: ${refused.join('; ')}`);
      if (refused.length > 0) throw library.trouble;
    }
    return targets.map(target => target.fn.name);
  }

  /**
   * One event for all functions that fetch alike, told apart by a constant: removing a probe waits for all CPUs, but once
   * for each event (measured: 45 events 1.5 s, 7 events 0.3 s).
   */
  async function arm(library: Library, own: string, targets: readonly Target[], prefix: string): Promise<void> {
    const events = eventsOf(targets, prefix);
    for (const { name, kind, fetches, members } of events) {
      for (const { id, offset } of members) {
        const constant = members.length > 1 ? ` probe=\\${id}:u32` : '';
        const line = `${kind === 'left' ? 'r' : 'p'}:${run.group}/${name} ${own}:0x${offset.toString(16)} ${fetches}${constant}`;
        await append(`${tracefs}/uprobe_events`, line);
      }
    }
    const folder = `${run.folder('api')}/events/${run.group}`;
    await learn(await Promise.all(events.map(async ({ name, kind, members }) => {
      const format = parseFormat(await readFile(`${folder}/${name}/format`, 'latin1'), fields[kind]);
      return layoutOf({ kind, fields: fields[kind], optional: optional[kind] }, format, members[0]?.id ?? 0);
    })));
    const site = ({ id, fn, fetches }: Target, armedAt: number): Site =>
      ({ probe: id, library: library.number, name: fn.name, shape: fn.shape, paired: fetches.left !== undefined, armedAt });
    for (const target of targets) sites.set(target.id, site(target, Infinity));
    for (const { name } of events) await put(`${folder}/${name}/enable`, '1');
    const now = Number(process.hrtime.bigint());
    for (const target of targets) sites.set(target.id, site(target, now));
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
    /** One at a time: two members may map the same library. */
    add(openPath) {
      const added = queue.then(() => add(openPath));
      queue = added.catch(() => { /* told to whoever asked for it */ });
      return added;
    },
  };
}
