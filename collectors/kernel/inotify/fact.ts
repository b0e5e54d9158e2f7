import { type BigIntStats, lstat, stat } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { bytesOf, type RawPath } from './raw-path.ts';

/** What is remembered of a file, small enough for hundreds of thousands. Times in nanoseconds since the epoch. */
export interface Row {
  readonly device: number;
  readonly inode: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Zero where the file system does not keep it. */
  readonly bornNs: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly links: number;
  /** Where a symbolic link leads in the end, in which case all the rest is of that file; null for a file itself. */
  readonly target: RawPath | null;
}

/** What is under one name now. */
export type Sight =
  | { readonly kind: 'file'; readonly row: Row; readonly stat: BigIntStats }
  | { readonly kind: 'folder'; readonly stat: BigIntStats }
  /** A link that leads to a folder. */
  | { readonly kind: 'passage'; readonly target: RawPath; readonly stat: BigIntStats }
  /** Never opened. */
  | { readonly kind: 'other'; readonly what: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly code: string };

type Ask = (path: Buffer, options: { bigint: true }, callback: (error: NodeJS.ErrnoException | null, stat: BigIntStats) => void) => void;
const ask = (how: Ask, path: RawPath): Promise<BigIntStats | string> =>
  new Promise(resolve => { how(bytesOf(path), { bigint: true }, (error, stat) => resolve(error ? error.code ?? 'EUNKNOWN' : stat)); });

/** Opens nothing: a FIFO would block and a device would act. */
export async function look(path: RawPath): Promise<Sight> {
  const found = await ask(lstat, path);
  if (typeof found === 'string') return absence(found);
  return found.isSymbolicLink() ? lookThrough(path) : sightOf(found, null);
}

async function lookThrough(path: RawPath): Promise<Sight> {
  let target: RawPath;
  try { target = await realpath(bytesOf(path), 'latin1'); } catch (error) {
    return { kind: 'other', what: `a link that leads nowhere (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
  const found = await ask(stat, target);
  return typeof found === 'string' ? { kind: 'other', what: `a link that leads nowhere (${found})` } : sightOf(found, target);
}

function sightOf(stat: BigIntStats, target: RawPath | null): Sight {
  if (stat.isFile()) return { kind: 'file', row: rowOf(stat, target), stat };
  if (stat.isDirectory()) return target === null ? { kind: 'folder', stat } : { kind: 'passage', target, stat };
  const what = stat.isFIFO() ? 'a FIFO' : stat.isSocket() ? 'a socket' : stat.isCharacterDevice() || stat.isBlockDevice() ? 'a device' : 'of unknown type';
  return { kind: 'other', what: target === null ? what : `a link to ${what}` };
}

const absence = (code: string): Sight => (code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'none' } : { kind: 'unreadable', code });

function rowOf(stat: BigIntStats, target: RawPath | null): Row {
  const { mtimeNs } = stat;
  // One BigInt is shared by times that are alike, which they are for most files: 48 bytes a file.
  const share = (time: bigint): bigint => (time === mtimeNs ? mtimeNs : time);
  return {
    device: Number(stat.dev), inode: stat.ino, size: Number(stat.size), mtimeNs, ctimeNs: share(stat.ctimeNs), bornNs: share(stat.birthtimeNs),
    uid: Number(stat.uid), gid: Number(stat.gid), mode: Number(stat.mode & 0o7777n), links: Number(stat.nlink), target,
  };
}

/** Inode numbers are used again, often at once; with the time of birth they are not. */
export const isSameFile = (one: Row, other: Row): boolean =>
  one.inode === other.inode && one.device === other.device && one.bornNs === other.bornNs;

export const isSameContent = (one: Row, other: Row): boolean => one.size === other.size && one.mtimeNs === other.mtimeNs;

export type Difference = 'none' | 'attributes' | 'content' | 'replaced';

/**
 * A ctime that moved alone counts as content: a writer can set the mtime back, not the ctime. `isFollowed`: the link's
 * target is watched under its own name, so only where the link leads is of interest here.
 */
export function difference(before: Row, now: Row, isFollowed: boolean): Difference {
  if (before.target !== now.target) return 'replaced';
  if (now.target !== null && isFollowed) return 'none';
  if (!isSameFile(before, now)) return 'replaced';
  if (!isSameContent(before, now)) return 'content';
  if (before.uid !== now.uid || before.gid !== now.gid || before.mode !== now.mode || before.links !== now.links) return 'attributes';
  return before.ctimeNs === now.ctimeNs ? 'none' : 'content';
}
