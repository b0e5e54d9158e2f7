import { closeSync, constants, copyFileSync, existsSync, ftruncateSync, lstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from './directory.ts';
import { isUnreadable } from './failure.ts';
import { schemaDamage, schemaVersion } from './schema.ts';
import { isRagged, pageBytes } from './sound.ts';

/** A damaged file and its log, open to be read from. It stays as it is. */
export interface Wreck extends Disposable { readonly sqlite: DatabaseSync }

const place = 'the damaged file';
const suffixes = ['', '-wal', '-shm'] as const;

/**
 * Opens what was set aside at `path`. Where its first page, which has the schema, is not ours any more or gone, or its last
 * one is cut, a copy of whole pages is read on which the first is that of `sound`, a new closed file of this version: its
 * tables begin on the same pages, since a file that vacuums itself keeps the roots of its tables at its front. Null when
 * there is nothing to read.
 */
export function openWreck(path: string, sound: string): Wreck | null {
  const before = suffixes.filter(suffix => existsSync(path + suffix));
  const direct = before.includes('') && !isRagged(path) ? readable(() => new DatabaseSync(path, { readOnly: true, defensive: false })) : null;
  if (direct !== null) return { sqlite: direct, [Symbol.dispose]() { direct.close(); removeAll(path, before); } };
  removeAll(path, before);
  const copy = `${path}.copy`;
  removeAll(copy, []);
  const patched = patch(path, copy, sound) ? readable(() => new DatabaseSync(copy, { defensive: false })) : null;
  if (patched === null) { removeAll(copy, []); return null; }
  return { sqlite: patched, [Symbol.dispose]() { patched.close(); removeAll(copy, []); } };
}

/** With the schema as code that writes it may see it: then a file that is shorter than it says is read as far as it goes. */
function readable(open: () => DatabaseSync): DatabaseSync | null {
  let sqlite: DatabaseSync | undefined;
  try {
    sqlite = open();
    sqlite.exec('PRAGMA writable_schema = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    if (schemaVersion(sqlite, place) > 0 && schemaDamage(sqlite, place) === null) return sqlite;
  } catch (error) { if (!isUnreadable(error)) throw error; }
  sqlite?.close();
  return null;
}

/** False when there is neither a page nor a log. */
function patch(path: string, copy: string, sound: string): boolean {
  const size = (name: string) => lstatSync(name, { throwIfNoEntry: false })?.size ?? 0;
  if (size(path) < pageBytes && size(`${path}-wal`) === 0) return false;
  if (existsSync(path)) copyFileSync(path, copy, constants.COPYFILE_FICLONE); else makePrivateFile(copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
  const pages = Math.max(1, Math.floor(size(copy) / pageBytes));
  const page = firstPage(sound);
  page.writeUInt32BE(pages, 28);
  // No list of free pages: nothing is written there.
  page.fill(0, 32, 40);
  const descriptor = openSync(copy, 'r+');
  try {
    writeSync(descriptor, page, 0, pageBytes, 0);
    ftruncateSync(descriptor, pages * pageBytes);
  } finally { closeSync(descriptor); }
  return true;
}

function firstPage(path: string): Buffer {
  const page = Buffer.alloc(pageBytes);
  const descriptor = openSync(path, 'r');
  try { readSync(descriptor, page, 0, pageBytes, 0); } finally { closeSync(descriptor); }
  return page;
}

function removeAll(path: string, except: readonly string[]): void {
  for (const suffix of suffixes) if (!except.includes(suffix)) rmSync(path + suffix, { force: true });
}
