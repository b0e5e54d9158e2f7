import { type Severity, severities } from '../contract/finding.ts';
import type { Incident } from '../contract/incident.ts';
import type { Database, Reader } from './database.ts';

/** The newest revision of each incident, kept after its delivery for whoever asks on the host itself. */
export interface IncidentStore {
  /** Call inside a transaction. Revisions come in order. */
  save(incidents: readonly Incident[]): void;
}

export interface IncidentFilter {
  /** And above. */
  readonly severity?: Severity;
  /** Changed at or after, epoch milliseconds. */
  readonly since?: number;
  readonly open?: boolean;
  readonly limit: number;
}

export interface IncidentView {
  /** Oldest change first, the newest `limit` of them. Throws RetryableError. */
  list(filter: IncidentFilter): readonly Incident[];
  /** Those whose id begins so, at most ten. Throws RetryableError. */
  find(id: string): readonly Incident[];
}

const mostRows = 10_000;
const mostBytes = 268_435_456;
const trimEvery = 100;

/** At most 10,000 incidents and 256 MiB; the longest unchanged go first. */
export function openIncidents(database: Database): IncidentStore {
  const put = database.prepare(`
    INSERT INTO incident (id, changed_at, severity, bytes, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, severity = excluded.severity, bytes = excluded.bytes, body = excluded.body`);
  const trim = database.prepare(`
    DELETE FROM incident WHERE id IN (
      SELECT id FROM (SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS through FROM incident WINDOW newest AS (ORDER BY changed_at DESC, id))
      WHERE place > ? OR through > ?)`);
  let sinceTrim = trimEvery;
  return {
    save(incidents) {
      for (const incident of incidents) {
        const body = JSON.stringify(incident);
        put.run(incident.id, Math.round(incident.changedAt), severities.indexOf(incident.severity), Buffer.byteLength(body), body);
      }
      sinceTrim += incidents.length;
      if (sinceTrim < trimEvery) return;
      trim.run(mostRows, mostBytes);
      sinceTrim = 0;
    },
  };
}

/** Reads only, so it serves beside a running agent. A row that the disk has spoilt is passed over. */
export function viewIncidents(reader: Reader): IncidentView {
  const newest = reader.prepare(`
    SELECT body FROM incident WHERE severity >= :severity AND changed_at >= :since AND (:open = 0 OR CASE WHEN json_valid(body) THEN body ->> '$.status' END <> 'closed')
    ORDER BY changed_at DESC, id DESC LIMIT :limit`);
  const beginning = reader.prepare('SELECT body FROM incident WHERE substr(id, 1, length(:id)) = :id ORDER BY id LIMIT 10');
  return {
    list: ({ severity = 'info', since = 0, open = false, limit }) =>
      reader.read(() => incidentsOf(newest.all({ severity: severities.indexOf(severity), since, open: open ? 1 : 0, limit }))).toReversed(),
    find: id => reader.read(() => incidentsOf(beginning.all({ id }))),
  };
}

function incidentsOf(rows: readonly Record<string, unknown>[]): Incident[] {
  return rows.flatMap(({ body }) => {
    try { return [JSON.parse(String(body)) as Incident]; } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}
