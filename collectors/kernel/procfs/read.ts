/**
 * Small synchronous reads of pseudo files. Synchronous because they never wait for a disk, and because a poll of
 * hundreds of processes through the thread pool costs ten times as much.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';

let shared = Buffer.allocUnsafeSlow(1 << 16);
const kept = 1 << 20;

/** `cut`: the file went on beyond `limit`. */
export interface Reading { readonly bytes: Buffer; readonly cut: boolean }

/** At most `limit` bytes. The view is valid until the next call: parse it at once or copy it. Throws what open and read throw. */
export function readFew(path: string, limit = 1 << 16): Reading {
  const fd = openSync(path, 'r');
  try { return readAll(fd, limit); } finally { closeSync(fd); }
}

/** As `readFew`, of what the kernel prints in one piece (stat, statm …): one read of at most 4,096 bytes. */
export function readRecord(path: string): Buffer {
  const fd = openSync(path, 'r');
  try { return shared.subarray(0, readSync(fd, shared, 0, 4_096, null)); } finally { closeSync(fd); }
}

/** As `readFew`, of a regular file that somebody else owns, null for anything else: no pipe or device is waited for. `links`: O_NOFOLLOW where none may be. */
export function readRegular(path: string | Buffer, limit: number, links = 0): Reading | null {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | links);
  try { return fstatSync(fd).isFile() ? readAll(fd, limit) : null; } finally { closeSync(fd); }
}

function readAll(fd: number, limit: number): Reading {
  let length = 0;
  for (;;) {
    if (length === shared.length) grow(Math.min(shared.length * 4, limit + 1));
    const room = Math.min(shared.length, limit + 1) - length;
    const got = room > 0 ? readSync(fd, shared, length, room, null) : 0;
    length += got;
    if (got === 0 || length > limit) break;
  }
  const bytes = shared.subarray(0, Math.min(length, limit));
  if (shared.length > kept) shared = Buffer.allocUnsafeSlow(1 << 16);
  return { bytes, cut: length > limit };
}

function grow(size: number): void {
  if (size <= shared.length) return;
  const larger = Buffer.allocUnsafeSlow(size);
  shared.copy(larger);
  shared = larger;
}

/** Where a link leads, each byte one character (latin1), so that no name is lost; null when it is no link, gone or forbidden. */
export function readLink(path: string): string | null {
  try { return readlinkSync(asPath(path), { encoding: 'buffer' }).toString('latin1'); } catch (error) {
    if (isGone(error) || isDenied(error) || codeOf(error) === 'EINVAL') return null;
    throw error;
  }
}

/** Byte text (each byte one character) to what node:fs opens. */
export const asPath = (byteText: string): string | Buffer => /^[\u0001-\u007f]*$/.test(byteText) ? byteText : Buffer.from(byteText, 'latin1');

/** No such thing any more. ENOTDIR and ELOOP: a path of another process that leads nowhere. */
export const isGone = (error: unknown): boolean => ['ENOENT', 'ESRCH', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ESTALE'].includes(codeOf(error));
export const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error));

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
