import { existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Log } from '../contract/component.ts';
import { RetryableError } from '../contract/errors.ts';
import { severities } from '../contract/finding.ts';
import { makePrivateFile, syncDirectory } from './directory.ts';
import { type Salvage, salvage } from './salvage.ts';
import { type Opened, openSound, pageBytes } from './sound.ts';
import { openWreck } from './wreck.ts';

/** A damaged file that was set aside, and what of it the new one has. */
export interface Damage extends Salvage {
  /** Its name now, beside the new one. */
  readonly setAside: string;
  /** What was wrong with it. */
  readonly reason: string;
}

/** Under this note until somebody was told. */
export const damageNote = 'damage';

/** Null when there was none, or it is told. A note that the disk has spoilt is news all the same. */
export function untoldDamage(sqlite: DatabaseSync): Damage | null {
  const row = sqlite.prepare('SELECT value FROM note WHERE name = ?').get(damageNote);
  return row === undefined ? null : noted.safeParse(row['value']).data ?? { ...nothing, setAside: 'unknown', reason: 'the note of it cannot be read' };
}

// A start must not take minutes: a service manager that waits for it would end it, and begin again.
const budgetMs = 30_000;
const mostTries = 2;
const count = z.int().min(0);
const damage = z.object({
  setAside: z.string().max(1_000), reason: z.string().max(2_000), saved: count, lost: count.nullable(),
  alerts: z.object({ saved: count, lost: z.partialRecord(z.enum(severities), count).nullable() }),
});
const noted = z.string().transform((text, context) => {
  try { return JSON.parse(text) as unknown; } catch { context.addIssue('no JSON'); return z.NEVER; }
}).pipe(damage);
const nothing: Salvage = { saved: 0, lost: null, alerts: { saved: 0, lost: null } };

/**
 * Opens the file at `path`, makes it where there is none, and replaces it where it is damaged: set aside whole under a
 * dated name, and what can be read of it brought into a new one. The new one gets its name when it is complete: whoever is
 * killed meanwhile goes on at the next start, twice at most, so that no file can keep the agent from starting.
 */
export function openOrReplace(path: string, log: Log): DatabaseSync {
  const tries = triesOf(path);
  const isGone = (sizeOf(path) ?? 0) === 0;
  const first = tries !== null && isGone ? { damage: 'it was set aside, and replacing it did not come to its end' } : openThere(path);
  if ('damage' in first) return replace(path, { reason: first.damage, tries: tries ?? 0, begun: tries !== null && isGone ? newestAside(path) : null }, log);
  if (tries !== null) forgetTries(path);
  return first.sqlite;
}

function openThere(path: string): Opened {
  const size = sizeOf(path);
  // SQLite would delete that log without a word.
  if ((size ?? 0) === 0 && (sizeOf(`${path}-wal`) ?? 0) > 0) return { damage: 'the database is gone, only its write-ahead log is left' };
  // A file of ours gets its name when it has its schema. SQLite would take what is shorter for a new one.
  if (size !== null && size < pageBytes && !isLink(path)) return { damage: size === 0 ? 'it is empty' : 'it is shorter than one page' };
  return size === null ? begin(path) : openSound(path);
}

function begin(path: string): Opened {
  const unnamed = unnamedOf(path);
  removeFile(unnamed);
  soundAt(unnamed).close();
  name(path);
  return openSound(path);
}

interface Case {
  readonly reason: string;
  readonly tries: number;
  /** Under which name it was set aside already. */
  readonly begun: string | null;
}

function replace(path: string, { reason, tries, begun }: Case, log: Log): DatabaseSync {
  const [mark, next] = [tryFile(path, tries), tryFile(path, Math.min(tries, mostTries) + 1)];
  if (!existsSync(mark)) makePrivateFile(mark);
  const setAside = moveAside(path, begun);
  renameSync(mark, next);
  syncDirectory(dirname(path));
  let saved: Salvage;
  try { saved = fill(unnamedOf(path), setAside, tries, reason); } catch (error) {
    // Not of the damaged file's doing: it counts for nothing.
    renameSync(next, mark);
    throw error;
  }
  name(path);
  forgetTries(path);
  log.error('the state was damaged: it is set aside, and what could be read of it is in a new one', { path, setAside: basename(setAside), reason, saved: saved.saved, lost: saved.lost ?? 'unknown' });
  return soundAt(path);
}

/** A new file is complete and closed before it has its name. */
function name(path: string): void {
  renameSync(unnamedOf(path), path);
  syncDirectory(dirname(path));
}

function fill(file: string, setAside: string, tries: number, reason: string): Salvage {
  removeFile(file);
  // Closed once, it has its first page.
  soundAt(file).close();
  const fresh = soundAt(file);
  try {
    const saved = tries < mostTries ? salvageFrom(setAside, fresh, file) : nothing;
    const told: Damage = { ...saved, setAside: basename(setAside), reason: reason.slice(0, 1_000) };
    fresh.prepare('INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)').run(damageNote, JSON.stringify(told));
    return saved;
  } finally { fresh.close(); }
}

function salvageFrom(setAside: string, fresh: DatabaseSync, file: string): Salvage {
  using wreck = openWreck(setAside, file);
  return wreck === null ? nothing : salvage(wreck, fresh, file, budgetMs);
}

function soundAt(file: string): DatabaseSync {
  const opened = openSound(file);
  if ('damage' in opened) throw new RetryableError(`${file} is damaged even when new: ${opened.damage}`);
  return opened.sqlite;
}

/** Renames the three files so that sqlite3(1) still opens them together. The log goes last: alone it is noticed. */
function moveAside(path: string, begun: string | null): string {
  const target = begun ?? `${path}.damaged-${new Date().toISOString().replaceAll(/[-:]/g, '')}`;
  for (const suffix of ['', '-shm', '-wal']) if (existsSync(path + suffix) && !existsSync(target + suffix)) renameSync(path + suffix, target + suffix);
  syncDirectory(dirname(path));
  return target;
}

function newestAside(path: string): string | null {
  const beginning = `${basename(path)}.damaged-`;
  const newest = readdirSync(dirname(path)).filter(name => name.startsWith(beginning)).map(name => name.replace(/-(wal|shm)$/, '')).sort().at(-1);
  return newest === undefined ? null : join(dirname(path), newest);
}

const unnamedOf = (path: string): string => `${path}.new`;
const tryFile = (path: string, tries: number): string => `${path}.salvage-${tries}`;

/** How often replacing was begun and ended by the end of the process; null when there is nothing to go on with. */
function triesOf(path: string): number | null {
  return [mostTries + 1, mostTries, 1, 0].find(tries => existsSync(tryFile(path, tries))) ?? null;
}

function forgetTries(path: string): void {
  for (let tries = 0; tries <= mostTries + 1; tries += 1) rmSync(tryFile(path, tries), { force: true });
}

function removeFile(path: string): void {
  for (const suffix of ['', '-shm', '-wal']) rmSync(path + suffix, { force: true });
}

const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink();

/** Null when there is none. */
const sizeOf = (path: string): number | null => lstatSync(path, { throwIfNoEntry: false })?.size ?? null;
