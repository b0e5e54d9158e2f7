import { ConfigError, RetryableError } from '../contract/errors.ts';

/** A write that may fail for want of room: `error` says why, nothing was kept, and the same call may be tried again. */
export type Stored<T> =
  | { readonly stored: true; readonly value: T }
  | { readonly stored: false; readonly error: RetryableError };

// Primary result codes of sqlite3(3), https://www.sqlite.org/rescode.html
const passing = new Map([
  [5, 'busy'], [6, 'locked'], [7, 'out of memory'], [8, 'read-only'], [10, 'input/output error'], [11, 'damaged'], [13, 'disk full'],
  [14, 'cannot be opened'], [15, 'locking protocol'], [26, 'damaged'],
]);
const damaged = new Set([11, 26]);
// SQLITE_IOERR_SHORT_READ: the file ends where a page should be.
const shortRead = 522;

const passingErrno = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'EINTR']);
const operatorErrno = new Set(['EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

export const isDamage = (error: unknown): boolean => damaged.has(resultCode(error) & 0xff) || resultCode(error) === shortRead;
/** A row that does not fit the schema. */
export const isUnfit = (error: unknown): boolean => (resultCode(error) & 0xff) === 19;
/** Of whatever kind: SQLite could not give what it was asked for. */
export const isUnreadable = (error: unknown): boolean => resultCode(error) !== 0;
/** Also what a disk without room answers to a shared memory map: an input/output error. */
export const isFull = (error: unknown): boolean => [10, 13].includes(resultCode(error) & 0xff);
export const isBusy = (error: unknown): boolean => (resultCode(error) & 0xff) === 5;

/**
 * What the caller can do about an error of the store: wait (the disk is full, read-only, failing), or ask the operator.
 * Any other error is a bug and comes back as it was.
 */
export function storeFailure(error: unknown, what: string): unknown {
  const condition = passing.get(resultCode(error) & 0xff);
  if (condition !== undefined) return new RetryableError(`${what}: ${condition} (${messageOf(error)})`, { cause: error });
  const errno = errnoOf(error);
  if (passingErrno.has(errno)) return new RetryableError(`${what}: ${messageOf(error)}`, { cause: error });
  if (operatorErrno.has(errno)) return new ConfigError(`${what}: ${messageOf(error)}`, { cause: error });
  return error;
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const resultCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
