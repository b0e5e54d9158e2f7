import { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '../contract/errors.ts';
import { migrations } from './migrations.ts';

/** How many of the migrations this file has seen. Throws ConfigError when a newer mxwarden wrote it. */
export function schemaVersion(sqlite: DatabaseSync, path: string): number {
  const version = Number(sqlite.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length) throw new ConfigError(`${path} was written by a newer mxwarden (schema ${version}, this one knows ${migrations.length}): install that version, or choose another state directory`);
  return version;
}

export function migrate(sqlite: DatabaseSync, path: string): void {
  step(sqlite, schemaVersion(sqlite, path), migrations.length);
}

/**
 * What differs from the schema its version promises, or null. An integrity check does not see that: a spoilt column name is
 * a valid schema, only not ours. Objects that we never make are nobody's business.
 */
export function schemaDamage(sqlite: DatabaseSync, path: string): string | null {
  const version = schemaVersion(sqlite, path);
  const found = definitions(sqlite);
  const promised = definitionsAt(version);
  for (const [name] of definitionsAt(migrations.length)) {
    if (found.get(name) !== promised.get(name)) return `the schema is not that of version ${version}: ${name}`;
  }
  return null;
}

function definitionsAt(version: number): ReadonlyMap<string, string> {
  using sqlite = new DatabaseSync(':memory:');
  step(sqlite, 0, version);
  return definitions(sqlite);
}

const definitions = (sqlite: DatabaseSync): ReadonlyMap<string, string> =>
  new Map(sqlite.prepare("SELECT name, type || ' on ' || tbl_name || ': ' || coalesce(sql, '') AS definition FROM sqlite_schema").all()
    .map(({ name, definition }) => [String(name), String(definition)]));

function step(sqlite: DatabaseSync, from: number, to: number): void {
  for (const [index, { sql }] of migrations.slice(0, to).entries()) {
    if (index >= from) sqlite.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
