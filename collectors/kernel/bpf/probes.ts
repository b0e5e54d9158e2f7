import { constants } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { symbolOffsets } from '../elf.ts';
import { fileIdentity } from '../procfs/describe.ts';
import { fetchesOf, loadFunctions } from '../tracefs/functions.ts';
import { inodeKey, type Probes, type Site } from '../tracefs/probes.ts';
import type { Refusal } from './sensor-process.ts';
import type { LibraryFile, ProbePlace } from './wire.ts';

const mostLibraries = 64;
const answerWithinMs = 2_000;
const fuse = 0x6573_5546; // FUSE_SUPER_MAGIC

interface Library { readonly number: number; readonly key: string; readonly openPath: string; usedAt: number; places: readonly ProbePlace[]; trouble?: Error }
interface Ports {
  /** Rejects when the sensor ends first. */
  attach(path: string, places: readonly ProbePlace[], file: LibraryFile): Promise<readonly Refusal[]>;
  detach(probes: readonly number[]): Promise<unknown>;
  /** Whether a living process maps the inode of this key. */
  inUse(key: string): boolean;
}
export interface BpfProbes extends Probes {
  /** After a new sensor process has begun: all that was probed, anew. Returns what could not be, in words. */
  again(): Promise<readonly string[]>;
}

/** Uprobes as links of the kernel: a probe covers every process that maps the inode, and is gone with the sensor process. */
export function createProbes({ attach, detach, inUse }: Ports): BpfProbes {
  const sites = new Map<number, Site>();
  const libraries = new Map<string, Library>();
  let numbers = 0;
  let probes = 0;
  let queue: Promise<unknown> = Promise.resolve();

  async function add(openPath: string): Promise<{ functions: string[] } | null> {
    // The descriptor pins the inode: what is measured is what is probed, whatever the name leads to by then.
    await using file = await open(openPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const identity = fileIdentity(await file.stat({ bigint: true }));
    const key = inodeKey(identity);
    const known = libraries.get(key);
    if (known !== undefined) {
      known.usedAt = performance.now();
      if (known.trouble !== undefined) throw known.trouble;
      return null;
    }
    const own = `/proc/${process.pid}/fd/${file.fd}`;
    await refuseServed(own);
    const offsets = symbolOffsets(own, loadFunctions.map(each => each.name));
    if (offsets.size === 0) throw new RangeError('it has none of the functions that load');
    await makeRoom();
    const library: Library = { number: numbers++, key, openPath, usedAt: performance.now(), places: [] };
    libraries.set(key, library);
    const functions = loadFunctions.flatMap(fn => {
      const offset = offsets.get(fn.name);
      return offset === undefined ? [] : [{ fn, place: { probe: probes++, offset: String(offset), named: fn.shape.argument === 'path', paired: fetchesOf(fn, process.arch)?.left !== undefined } }];
    });
    library.places = functions.map(each => each.place);
    for (const { fn, place } of functions) sites.set(place.probe, { probe: place.probe, library: library.number, name: fn.name, shape: fn.shape, paired: place.paired, armedAt: Infinity });
    const refused = await attach(own, library.places, { device: identity.device, inode: identity.inode });
    const armedAt = Number(process.hrtime.bigint());
    for (const place of library.places) { const site = sites.get(place.probe); if (site !== undefined) sites.set(place.probe, { ...site, armedAt }); }
    if (refused.length > 0) {
      const words = refused.map(({ probe, why }) => `${sites.get(probe)?.name}: ${why}`);
      library.trouble = new AggregateError(words, `the kernel refused ${refused.length} of ${functions.length} probes: ${words.join('; ')}`);
      throw library.trouble;
    }
    return { functions: functions.map(({ fn }) => fn.name) };
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
    forget(idle);
    await detach(idle.places.map(place => place.probe));
  }

  function forget(library: Library): void {
    libraries.delete(library.key);
    for (const { probe } of library.places) sites.delete(probe);
  }

  /** One at a time: two members may map the same library. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = queue.then(work);
    queue = done.catch(() => { /* told to whoever asked for it */ });
    return done;
  }

  return {
    sites, blind: [],
    add: openPath => inTurn(() => add(openPath)),
    again: () => inTurn(async () => {
      const before = [...libraries.values()];
      for (const library of before) forget(library);
      const failed: string[] = [];
      for (const { openPath } of before) {
        try { await add(openPath); } catch (error) { failed.push(error instanceof Error ? error.message : String(error)); }
      }
      return failed;
    }),
  };
}
