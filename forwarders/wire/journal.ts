import type { FileHandle } from 'node:fs/promises';
import { constants, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';
import type { Log } from '../../agent/contract/component.ts';

export interface JournalPlan {
  readonly path: string;
  readonly maxBytes: number;
  /** Infinity: its age does not matter. */
  readonly maxAgeMs: number;
  readonly maxFiles: number;
  readonly fsync: boolean;
}
export interface Journal extends AsyncDisposable {
  /** Appends whole lines and returns when they are there (with `fsync`: on the disk); none of them when it throws. */
  append(lines: string): Promise<void>;
}

const newline = 0x0a;
// Never through a link or into a pipe or device that somebody put there.
const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Owns: one descriptor of `path`, which is opened at the first append and again whenever the name leads elsewhere. */
export function openJournal({ path, maxBytes, maxAgeMs, maxFiles, fsync }: JournalPlan, log: Log, now: () => number = Date.now): Journal {
  let handle: FileHandle | null = null;

  async function close(): Promise<void> {
    const old = handle;
    handle = null;
    await old?.close();
  }

  async function openFile(): Promise<FileHandle> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const opened = await open(path, flags, 0o600);
    try {
      const { size } = await regular(opened, path);
      if (size > 0 && await lastByte(opened, size) !== newline) {
        log.warn(`file: the last line of ${path} was torn by a crash; it is ended here, and its alert follows whole`);
        await opened.appendFile('\n');
      }
      if (fsync) await syncFolder(path);
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** The open file, if its name still leads to it; else the one it leads to now. */
  async function current(): Promise<FileHandle> {
    if (handle !== null) {
      const [ours, named] = await Promise.all([handle.stat(), stat(path).catch(ifMissing)]);
      if (named?.ino === ours.ino && named.dev === ours.dev) return handle;
      log.info(`file: ${path} was moved or removed; beginning a new one`);
      await close();
    }
    handle = await openFile();
    return handle;
  }

  async function rotate(): Promise<void> {
    await close();
    for (let number = maxFiles - 1; number >= 1; number -= 1) await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(ifMissing);
    await rename(path, `${path}.1`);
  }

  return {
    async append(lines) {
      const bytes = Buffer.from(lines);
      let file = await current();
      const found = await file.stat();
      let { size } = found;
      if (size > 0 && (size + bytes.length > maxBytes || now() - bornAt(found) >= maxAgeMs)) {
        await rotate();
        file = await current();
        ({ size } = await file.stat());
      }
      try {
        await writeWhole(file, bytes);
        if (fsync) await file.datasync();
      } catch (error) {
        // After a failed fsync nobody knows what is on the disk, so the lines are taken back and the file opened anew.
        await file.truncate(size).catch((reason: unknown) => { log.warn(`file: a partial write to ${path} could not be undone: ${String(reason)}`); });
        await close();
        throw error;
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

/** One write: the kernel appends it in one piece, so readers and other writers see whole lines. */
async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const { bytesWritten } = await file.write(bytes);
  if (bytesWritten < bytes.length) throw new RetryableError(`only ${bytesWritten} of ${bytes.length} bytes could be written: the disk is full`);
}

async function regular(file: FileHandle, path: string): Promise<{ size: number }> {
  const found = await file.stat();
  if (found.isFile()) return found;
  throw new MisconfiguredError(`${path}: it is no regular file`);
}

async function lastByte(file: FileHandle, size: number): Promise<number | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 ? buffer[0] : undefined;
}

/** A new name is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try { await folder.sync(); } finally { await folder.close(); }
}

function ifMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Where a file system does not know when a file was made, the time of its last change is the least that is known. */
const bornAt = ({ birthtimeMs, mtimeMs }: { readonly birthtimeMs: number; readonly mtimeMs: number }): number => birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
