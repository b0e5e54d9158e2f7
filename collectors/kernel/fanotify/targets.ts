/** Which file a handle stands for, at the moment of looking. Of the watcher process. */
import { type BigIntStats, closeSync, fstatSync, lstatSync } from 'node:fs';
import { bytesOf, type RawPath } from '../inotify/raw-path.ts';
import { fileIdentity } from '../procfs/describe.ts';
import { openHandle } from './libc.ts';
import type { Marks } from './marks.ts';
import { fileSystemBytes, type Handle } from './record.ts';
import { type Target, targetKey } from './wire.ts';

export interface Targets {
  /** Null when it is gone. By its name where a handle is not told or cannot be opened: then it may be the name's next file. */
  find(handle: Handle | null, path: RawPath): Target | null;
  /** What was found is not to be trusted any longer: called between reads. */
  forget(): void;
}

const pathOnly = 0o10_000_000; // O_PATH of open(2): opens nothing, waits for nothing, makes no event

export function createTargets(marks: Marks): Targets {
  const found = new Map<Handle, Target | null>();
  const fileSystems = new Map<string, number | null>();
  /** Of these handles no file can be opened. */
  const closed = new Set<string>();

  function fileSystemOf(id: string): number | null {
    const known = fileSystems.get(id);
    if (known !== undefined) return known;
    const fd = marks.openFileSystem(id);
    fileSystems.set(id, fd);
    return fd;
  }

  function byHandle(handle: Handle): Target | null | 'cannot' {
    const id = handle.slice(0, fileSystemBytes);
    const mount = closed.has(id) ? null : fileSystemOf(id);
    if (mount === null) return 'cannot';
    const opened = openHandle(mount, bytesOf(handle.slice(fileSystemBytes)), pathOnly);
    if ('error' in opened) {
      if (opened.error === 'ESTALE') return null;
      closed.add(id);
      return 'cannot';
    }
    try { return targetOf(fstatSync(opened.value, { bigint: true })); } finally { closeSync(opened.value); }
  }

  return {
    find(handle, path) {
      if (handle === null) return byName(path);
      const known = found.get(handle);
      if (known !== undefined) return known;
      const target = byHandle(handle);
      const answer = target === 'cannot' ? byName(path) : target;
      found.set(handle, answer);
      return answer;
    },
    forget() {
      found.clear();
      for (const fd of fileSystems.values()) if (fd !== null) closeSync(fd);
      fileSystems.clear();
    },
  };
}

function byName(path: RawPath): Target | null {
  try { return targetOf(lstatSync(bytesOf(path), { bigint: true })); } catch { return null; } // gone again
}

const targetOf = (stat: BigIntStats): Target => ({ key: targetKey(stat), links: Number(stat.nlink), file: fileIdentity(stat) });
