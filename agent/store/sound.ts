import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '../contract/errors.ts';
import { makePrivateFile } from './directory.ts';
import { isDamage } from './failure.ts';
import { migrate, schemaDamage } from './schema.ts';

export type Opened = { readonly sqlite: DatabaseSync } | { readonly damage: string };

// The agent writes alone and readers do not block it; what little waiting is left must not hold up the event loop.
const writerWaitMs = 100;
/** At the start a reader may hold it for a moment, and what a killed agent left must be gone through first. */
const openerWaitMs = 10_000;
/** SQLite's default, which our files have: https://www.sqlite.org/fileformat2.html#the_database_header */
export const pageBytes = 4_096;
const logHeadBytes = 32;
const frameHeadBytes = 24;
// 64 MiB
const mostPagesInFull = 16_384;

/** Opens, examines and brings up to date; makes it when there is none. The file stays closed when it is damaged. */
export function openSound(path: string): Opened {
  makePrivateFile(path);
  const seen = damageOr(() => headDamage(path) ?? earlyEnd(path));
  if (seen !== null) return { damage: seen };
  const sqlite = new DatabaseSync(path, { timeout: openerWaitMs, enableForeignKeyConstraints: true });
  try {
    // So that pages which delivered rows leave can be given back in small steps. It writes, and has an effect only on a new file.
    if (sqlite.prepare('PRAGMA page_count').get()?.page_count === 0) sqlite.exec('PRAGMA auto_vacuum = INCREMENTAL');
    const mode = sqlite.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
    if (mode !== 'wal') throw new ConfigError(`${path} is on a file system without shared memory maps (journal mode ${mode}): choose a local state directory`);
    sqlite.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 16777216');
    // First the schema: one that is not ours can make the examination itself fail.
    const damage = schemaDamage(sqlite, path) ?? pageDamage(sqlite);
    if (damage === null) {
      migrate(sqlite, path);
      sqlite.exec(`PRAGMA busy_timeout = ${writerWaitMs}`);
      return { sqlite };
    }
    sqlite.close();
    return { damage };
  } catch (error) {
    sqlite.close();
    return { damage: damageIn(error) };
  }
}

/** What it says, when it is about the file; else it is thrown on. */
function damageIn(error: unknown): string {
  if (isDamage(error)) return error instanceof Error ? error.message : String(error);
  throw error;
}

function damageOr(work: () => string | null): string | null {
  try { return work(); } catch (error) { return damageIn(error); }
}

/** A large file gets the quick examination, which takes every index at its word: the start must not wait for minutes. */
function pageDamage(sqlite: DatabaseSync): string | null {
  const pages = Number(sqlite.prepare('PRAGMA page_count').get()?.page_count);
  const [complaint] = Object.values(sqlite.prepare(pages > mostPagesInFull ? 'PRAGMA quick_check(1)' : 'PRAGMA integrity_check(1)').get() ?? {});
  return complaint === 'ok' ? null : String(complaint);
}

export const isRagged = (path: string): boolean => statSync(path).size % pageBytes !== 0;

/** Of a file format from the future SQLite would only read. Ours is 1, and 2 with a log; that of the schema, which it would refuse, is 4, and 0 in an empty file. */
function headDamage(path: string): string | null {
  const head = Buffer.alloc(48);
  const descriptor = openSync(path, 'r');
  try {
    if (readSync(descriptor, head, 0, head.length, 0) < head.length) return null;
  } finally { closeSync(descriptor); }
  return [18, 19].every(at => head[at] === 1 || head[at] === 2) && head.readUInt32BE(44) <= 4 ? null : 'it is of a file format that is not ours';
}

/** SQLite reads zeros where the file ends too early, and its examination does not mind in long texts. No damage while the log has such a page. */
function earlyEnd(path: string): string | null {
  const log = `${path}-wal`;
  if (!isRagged(path) && (!existsSync(log) || statSync(log).size === 0)) return null;
  const whole = Math.floor(statSync(path).size / pageBytes);
  // One that only reads leaves the log alone when it closes.
  using sqlite = new DatabaseSync(path, { readOnly: true });
  if (Number(sqlite.prepare('PRAGMA page_count').get()?.page_count) <= whole) return null;
  // That list goes down to a page as often as others lead to it: without end where they were made to.
  const damage = schemaDamage(sqlite, path) ?? pageDamage(sqlite);
  if (damage !== null) return damage;
  const logged = pagesInLog(log, Number(sqlite.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.log));
  // Free pages are not in this list, and need not be anywhere.
  for (const { pageno } of sqlite.prepare('SELECT pageno FROM dbstat WHERE pageno > ?').iterate(whole)) {
    if (!logged.has(Number(pageno))) return `it ends before page ${String(pageno)}, which it has in use`;
  }
  return null;
}

/** Of the first `frames` frames: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function pagesInLog(path: string, frames: number): ReadonlySet<number> {
  const pages = new Set<number>();
  if (frames <= 0 || !existsSync(path)) return pages;
  const descriptor = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4);
    for (let frame = 0; frame < frames && readSync(descriptor, head, 0, 4, logHeadBytes + frame * (frameHeadBytes + pageBytes)) === 4; frame += 1) pages.add(head.readUInt32BE());
  } finally { closeSync(descriptor); }
  return pages;
}
