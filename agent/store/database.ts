import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Log } from '../contract/component.ts';
import { RetryableError, UnavailableError } from '../contract/errors.ts';
import { holdDirectory, makePrivateDirectory } from './directory.ts';
import { isFull, type Stored, storeFailure } from './failure.ts';
import { migrations } from './migrations.ts';
import { type Damage, damageNote, openOrReplace, untoldDamage } from './replacement.ts';
import { openReserve, type Reserve } from './reserve.ts';
import { schemaVersion } from './schema.ts';

/** The agent's memory as `status` and `outbox list` read it beside a running agent. */
export interface Reader extends Disposable {
  prepare(sql: string): StatementSync;
  /** Throws RetryableError when the disk does not let us read now. */
  read<T>(work: () => T): T;
}

/** The agent's memory. One process at a time has it; stores share it, each with tables of its own. */
export interface Database extends Reader {
  readonly directory: string;
  /** A damaged file was replaced, now or before, and nobody has told it yet: the caller must. */
  readonly damage: Damage | null;
  /** It is told, in a way that outlives a restart. */
  damageTold(): Stored<void>;
  /**
   * All or nothing, and on disk (fsync) when it returns. Inside another transaction it joins that one: a failure then
   * undoes the whole and comes out of the outermost call. `work` must not be asynchronous.
   */
  transaction<T>(work: () => T): Stored<T>;
  /** The same for what gives room back: on a full disk it may use what is laid by. While that is used up, all else waits. */
  makingRoom<T>(work: () => T): Stored<T>;
}

const fileName = 'state.db';
const readerWaitMs = 2_000;

/**
 * Opens or makes `state.db` (0600 in a directory of 0700). A damaged file is set aside and a new one begins
 * with what can be read of it.
 * Throws ConfigError when another agent has the directory or it cannot be used, RetryableError when the disk is full,
 * read-only or failing now.
 */
export function openDatabase(stateDirectory: string, log: Log): Database {
  const path = join(stateDirectory, fileName);
  try {
    makePrivateDirectory(stateDirectory, log);
    using opened = new DisposableStack();
    const hold = opened.use(holdDirectory(stateDirectory));
    const sqlite = openOrReplace(path, log);
    opened.move();
    return owned(sqlite, hold, path, openReserve(stateDirectory));
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

function owned(sqlite: DatabaseSync, hold: Disposable, path: string, reserve: Reserve): Database {
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

  /** What takes room waits until what was laid by is there again. */
  function taking<T>(work: () => T): Stored<T> {
    if (reserve.state === 'spent') reserve.restore();
    if (reserve.state !== 'spent') return outermost(work);
    return { stored: false, error: new RetryableError(`${path}: disk full (the room laid by is used to note what is delivered; all else waits until that has given some back)`) };
  }

  function making<T>(work: () => T): Stored<T> {
    const first = outermost(work);
    const stored = first.stored || !isFull(first.error.cause) || !reserve.spend() ? first : outermost(work);
    if (stored.stored) reserve.restore();
    return stored;
  }

  const transaction: Database['transaction'] = work => running ? joined(work) : taking(work);
  return {
    ...reader(sqlite, path),
    directory: dirname(path),
    get damage() { return untoldDamage(sqlite); },
    damageTold: () => transaction(() => { sqlite.prepare('DELETE FROM note WHERE name = ?').run(damageNote); }),
    transaction,
    makingRoom: work => running ? joined(work) : making(work),
    [Symbol.dispose]() {
      try { sqlite.close(); } finally { hold[Symbol.dispose](); }
    },
  };
}
