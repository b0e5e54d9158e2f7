/** One step of the schema. Steps run in order, each in a transaction of its own; `user_version` counts those that ran. */
export interface Migration {
  /** Which store it is for. */
  readonly store: string;
  readonly sql: string;
}

/** Add at the end only. A step that was released is never changed, moved or removed: it ran on somebody's machine. */
export const migrations: readonly Migration[] = [
  {
    store: 'outbox',
    sql: `
      -- Envelopes not yet delivered everywhere, as JSON without their sequence. severity: index into 'severities'.
      -- The checks are for when the file is opened: a number that the disk has spoilt is damage, not something to stumble over later.
      CREATE TABLE outbox (
        sequence INTEGER PRIMARY KEY CHECK (sequence BETWEEN 1 AND 9007199254740991),
        id TEXT NOT NULL UNIQUE,
        severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),
        at INTEGER NOT NULL CHECK (at BETWEEN 0 AND 9007199254740991),
        bytes INTEGER NOT NULL CHECK (bytes BETWEEN 0 AND 1073741824),
        draft TEXT NOT NULL
      ) STRICT;
      -- Who goes first when there is no room: severity, then sequence (the rowid ends every index).
      CREATE INDEX outbox_by_severity ON outbox (severity);

      -- One row: what the next sequence builds on (never used again, though rows go), and the bytes of all rows.
      CREATE TABLE outbox_total (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        last_sequence INTEGER NOT NULL CHECK (last_sequence BETWEEN 0 AND 9007199254740991),
        bytes INTEGER NOT NULL CHECK (abs(bytes) <= 9007199254740991)
      ) STRICT;
      INSERT INTO outbox_total VALUES (1, 0, 0);

      -- A sink has, or has refused, all up to its cursor. pending and bytes: what waits beyond it; only kept while enabled.
      CREATE TABLE outbox_sink (
        name TEXT PRIMARY KEY,
        enabled INTEGER NOT NULL,
        cursor INTEGER NOT NULL CHECK (cursor BETWEEN 0 AND 9007199254740991),
        pending INTEGER NOT NULL CHECK (abs(pending) <= 9007199254740991),
        bytes INTEGER NOT NULL CHECK (abs(bytes) <= 9007199254740991),
        last_success_at INTEGER CHECK (last_success_at BETWEEN 0 AND 9007199254740991),
        last_error TEXT,
        last_error_at INTEGER CHECK (last_error_at BETWEEN 0 AND 9007199254740991)
      ) STRICT, WITHOUT ROWID;

      -- Dead letters: what a sink will never take.
      CREATE TABLE outbox_dead (
        sink TEXT NOT NULL REFERENCES outbox_sink (name),
        sequence INTEGER NOT NULL REFERENCES outbox (sequence) ON DELETE CASCADE,
        at INTEGER NOT NULL CHECK (at BETWEEN 0 AND 9007199254740991),
        reason TEXT NOT NULL,
        PRIMARY KEY (sink, sequence)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX outbox_dead_by_sequence ON outbox_dead (sequence);
    `,
  },
  {
    store: 'state',
    sql: `
      -- What correlation must know after a restart: 'case:…', 'tree:…', 'context:…' → JSON.
      CREATE TABLE correlation (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      -- What detectors remember, in the order in which it was written.
      CREATE TABLE memory (detector TEXT NOT NULL, key TEXT NOT NULL, value ANY NOT NULL, PRIMARY KEY (detector, key)) STRICT;
      -- The last inspection of each path; valid only for the identity inside.
      CREATE TABLE artifact (path TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE INDEX artifact_by_age ON artifact (at);
      CREATE TABLE note (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    `,
  },
  {
    store: 'incidents',
    sql: `
      -- The newest revision of each incident, delivered or not. severity: index into 'severities'.
      CREATE TABLE incident (
        id TEXT PRIMARY KEY,
        changed_at INTEGER NOT NULL,
        severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 4),
        bytes INTEGER NOT NULL CHECK (bytes BETWEEN 0 AND 1073741824),
        body TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX incident_by_age ON incident (changed_at);
    `,
  },
  {
    store: 'outbox',
    sql: `
      -- Dead letters that an operator has sent again: they wait for their sink, though its cursor has passed them.
      CREATE TABLE outbox_again (
        sink TEXT NOT NULL REFERENCES outbox_sink (name),
        sequence INTEGER NOT NULL REFERENCES outbox (sequence) ON DELETE CASCADE,
        PRIMARY KEY (sink, sequence)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX outbox_again_by_sequence ON outbox_again (sequence);
    `,
  },
];
