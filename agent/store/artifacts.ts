import type { InspectionRecord } from '../contract/inspection.ts';
import type { Database } from './database.ts';

/** The last inspection of each path, so that an unchanged file is not read again. */
export interface ArtifactStore {
  get(path: string): InspectionRecord | null;
  /** Known at once, stored by the next `save`. */
  set(path: string, record: InspectionRecord): void;
  /** Writes what was set and not yet saved. Call inside a transaction, and the returned function once that is committed. */
  save(): () => void;
  readonly unsaved: number;
}

const mostRows = 500_000;
const mostPending = 20_000;

export function openArtifacts(database: Database): ArtifactStore {
  const pending = new Map<string, InspectionRecord>();
  const select = database.prepare('SELECT record FROM artifact WHERE path = ?');
  const put = database.prepare('INSERT INTO artifact (path, at, record) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET at = excluded.at, record = excluded.record');
  const trim = database.prepare('DELETE FROM artifact WHERE path IN (SELECT path FROM artifact ORDER BY at LIMIT max(0, (SELECT count(*) FROM artifact) - ?))');
  let sinceTrim = 0;

  return {
    get(path) {
      const waiting = pending.get(path);
      if (waiting) return waiting;
      const row = select.get(path);
      return row ? JSON.parse(String(row['record'])) as InspectionRecord : null;
    },
    // Forgetting one costs a second reading of that file, nothing else.
    set(path, record) { if (pending.size < mostPending) pending.set(path, record); },
    get unsaved() { return pending.size; },
    save() {
      const rows = [...pending];
      const now = Date.now();
      for (const [path, record] of rows) put.run(path, now, JSON.stringify(record));
      if (sinceTrim + rows.length > 10_000) trim.run(mostRows);
      return () => {
        sinceTrim = sinceTrim + rows.length > 10_000 ? 0 : sinceTrim + rows.length;
        for (const [path, record] of rows) if (pending.get(path) === record) pending.delete(path);
      };
    },
  };
}
