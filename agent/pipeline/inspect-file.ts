import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fileIdentity } from '../../collectors/kernel/procfs/describe.ts';
import type { FileIdentity } from '../contract/file.ts';

/** An open regular file, and what it was when it was opened. Whoever got it closes `fd`. */
export interface Opened { readonly fd: number; readonly before: BigIntStats; readonly path: Uint8Array }

const onlyPath = 0o10_000_000; // O_PATH of open(2): opens nothing, waits for nothing, names the file

/**
 * The first candidate that is the expected regular file. A device or a FIFO is never opened, not even one that takes the
 * place of the file meanwhile: whoever waits to write into a FIFO would go on. The file is therefore first named, then
 * looked at, and only then opened through that name of it, for which /proc must be mounted.
 */
export function openRegular(candidates: readonly Uint8Array[], expected: FileIdentity | null): Opened | null {
  for (const path of candidates) {
    let name: number;
    try { name = openSync(path as Buffer, onlyPath); } catch (error) {
      // Another candidate may do; when none does, the caller says that the file was not read.
      if (error instanceof Error && 'code' in error && (candidates.length > 1 || error.code === 'ENOENT')) continue;
      throw error;
    }
    try {
      const before = fstatSync(name, { bigint: true });
      if (!before.isFile() || (expected !== null && !sameInode(fileIdentity(before), expected))) continue;
      return { fd: openSync(`/proc/self/fd/${name}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY), before, path };
    } finally { closeSync(name); }
  }
  return null;
}

const sameInode = (one: FileIdentity, other: FileIdentity): boolean => one.device === other.device && one.inode === other.inode;

export function changed({ fd, before }: Opened): boolean {
  const after = fstatSync(fd, { bigint: true });
  return after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs;
}

export const chunk = 4_194_304;
/** A file of at most so many bytes is read once. */
export const smallFile = 65_536;

/** Where small files are read into; one for each file that is open at a time. */
export const createRoom = (): Buffer => Buffer.allocUnsafeSlow(smallFile);

/**
 * Bytes [offset, offset + length) of an open file, cut at its end and at 16 MiB; valid until the next read. A small file
 * is read into `room` once, a larger one as it is asked for, into a buffer that grows to that.
 */
export function createReader(fd: number, size: number, room: Buffer): (offset: number, length: number) => Buffer {
  if (size <= room.length) {
    let all: Buffer | null = null;
    return (offset, length) => {
      all ??= readInto(room, fd, 0, size);
      return all.subarray(Math.min(offset, all.length), Math.min(offset + Math.max(0, length), all.length));
    };
  }
  let view = Buffer.alloc(0);
  return (offset, length) => {
    const wanted = Math.max(0, Math.min(length, 4 * chunk, size - offset));
    if (view.length < wanted) view = Buffer.allocUnsafeSlow(wanted);
    return readInto(view, fd, offset, wanted);
  };
}

function readInto(view: Buffer, fd: number, offset: number, wanted: number): Buffer {
  let got = 0;
  while (got < wanted) {
    const count = readSync(fd, view, got, wanted - got, offset + got);
    if (count === 0) break;
    got += count;
  }
  return view.subarray(0, got);
}
