import type { Database } from './database.ts';

/** Rows of one table `key → JSON`, read once at start and written in batches. */
export interface StateStore {
  correlation(): Iterable<readonly [string, unknown]>;
  /** Null removes a row. Call inside a transaction. */
  saveCorrelation(rows: ReadonlyMap<string, unknown>): void;
  memory(detector: string): (readonly [string, string | number])[];
  saveMemory(detector: string, set: readonly (readonly [string, string | number])[], forgotten: readonly string[]): void;
  note(name: string): string | number | null;
  saveNote(name: string, value: string | number): void;
}

/** More is not restored: a state directory that somebody filled must not fill the agent's memory. */
const mostRows = 50_000;

export function openState(database: Database): StateStore {
  const correlation = database.prepare('SELECT key, value FROM correlation LIMIT ?');
  const put = database.prepare('INSERT INTO correlation (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
  const drop = database.prepare('DELETE FROM correlation WHERE key = ?');
  const memory = database.prepare('SELECT key, value FROM memory WHERE detector = ? ORDER BY rowid LIMIT ?');
  // Replaced, not updated: a new rowid puts it last, so that the order of writing survives.
  const remember = database.prepare('INSERT OR REPLACE INTO memory (detector, key, value) VALUES (?, ?, ?)');
  const forget = database.prepare('DELETE FROM memory WHERE detector = ? AND key = ?');
  const note = database.prepare('SELECT value FROM note WHERE name = ?');
  const saveNote = database.prepare('INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');

  return {
    *correlation() {
      for (const row of correlation.iterate(mostRows)) yield [String(row['key']), JSON.parse(String(row['value']))];
    },
    saveCorrelation(rows) {
      for (const [key, value] of rows) {
        if (value === null) drop.run(key);
        else put.run(key, JSON.stringify(value));
      }
    },
    memory: detector => memory.all(detector, mostRows).map(row => [String(row['key']), asValue(row['value'])]),
    saveMemory(detector, set, forgotten) {
      for (const [key, value] of set) remember.run(detector, key, value);
      for (const key of forgotten) forget.run(detector, key);
    },
    note(name) {
      const row = note.get(name);
      return row ? asValue(row['value']) : null;
    },
    saveNote(name, value) { saveNote.run(name, value); },
  };
}

const asValue = (value: unknown): string | number => typeof value === 'number' ? value : String(value);
