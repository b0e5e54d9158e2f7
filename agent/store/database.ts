import { existsSync, lstatSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Log } from '../contract/component.ts';
import { ConfigError, RetryableError, UnavailableError } from '../contract/errors.ts';
import { holdDirectory, makePrivateDirectory, makePrivateFile, syncDirectory } from './directory.ts';
import { isDamage, type Stored, storeFailure } from './failure.ts';
import { migrations } from './migrations.ts';
import { migrate, schemaDamage, schemaVersion } from './schema.ts';

/** The agent's memory as `status` and `outbox list` read it beside a running agent. */
export interface Reader extends Disposable {
  prepare(sql: string): StatementSync;
  /** Throws RetryableError when the disk does not let us read now. */
  read<T>(work: () => T): T;
}

/** The agent's memory. One process at a time has it; stores share it, each with tables of its own. */
export interface Database extends Reader {
  readonly directory: string;
  /** The name under which a damaged file was set aside when opening: what it held is forgotten, which the caller must tell. */
  readonly setAside: string | null;
  /**
   * All or nothing, and on disk (fsync) when it returns. Inside another transaction it joins that one: a failure then
   * undoes the whole and comes out of the outermost call. `work` must not be asynchronous.
   */
  transaction<T>(work: () => T): Stored<T>;
}

const fileName = 'state.db';
// The agent writes alone and readers do not block it; what little waiting is left must not hold up the event loop.
const writerWaitMs = 100;
const readerWaitMs = 2_000;
// 64 MiB
const mostPagesInFull = 16_384;

/**
 * Opens or makes `state.db` (0600 in a directory of 0700). A damaged file is set aside and a new one begins.
 * Throws ConfigError when another agent has the directory or it cannot be used, RetryableError when the disk is full,
 * read-only or failing now.
 */
export function openDatabase(stateDirectory: string, log: Log): Database {
  const path = join(stateDirectory, fileName);
  try {
    makePrivateDirectory(stateDirectory, log);
    using opened = new DisposableStack();
    const hold = opened.use(holdDirectory(stateDirectory));
    const { sqlite, setAside } = openOrReplace(path, log);
    opened.move();
    return owned(sqlite, hold, path, setAside);
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** For a look from another process: takes no lock, changes nothing. Throws UnavailableError when there is nothing to read. */
export function openReadOnly(stateDirectory: string): Reader {
  const path = join(stateDirectory, fileName);
  if (!existsSync(path)) throw new UnavailableError(`there is no ${path}: no agent has run here, or this user may not look`);
  try {
    const sqlite = new DatabaseSync(path, { readOnly: true, timeout: readerWaitMs });
    try {
      sqlite.exec('PRAGMA trusted_schema = OFF');
      if (schemaVersion(sqlite, path) < migrations.length) throw new UnavailableError(`${path} was written by an older mxwarden and not opened by this one yet: start the agent once`);
    } catch (error) { sqlite.close(); throw error; }
    return reader(sqlite, path);
  } catch (error) {
    throw storeFailure(error, path);
  }
}

function reader(sqlite: DatabaseSync, path: string): Reader {
  return {
    prepare: sql => sqlite.prepare(sql),
    read(work) { try { return work(); } catch (error) { throw storeFailure(error, path); } },
    [Symbol.dispose]() { sqlite.close(); },
  };
}

function owned(sqlite: DatabaseSync, hold: Disposable, path: string, setAside: string | null): Database {
  let running = false;
  // Why the running transaction must not be committed, though its outermost work may go on regardless.
  let doomed: { readonly reason: unknown } | undefined;

  function joined<T>(work: () => T): Stored<T> {
    try { return { stored: true, value: work() }; } catch (reason) { doomed ??= { reason }; throw reason; }
  }

  function outermost<T>(work: () => T): Stored<T> {
    running = true;
    doomed = undefined;
    try {
      rollBack();
      sqlite.exec('BEGIN IMMEDIATE');
      const value = work();
      if (doomed !== undefined) throw (doomed as { readonly reason: unknown }).reason;
      sqlite.exec('COMMIT');
      return { stored: true, value };
    } catch (error) {
      const failure = storeFailure(error, path);
      if (!(failure instanceof RetryableError)) throw failure;
      return { stored: false, error: failure };
    } finally {
      running = false;
      rollBack();
    }
  }

  /** After some errors, a full disk among them, SQLite has done so by itself. */
  function rollBack(): void {
    try { if (sqlite.isTransaction) sqlite.exec('ROLLBACK'); } catch (error) {
      // A disk that fails even here: the next transaction tries again before it begins.
      if (!(storeFailure(error, path) instanceof RetryableError)) throw error;
    }
  }

  return {
    ...reader(sqlite, path),
    directory: dirname(path),
    setAside,
    transaction: work => running ? joined(work) : outermost(work),
    [Symbol.dispose]() {
      try { sqlite.close(); } finally { hold[Symbol.dispose](); }
    },
  };
}

type Opened = { readonly sqlite: DatabaseSync } | { readonly damage: string };

function openOrReplace(path: string, log: Log): { readonly sqlite: DatabaseSync; readonly setAside: string | null } {
  const first: Opened = isOrphaned(path) ? { damage: 'the database is gone, only its write-ahead log is left' } : openSound(path);
  if ('sqlite' in first) return { sqlite: first.sqlite, setAside: null };
  const setAside = moveAside(path);
  log.error('the state was damaged: it is set aside and forgotten', { path, setAside, reason: first.damage });
  const second = openSound(path);
  if ('sqlite' in second) return { sqlite: second.sqlite, setAside };
  throw new RetryableError(`${path} is damaged even when new: ${second.damage}`);
}

/** A write-ahead log with no database, or an empty one, beside it: SQLite would delete it without a word. */
function isOrphaned(path: string): boolean {
  const size = (name: string) => lstatSync(name, { throwIfNoEntry: false })?.size ?? 0;
  return size(path) === 0 && size(`${path}-wal`) > 0;
}

/** Opens, examines and brings up to date; the file stays closed when it is damaged. */
function openSound(path: string): Opened {
  makePrivateFile(path);
  const sqlite = new DatabaseSync(path, { timeout: writerWaitMs, enableForeignKeyConstraints: true });
  try {
    // So that pages which delivered rows leave can be given back in small steps. It writes, and has an effect only on a new file.
    if (sqlite.prepare('PRAGMA page_count').get()?.page_count === 0) sqlite.exec('PRAGMA auto_vacuum = INCREMENTAL');
    const mode = sqlite.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
    if (mode !== 'wal') throw new ConfigError(`${path} is on a file system without shared memory maps (journal mode ${mode}): choose a local state directory`);
    sqlite.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 16777216');
    const damage = pageDamage(sqlite) ?? schemaDamage(sqlite, path);
    if (damage === null) {
      migrate(sqlite, path);
      return { sqlite };
    }
    sqlite.close();
    return { damage };
  } catch (error) {
    sqlite.close();
    if (isDamage(error)) return { damage: error instanceof Error ? error.message : String(error) };
    throw error;
  }
}

/** A large file gets the quick examination, which takes every index at its word: the start must not wait for minutes. */
function pageDamage(sqlite: DatabaseSync): string | null {
  const pages = Number(sqlite.prepare('PRAGMA page_count').get()?.page_count);
  const [complaint] = Object.values(sqlite.prepare(pages > mostPagesInFull ? 'PRAGMA quick_check(1)' : 'PRAGMA integrity_check(1)').get() ?? {});
  return complaint === 'ok' ? null : String(complaint);
}

/** Renames the three files so that sqlite3(1) still opens them together. The log goes last: alone it is found by `isOrphaned`. */
function moveAside(path: string): string {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, '');
  const target = `${path}.damaged-${stamp}`;
  for (const suffix of ['', '-shm', '-wal']) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  syncDirectory(dirname(path));
  return basename(target);
}
