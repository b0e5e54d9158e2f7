import { chmodSync, closeSync, existsSync, fchmodSync, fsyncSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Log } from '../contract/component.ts';
import { ConfigError } from '../contract/errors.ts';
import { isBusy, isDamage, storeFailure } from './failure.ts';

const lockName = 'state.lock';

/** Makes the state directory if need be, and closes it to everyone else. */
export function makePrivateDirectory(directory: string, log: Log): void {
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) syncDirectory(dirname(made));
  const { uid, mode } = statSync(directory);
  const self = process.geteuid?.();
  if (uid !== self && uid !== 0) log.warn('the state directory belongs to another user, who can change what the agent remembers', { directory, uid });
  if ((mode & 0o777) === 0o700) return;
  // Closing somebody else's /tmp or /var/lib would do more harm than we prevent.
  const isOurs = made !== undefined || existsSync(join(directory, lockName)) || readdirSync(directory).length === 0;
  if (!isOurs) throw new ConfigError(`${directory} holds other files and is open to other users: choose a state directory of its own, or close it (chmod 700)`);
  chmodSync(directory, 0o700);
}

/**
 * Makes an empty private file if there is none. An existing one is never opened here: closing any descriptor of a file
 * drops every fcntl(2) lock this process holds on it, SQLite's included.
 */
export function makePrivateFile(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    const descriptor = openSync(path, 'ax', 0o600);
    try { fchmodSync(descriptor, 0o600); } finally { closeSync(descriptor); }
    syncDirectory(dirname(path));
    return;
  }
  if (!found.isFile()) throw new ConfigError(`${path} is not a regular file: move it away, or choose another state directory`);
  if ((found.mode & 0o777) !== 0o600) chmodSync(path, 0o600);
}

/** After this a rename or a new name in the directory outlives a power cut. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try { fsyncSync(descriptor); } finally { closeSync(descriptor); }
}

/**
 * Makes this process the only owner of the directory until disposed; the kernel releases it however the process ends.
 * It is an exclusive fcntl lock that SQLite takes on an empty file of its own, so that readers of state.db are not
 * shut out, and so that it also holds between containers that share the directory.
 */
export function holdDirectory(directory: string): Disposable {
  const path = join(directory, lockName);
  makePrivateFile(path);
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory: no journal file that a full disk could refuse or a killed process leave behind.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw new ConfigError(`${directory} is in use by another mxwarden${holder(path)}: stop it, or choose another state directory`, { cause: error });
    if (isDamage(error)) throw new ConfigError(`${path} is not mxwarden's: move it away, or choose another state directory`, { cause: error });
    throw storeFailure(error, path);
  }
  return { [Symbol.dispose]() { lock.close(); } };
}

/** ` (pid 123)` where /proc/locks tells: `1: POSIX  ADVISORY  WRITE 123 fe:00:4711 1073741824 1073742335`, see proc_locks(5). */
function holder(path: string): string {
  try {
    const inode = lstatSync(path, { bigint: true }).ino;
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, , , , pid, file, start] = line.trim().split(/\s+/);
      // SQLite's PENDING byte at 1 GiB, https://www.sqlite.org/fileformat2.html#the_lock_byte_page
      if (start === '1073741824' && file?.endsWith(`:${inode}`) && Number(pid) > 0) return ` (pid ${pid})`;
    }
  } catch { /* Only a courtesy: without /proc, or when the holder has just gone, the message does without a pid. */ }
  return '';
}
