import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';

/** What a file system's refusal means, by errno. Pure. */
const configurations: Readonly<Record<string, string>> = {
  EACCES: 'the agent may not write there', EPERM: 'the agent may not write there', EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory', EEXIST: 'a part of the path is not a directory', EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link, which is not followed: name the file itself',
  ENOENT: 'its directory is gone', ENAMETOOLONG: 'the path is too long', ENXIO: 'it is no regular file', EINVAL: 'the file system cannot hold such a file',
  EFBIG: 'the file would exceed the size that this process may write',
};
const waits: Readonly<Record<string, string>> = { ENOSPC: 'the disk is full', EDQUOT: 'the quota is used up', EIO: 'the disk reports an error' };

export function fileError(path: string, error: unknown): Error {
  if (error instanceof MisconfiguredError || error instanceof RetryableError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const why = configurations[code];
  return why === undefined
    ? new RetryableError(`${path}: ${waits[code] ?? 'it cannot be written'} (${code})`, { cause: error })
    : new MisconfiguredError(`${path}: ${why} (${code})`, { cause: error });
}
