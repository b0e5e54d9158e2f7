/** How one process sees the file system, and how the agent reaches what it sees. Paths are byte text (latin1). */
import { type BigIntStats, statfsSync, statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Place } from '../../../agent/contract/file.ts';
import { mountsOf, samePlaces } from './mounts.ts';
import { parseStat, parseStatus, showBytes } from './parse.ts';
import { asPath, isDenied, isGone, readFew, readLink } from './read.ts';

export interface View {
  readonly host: HostPaths;
  readonly pid: number;
  /** Its folder below /proc, or that of one of its threads. */
  readonly folder: string;
  /** What the agent puts before a path of the process: nothing when they share root and mounts. */
  readonly prefix: string;
  /** Where its root is, as the kernel tells the agent; `/` also when it is the root of another mount namespace. */
  readonly root: string;
  readonly sameMounts: boolean;
}

/** Null when the process is gone, or the agent may not look. */
export function viewOf(host: HostPaths, pid: number, folder = `${host.proc}/${pid}`): View | null {
  const root = readLink(`${folder}/root`);
  if (root === null) return null;
  const sameMounts = readLink(`${folder}/ns/mnt`) === readLink(`${host.proc}/self/ns/mnt`);
  const shared = sameMounts && sameFile(`${folder}/root`, '/');
  return { host, pid, folder, prefix: shared ? '' : `${folder}/root`, root, sameMounts };
}

/** Null when it does not exist or the agent may not look. Follows links, and waits for nobody. */
export function statOf(path: string): BigIntStats | null {
  try { return statSync(asPath(path), { bigint: true }); } catch (error) {
    if (isGone(error) || isDenied(error)) return null;
    throw error;
  }
}

export const same = (one: BigIntStats | null, other: BigIntStats | null): boolean =>
  one !== null && other !== null && one.dev === other.dev && one.ino === other.ino;
export const sameFile = (one: string, other: string): boolean => same(statOf(one), statOf(other));

/** Names for people of the file that the process has at `inside`; the host's name is checked to be that very file. */
export function placeOf(view: View, inside: string): Place {
  const path = hostPath(view, inside);
  return path === inside ? { path: showBytes(path) } : { path: showBytes(path), inside: showBytes(inside) };
}

/** Where the host has it; below /proc/PID/root when no mount of ours shows it. */
export function hostPath(view: View, inside: string): string {
  if (view.prefix === '') return inside;
  if (view.sameMounts) return `${view.root === '/' ? '' : view.root}${inside}`;
  const open = `${view.prefix}${inside}`;
  const file = statOf(open);
  const theirs = file === null ? null : mountsOf(view.host, view.pid);
  const ours = theirs === null ? null : mountsOf(view.host, 'self');
  if (theirs === null || ours === null) return open;
  return samePlaces(inside, theirs, ours).find(path => same(statOf(path), file)) ?? open;
}

const most = { links: 40, names: 1_024 };

/** `open`: what the agent opens. `inside`: the same as the process would say it, all links followed. */
export interface Walked { readonly open: string; readonly inside: string }

/**
 * Follows a path as the process would, link by link below its own root: an absolute link in a container leads into the
 * container, `/proc/self` is the process itself, and `/proc/PID/fd/N` is left to the kernel. What does not exist, and
 * what is beyond the bounds of path_resolution(7), is kept as it is written. Null when its working directory is unknown.
 */
export function walk(view: View, path: string): Walked | null {
  const start = path.startsWith('/') ? rootOf(view) : workingDirectory(view);
  if (start === null) return null;
  let at: Step = start;
  const left = path.split('/').reverse();
  for (let links = 0, names = 0; ; names += 1) {
    if (names >= most.names) return { open: [openOf(at), ...left.toReversed()].join('/'), inside: [insideOf(at), ...left.toReversed()].join('/') };
    const name = left.pop();
    if (name === undefined) return { open: openOf(at), inside: insideOf(at) };
    if (name === '' || name === '.') continue;
    if (name === '..') { at = parentOf(at); continue; }
    const here: Step = { ...at, parts: [...at.parts, name] };
    const target = links < most.links ? readLink(openOf(here)) : null;
    if (target === null) { at = here; continue; }
    links += 1;
    if (isMagic(at, name)) { at = { base: openOf(here), shown: target === '/' ? '' : target, parts: [], bottom: false }; continue; }
    const own: Step | null = /^\d+(\/task\/\d+)?$/.test(target) ? ownFolder(view, at, name) : null;
    if (own !== null) { at = own; continue; }
    if (target.startsWith('/')) at = rootOf(view);
    left.push(...target.split('/').reverse());
  }
}

/** A folder on the way: `base` is opened by the kernel as it stands, `parts` follow it; at the `bottom`, `..` stays where it is. */
interface Step { readonly base: string; readonly shown: string; readonly parts: readonly string[]; readonly bottom: boolean }
const rootOf = (view: View): Step => ({ base: view.prefix, shown: '', parts: [], bottom: true });
const openOf = (step: Step): string => [step.base, ...step.parts].join('/') || '/';
const insideOf = (step: Step): string => [step.shown, ...step.parts].join('/') || '/';

function parentOf(step: Step): Step {
  if (step.parts.length > 0) return { ...step, parts: step.parts.slice(0, -1) };
  return step.bottom ? step : { ...step, base: `${step.base}/..`, shown: step.shown.replace(/\/[^/]*$/, '') };
}

function workingDirectory(view: View): Step | null {
  const link = `${view.folder}/cwd`;
  const text = readLink(link);
  if (text === null) return null;
  const inside = view.root !== '/' && (text === view.root || text.startsWith(`${view.root}/`)) ? text.slice(view.root.length) : text;
  const step = { ...rootOf(view), parts: inside.split('/').filter(part => part !== '') };
  return sameFile(openOf(step), link) ? step : { base: link, shown: text, parts: [], bottom: false };
}

/** Links whose text is only for people: the kernel jumps to the file itself, which may have no name any more. */
function isMagic(folder: Step, name: string): boolean {
  const parent = openOf(folder).replace(/^.*\//, '');
  return (['cwd', 'root', 'exe'].includes(name) || parent === 'fd' || parent === 'map_files') && isProcfs(openOf(folder));
}

const procfsMagic = 0x9fa0; // PROC_SUPER_MAGIC of statfs(2)
function isProcfs(folder: string): boolean {
  try { return statfsSync(asPath(folder)).type === procfsMagic; } catch (error) {
    if (isGone(error) || isDenied(error)) return false;
    throw error;
  }
}

/** `self` and `thread-self` in any proc file system are whoever reads them: put the process in the agent's place. */
function ownFolder(view: View, folder: Step, name: string): Step | null {
  if ((name !== 'self' && name !== 'thread-self') || !isProcfs(openOf(folder))) return null;
  const own = view.folder;
  try {
    const start = parseStat(readFew(`${own}/stat`).bytes).startTicks;
    for (const pid of parseStatus(readFew(`${own}/status`).bytes).namespacePids.toReversed()) {
      const step = { ...folder, parts: [...folder.parts, String(pid)] };
      if (statOf(`${openOf(step)}/stat`) !== null && parseStat(readFew(`${openOf(step)}/stat`).bytes).startTicks === start) return step;
    }
  } catch (error) { if (!isGone(error) && !isDenied(error) && !(error instanceof RangeError)) throw error; }
  return { base: own, shown: own, parts: [], bottom: false };
}
