import type { Event } from './event.ts';
import type { FileIdentity, Place } from './file.ts';
import type { Finding, Severity } from './finding.ts';
import type { Process } from './process.ts';

/** A claim about one load of one model, or about one artifact before any load. Changes are told by `revision`. */
export interface Incident {
  readonly id: string;
  /** 1, 2, 3 …: each is told whole, so the newest alone suffices. */
  readonly revision: number;
  readonly status: 'open' | 'updated' | 'closed';
  readonly severity: Severity;
  /** One sentence an analyst understands; hostile text already escaped. */
  readonly title: string;
  readonly artifact: { readonly place: Place; readonly file: FileIdentity | null; readonly sha256: string | null } | null;
  readonly loader: Process | null;
  /** Facts and findings in the order in which they happened; at most 200, the count of those left out is a gap. */
  readonly story: readonly Chapter[];
  readonly openedAt: number;
  readonly changedAt: number;
  /** Why this account may be incomplete: sensor level, losses, what could not be read. Empty means complete. */
  readonly gaps: readonly string[];
}
export type Chapter =
  | { readonly type: 'event'; readonly event: Event }
  | { readonly type: 'finding'; readonly finding: Finding };
