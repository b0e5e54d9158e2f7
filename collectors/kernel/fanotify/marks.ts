/** Which files and folders the kernel tells us of, and what they are called. Of the watcher process. */
import { closeSync, constants, opendirSync, openSync } from 'node:fs';
import { below, bytesOf, folderOf, type RawPath } from '../inotify/raw-path.ts';
import { changeMark, fileSystemId, handleOf, openHandle, type Outcome } from './libc.ts';
import { did, fileSystemBytes, type Handle } from './record.ts';
import type { MarkKind } from './wire.ts';

/** Two queues, so that a flood of opens cannot push out who wrote. */
export interface Groups { readonly changes: number; readonly opens: number }

export interface Marked { readonly path: RawPath; readonly kinds: ReadonlyMap<MarkKind, RawPath> }

export interface Marks {
  add(kind: MarkKind, path: RawPath): Outcome<number>;
  remove(kind: MarkKind, path: RawPath): void;
  get(handle: Handle): Marked | undefined;
  /** A folder came to be in a marked one: marked at once, with the folders in it, before it is known whether that is wanted. */
  adopt(path: RawPath): void;
  /** Gives up what was adopted and never asked for. */
  forgetStrays(): void;
  /** A descriptor on the file system with this id, for open_by_handle_at(2), ours to close; null when none of its marked folders is reached any more. */
  openFileSystem(id: string): number | null;
}

const changesOf: Readonly<Record<MarkKind, number>> = {
  folder: did.modify | did.closeWrite | did.attributes | did.create | did.remove | did.movedFrom | did.movedTo | did.folder | did.onChild,
  content: did.modify | did.closeWrite | did.attributes, opens: 0, names: did.create | did.movedTo | did.folder,
  writes: did.closeWrite | did.create | did.movedTo | did.folder | did.onChild,
};
const opensOf: Readonly<Record<MarkKind, number>> = { folder: did.open | did.onChild, content: did.open, opens: did.open, names: 0, writes: 0 };

const pathOnly = 0o10_000_000; // O_PATH of open(2)
const isFolderKind = (kind: MarkKind): boolean => kind === 'folder' || kind === 'names' || kind === 'writes';
const strayMs = 30_000;
/** Folders that came together with one that is adopted. */
const mostAdopted = 256;
const mostListed = 4_096;
const mostPlaces = 64;

interface Entry { path: RawPath; readonly kinds: Map<MarkKind, RawPath> }

export function createMarks(groups: Groups): Marks {
  const entries = new Map<Handle, Entry>();
  const handles = new Map<string, Handle>();
  const strays = new Map<RawPath, number>();
  /** Where a file system can be reached. Nothing stays open: it can be unmounted while we watch. */
  const places = new Map<string, Set<RawPath>>();

  function apply(how: 'add' | 'remove', kinds: Iterable<MarkKind>, fd: number): Outcome<number> {
    for (const [group, masks] of [[groups.changes, changesOf], [groups.opens, opensOf]] as const) {
      const mask = [...kinds].reduce((all, kind) => all | masks[kind], 0) >>> 0;
      const done = mask === 0 ? { value: 0 } : changeMark(group, how, mask, fd);
      if ('error' in done) return done;
    }
    return { value: 0 };
  }

  function add(kind: MarkKind, path: RawPath): Outcome<number> {
    strays.delete(path);
    let fd: number;
    try { fd = openSync(bytesOf(path), pathOnly | (isFolderKind(kind) ? constants.O_DIRECTORY | constants.O_NOFOLLOW : 0)); } catch (error) { return { error: codeOf(error) }; }
    try {
      const handle = handleOf(fd);
      if ('error' in handle) return handle;
      const done = apply('add', [kind], fd);
      if ('error' in done) return done;
      const before = handles.get(keyOf(kind, path));
      if (before !== undefined && before !== handle.value) drop(before, kind, path);
      const entry = entries.get(handle.value) ?? { path, kinds: new Map<MarkKind, RawPath>() };
      entry.path = path;
      entry.kinds.set(kind, path);
      entries.set(handle.value, entry);
      handles.set(keyOf(kind, path), handle.value);
      remember(handle.value.slice(0, fileSystemBytes), path, isFolderKind(kind));
      return done;
    } finally { closeSync(fd); }
  }

  function remember(id: string, path: RawPath, isFolder: boolean): void {
    const known = places.get(id) ?? new Set();
    places.set(id, known);
    if (known.size < mostPlaces) known.add(isFolder ? path : folderOf(path));
  }

  function remove(kind: MarkKind, path: RawPath): void {
    const handle = handles.get(keyOf(kind, path));
    if (handle === undefined) return;
    handles.delete(keyOf(kind, path));
    drop(handle, kind, path);
  }

  /** Unless it is marked again under another name meanwhile. */
  function drop(handle: Handle, kind: MarkKind, path: RawPath): void {
    const entry = entries.get(handle);
    if (!entry || entry.kinds.get(kind) !== path) return;
    entry.kinds.delete(kind);
    if (entry.kinds.size === 0) entries.delete(handle);
    const fd = reopen(handle, path);
    if (fd === null) return; // It is gone, and its mark with it.
    apply('remove', [kind], fd);
    if (entry.kinds.size > 0) apply('add', entry.kinds.keys(), fd);
    closeSync(fd);
  }

  /** The marked file itself, wherever it is now; on a file system whose handles cannot be opened, if it still has that name. */
  function reopen(handle: Handle, path: RawPath): number | null {
    const mount = openFileSystem(handle.slice(0, fileSystemBytes));
    if (mount !== null) {
      const opened = openHandle(mount, bytesOf(handle.slice(fileSystemBytes)), pathOnly);
      closeSync(mount);
      if ('value' in opened) return opened.value;
    }
    const fd = tryOpen(path, pathOnly | constants.O_NOFOLLOW);
    if (fd === null) return null;
    const found = handleOf(fd);
    if ('value' in found && found.value === handle) return fd;
    closeSync(fd);
    return null;
  }

  function openFileSystem(id: string): number | null {
    for (const place of [...places.get(id) ?? []].reverse()) {
      const fd = tryOpen(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
      const found = fd === null ? null : fileSystemId(fd);
      if (found !== null && 'value' in found && found.value === id) return fd;
      places.get(id)?.delete(place);
      if (fd !== null) closeSync(fd);
    }
    return null;
  }

  return {
    add, remove, openFileSystem,
    get: handle => entries.get(handle),
    adopt(path) {
      const due = [path];
      for (let next = due.pop(), count = 0; next !== undefined && count < mostAdopted; next = due.pop(), count++) {
        if (handles.has(keyOf('folder', next)) && isSameFolder(next)) continue;
        if ('error' in add('folder', next)) continue; // gone again, or not ours to say: the agent asks for it too, if it is wanted
        strays.set(next, performance.now());
        for (const name of foldersIn(next)) due.push(below(next, name));
      }
    },
    forgetStrays() {
      for (const [path, since] of strays) {
        if (performance.now() - since < strayMs) return;
        strays.delete(path);
        remove('folder', path);
      }
    },
  };

  function isSameFolder(path: RawPath): boolean {
    const fd = tryOpen(path, pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (fd === null) return false;
    const handle = handleOf(fd);
    closeSync(fd);
    return 'value' in handle && handle.value === handles.get(keyOf('folder', path));
  }
}

const keyOf = (kind: MarkKind, path: RawPath): string => `${kind} ${path}`;
const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error));

/** Null when it is not there, or not what was asked for. */
function tryOpen(path: RawPath, flags: number): number | null {
  try { return openSync(bytesOf(path), flags); } catch { return null; }
}

function foldersIn(path: RawPath): RawPath[] {
  const found: RawPath[] = [];
  try {
    using folder = opendirSync(bytesOf(path), { encoding: 'latin1' });
    for (let count = 0; count < mostListed; count++) {
      const entry = folder.readSync();
      if (entry === null) break;
      if (entry.isDirectory()) found.push(entry.name);
    }
  } catch {} // gone again
  return found;
}
