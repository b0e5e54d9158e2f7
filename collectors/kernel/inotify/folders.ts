import type { BigIntStats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { readText } from '../../../agent/contract/text.ts';
import { difference, look, type Sight } from './fact.ts';
import type { NameFilter } from './globs.ts';
import type { Folder, Ledger } from './ledger.ts';
import { mountOf, notifies, readMounts } from './mounts.ts';
import { createNotices, type NoticesOptions } from './notices.ts';
import { below, bytesOf, isInside, nameOf, type RawPath, textOf } from './raw-path.ts';
import type { FileSight, Telling } from './telling.ts';

export interface FoldersOptions extends NoticesOptions {
  readonly host: HostPaths;
  readonly log: Log;
  readonly ledger: Ledger;
  readonly telling: Telling;
  readonly filter: NameFilter;
  readonly followOutside: boolean;
  readonly maxFiles: number;
  /** Nanoseconds since the epoch. */
  readonly startedNs: bigint;
  /** A folder was opened and wants to be armed. */
  opened(path: RawPath): void;
  /** Neither it nor anything below it is kept any longer. */
  closed(path: RawPath): void;
  /** A folder wants to be surveyed. */
  stirred(path: RawPath): void;
  /** A notice of it waits for its turn. */
  isNoticed(folder: RawPath, name: RawPath): boolean;
  /** What notices have named since the last time, by folder. */
  takeNoticed(): ReadonlyMap<RawPath, ReadonlySet<RawPath>>;
  /** Called between pieces of work of a few milliseconds; false to stop. */
  between(): Promise<boolean>;
}

/** The folders below the roots: which are watched, and what is seen in them. */
export interface Folders {
  openRoot(path: RawPath, stat: BigIntStats, arrival: Folder['arrival']): void;
  /** It and all below it is not there any more. */
  close(path: RawPath): Promise<void>;
  /** Opens its subfolders, without a look at its files: a whole tree is armed before the first file is told of. */
  arm(path: RawPath): Promise<void>;
  /** Compares what is there with what was last seen. 'strange': only names that notices cannot spell. */
  survey(path: RawPath, which: 'all' | 'strange'): Promise<void>;
  /** Below `maxFiles`. */
  hasRoom(): boolean;
  /** Looks at names that notices have named. */
  settle(): Promise<void>;
}

type News = 'noticed' | 'surveyed';
/** Names looked at together; the thread pool has four threads for all of the agent. */
const lookedAtTogether = 48;
const noticedTogether = 256;
const mostRounds = 3;
const mostLogged = 100;

export function keepFolders(options: FoldersOptions): Folders {
  const { ledger, telling, blindness, filter, log } = options;
  let logged = 0;
  const notices = createNotices(options);

  function mention(message: string, path: RawPath): void {
    if (++logged <= mostLogged) log.warn(message, { path: readText(bytesOf(path), 512) });
    else if (Number.isInteger(Math.log2(logged))) log.warn('names that are no artifacts or lead out are not logged one by one any more', { count: logged });
  }

  function open(path: RawPath, root: RawPath, stat: BigIntStats, arrival: Folder['arrival'], parent: Folder | null): void {
    if (!hasRoomBelow(root)) return;
    const isBorder = parent?.device !== stat.dev;
    const type = isBorder ? mountOf(readMounts(options.host), path)?.type ?? 'unknown' : null;
    const isNotified = type === null ? parent?.isNotified ?? false : notifies(type);
    if (type !== null && !isNotified) blindness.add('unnotified', path);
    const folder: Folder = {
      path, root, device: stat.dev, inode: stat.ino, bornNs: stat.birthtimeNs, arrival, isNotified, watch: null, isSurveyed: false,
      files: new Map(), folders: new Set(), others: new Set(),
    };
    ledger.folders.set(path, folder);
    notices.subscribe(folder);
    options.opened(path);
  }

  async function close(path: RawPath): Promise<void> {
    const open = [path];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const folder = ledger.folders.get(next);
      if (!folder) continue;
      ledger.folders.delete(next);
      ledger.roots.delete(next);
      notices.unsubscribe(folder);
      options.closed(next);
      blindness.forget(next);
      for (const name of folder.folders) open.push(below(next, name));
      let count = 0;
      for (const name of [...folder.files.keys(), ...folder.others]) {
        forgetName(folder, name);
        if (++count % 1_000 === 0) await options.between();
      }
    }
  }

  function forgetName(folder: Folder, name: RawPath): void {
    const path = below(folder.path, name);
    const row = ledger.take(folder, name);
    if (row) telling.vanished(path, row);
    blindness.forget(path);
  }

  /** What is under this name now, against what was last seen there. */
  async function apply(folder: Folder, name: RawPath, sight: Sight, news: News): Promise<void> {
    const path = below(folder.path, name);
    if (sight.kind === 'unreadable') return blindness.add(sight.code === 'ENAMETOOLONG' ? 'tooLong' : 'unreadable', path);
    if (sight.kind !== 'folder' && folder.folders.delete(name)) await close(path);
    if (sight.kind !== 'file' && folder.files.has(name)) forgetName(folder, name);
    const arrival = !folder.isSurveyed ? folder.arrival : news === 'noticed' || options.isNoticed(folder.path, name) ? 'created' : 'found';
    switch (sight.kind) {
      case 'none': return forgetName(folder, name);
      case 'folder': return applyFolder(folder, name, sight.stat, news, arrival);
      case 'file': return applyFile(folder, name, sight, arrival);
      case 'passage': return applyPassage(folder, name, sight.target, sight.stat, arrival);
      case 'other':
        if (keepOther(folder, name)) mention(`not an artifact, never opened: ${sight.what}`, path);
    }
  }

  async function applyFolder(folder: Folder, name: RawPath, stat: BigIntStats, news: News, arrival: Folder['arrival']): Promise<void> {
    const path = below(folder.path, name);
    const known = ledger.folders.get(path);
    ledger.take(folder, name);
    if (known && isSameFolder(known, stat)) {
      folder.folders.add(name);
      if (news === 'noticed') options.stirred(path);
      return;
    }
    if (known) await close(path);
    if (!filter.folder(relative(folder, name))) return;
    folder.folders.add(name);
    open(path, folder.root, stat, arrival, folder);
  }

  function applyFile(folder: Folder, name: RawPath, sight: FileSight, arrival: Folder['arrival']): void {
    const path = below(folder.path, name);
    const before = folder.files.get(name);
    blindness.remove('unreadable', path);
    if (!before && (!filter.file(relative(folder, name)) || !hasRoomBelow(folder.root))) return;
    const found = before ? difference(before, sight.row, isFollowed(sight.row.target)) : null;
    // The row that is there stays when nothing changed: a rescan leaves no garbage of the old generation.
    if (found !== 'none') ledger.set(folder, name, sight.row);
    if (found) return tellDifference(path, found, sight);
    if (sight.row.target !== null && !isFollowed(sight.row.target)) leadsOut(path);
    // The time of birth cannot be set: what came to be after the start is news, however late we come upon it.
    telling.appeared(path, sight, sight.row.bornNs > options.startedNs ? 'created' : arrival);
  }

  function tellDifference(path: RawPath, found: ReturnType<typeof difference>, sight: FileSight): void {
    switch (found) {
      case 'none': return telling.unchanged(path, sight);
      case 'replaced': return telling.replaced(path, sight);
      case 'content': return telling.changed(path, 'written', sight);
      case 'attributes': return telling.changed(path, 'attributes', sight);
    }
  }

  function applyPassage(folder: Folder, name: RawPath, target: RawPath, stat: BigIntStats, arrival: Folder['arrival']): void {
    const path = below(folder.path, name);
    if (!keepOther(folder, name) && isFollowed(target)) return blindness.remove('leadsOut', path);
    if (isFollowed(target)) return;
    if (options.followOutside) openRoot(target, stat, arrival);
    else leadsOut(path);
  }

  function leadsOut(path: RawPath): void {
    blindness.add('leadsOut', path);
    mention('this link leads out of the model roots', path);
  }

  /** True when it is news. */
  function keepOther(folder: Folder, name: RawPath): boolean {
    if (folder.others.has(name) || !hasRoomBelow(folder.root)) return false;
    ledger.addOther(folder, name);
    return true;
  }

  const hasRoom = (): boolean => ledger.size() + ledger.folders.size < options.maxFiles;
  function hasRoomBelow(root: RawPath): boolean {
    if (!hasRoom()) blindness.add('tooManyFiles', root);
    return hasRoom();
  }

  const isFollowed = (target: RawPath | null): boolean => target !== null && [...ledger.roots].some(root => isInside(target, root));

  function openRoot(path: RawPath, stat: BigIntStats, arrival: Folder['arrival']): void {
    if (ledger.folders.has(path)) return;
    open(path, path, stat, arrival, null);
    if (ledger.folders.has(path)) ledger.roots.add(path);
  }

  async function lookAndApply(folder: Folder, names: readonly RawPath[], news: News): Promise<boolean> {
    for (let at = 0; at < names.length; at += lookedAtTogether) {
      const some = names.slice(at, at + lookedAtTogether);
      const sights = await Promise.all(some.map(name => look(below(folder.path, name))));
      for (const [index, name] of some.entries()) {
        const sight = sights[index];
        // Closed while we looked: what is there now belongs to another folder, if to any.
        if (ledger.folders.get(folder.path) !== folder) return false;
        if (sight) await apply(folder, name, sight, news);
      }
      if (!await options.between()) return false;
    }
    return true;
  }

  async function survey(path: RawPath, which: 'all' | 'strange'): Promise<void> {
    const folder = ledger.folders.get(path);
    if (!folder) return;
    notices.subscribe(folder);
    const listed = new Set<RawPath>();
    // A folder of millions does not fill the memory; what is beyond is said to be unwatched.
    const mostListed = options.maxFiles * 2;
    if (!await list(path, name => { listed.add(name); return listed.size < mostListed; })) return;
    if (listed.size >= mostListed) blindness.add('tooManyFiles', folder.root);
    const kept = [...folder.files.keys(), ...folder.folders, ...folder.others];
    const isWanted = which === 'all' ? () => true : isStrange;
    if (!await lookAndApply(folder, kept.filter(name => !listed.has(name) && isWanted(name)), 'surveyed')) return;
    if (!await lookAndApply(folder, [...listed].filter(isWanted), which === 'all' ? 'surveyed' : 'noticed')) return;
    if (which === 'all') folder.isSurveyed = true;
  }

  async function arm(path: RawPath): Promise<void> {
    const folder = ledger.folders.get(path);
    const names: RawPath[] = [];
    if (!folder || !await list(path, (name, isFolder) => { if (isFolder) names.push(name); return names.length < options.maxFiles; })) return;
    await lookAndApply(folder, names, 'surveyed');
  }

  /** False when it cannot be read: said, or closed when it is gone. */
  async function list(path: RawPath, each: (name: RawPath, isFolder: boolean) => boolean): Promise<boolean> {
    try {
      for await (const entry of await opendir(bytesOf(path), { encoding: 'latin1', bufferSize: 32 })) {
        if (!each(entry.name, entry.isDirectory())) break;
      }
      blindness.remove('unreadable', path);
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') await close(path);
      else blindness.add(code === 'ENAMETOOLONG' ? 'tooLong' : 'unreadable', path);
      return false;
    }
  }

  async function settle(): Promise<void> {
    const seen = new Map<RawPath, { readonly folder: RawPath; readonly name: RawPath; readonly sight: Sight }>();
    // What is noticed while we look belongs to what we see: the other end of a rename may be among it.
    for (let round = 0; round < mostRounds; round++) {
      const names = [...options.takeNoticed()].flatMap(([folder, some]) => Array.from(some, name => ({ folder, name })));
      if (names.length === 0) break;
      for (let at = 0; at < names.length; at += noticedTogether) {
        const some = names.slice(at, at + noticedTogether);
        const sights = await Promise.all(some.map(async ({ folder, name }) => ({ folder, name, sight: await look(below(folder, name)) })));
        for (const sight of sights) seen.set(below(sight.folder, sight.name), sight);
        await options.between();
      }
    }
    // First everything that left its name, then what came: a rename is known by both.
    for (const { folder, name, sight } of seen.values()) leave(folder, name, sight);
    let count = 0;
    for (const { folder: path, name, sight } of seen.values()) {
      const folder = ledger.folders.get(path);
      if (folder) await apply(folder, name, sight, 'noticed');
      if (++count % noticedTogether === 0) await options.between();
    }
  }

  function leave(path: RawPath, name: RawPath, sight: Sight): void {
    const folder = ledger.folders.get(path);
    const before = folder?.files.get(name);
    if (!folder || !before) return;
    if (sight.kind === 'none') forgetName(folder, name);
    else if (sight.kind === 'file' && difference(before, sight.row, false) === 'replaced') telling.displaced(below(path, name), before);
  }

  return { openRoot, close, arm, survey, settle, hasRoom };
}

const isSameFolder = (folder: Folder, stat: BigIntStats): boolean =>
  folder.inode === stat.ino && folder.device === stat.dev && folder.bornNs === stat.birthtimeNs;

const relative = (folder: Folder, name: RawPath): RawPath => {
  const path = below(folder.path, name);
  return isInside(path, folder.root) ? path.slice(folder.root === '/' ? 1 : folder.root.length + 1) : nameOf(path);
};

/** What a notice spells wrongly: bytes that are not UTF-8, and U+FFFD itself, which the wrong spelling cannot be told from. */
const isStrange = (name: RawPath): boolean => (textOf(name) ?? '\ufffd').includes('\ufffd');
