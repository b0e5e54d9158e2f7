import type { TrailStatus } from './audit/account.ts';
import type { Severity } from './contract/finding.ts';

/** What a running agent tells of itself; version 1 of this shape is an interface. */
export interface Status {
  readonly version: 1;
  readonly agent: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly armedAt: number | null;
  readonly collectors: readonly { readonly name: string; readonly state: string; readonly reason: string | null; readonly restarts: number; readonly sees: string | null; readonly blind: readonly string[] }[];
  readonly processes: number;
  readonly events: { readonly emitted: number; readonly waiting: number; readonly dropped: number; readonly lost: number };
  readonly detectors: { readonly on: readonly string[]; readonly failures: number; readonly findings: number };
  readonly incidents: { readonly open: number; readonly suppressed: number };
  /** Those of the configuration, in its order; what each suppressed since start or reload. */
  readonly exceptions: readonly { readonly rule: string; readonly owner: string; readonly reason: string; readonly expires: string; readonly expired: boolean; readonly suppressed: number }[];
  readonly inspector: { readonly waiting: number; readonly inspected: number; readonly unread: number };
  /** Alerts that were dropped before every sink had them, since the start, as far as anybody knows how grave they were. */
  readonly outbox: { readonly dropped: Readonly<Partial<Record<Severity, number>>> };
  readonly sinks: readonly SinkStatus[];
  /** The audit trail; null when it is off. */
  readonly audit: TrailStatus | null;
  /** Why nothing can be stored at the moment; null when it can. */
  readonly storeFailure: string | null;
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

/** One forwarder's delivery. */
export interface SinkStatus {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly pending: number;
  /** Of what is pending, as JSON. */
  readonly bytes: number;
  readonly dead: number;
  readonly oldestAt: number | null;
  /** Of an alert or a heartbeat. */
  readonly lastSuccessAt: number | null;
  /** Stays after a success: compare the times. */
  readonly lastError: { readonly at: number; readonly reason: string } | null;
}
