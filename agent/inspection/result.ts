import type { Observation } from '../contract/finding.ts';
import type { Coverage, Verdict } from '../contract/inspection.ts';

/** One line of `mxwarden inspect --format json`; version 1 of this shape is an interface. */
export interface Result {
  readonly path: string;
  readonly sha256: string | null;
  readonly size: number | null;
  readonly format: string;
  readonly verdict: Verdict;
  readonly findings: readonly ResultFinding[];
  readonly coverage: Coverage;
  readonly inventory: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

export interface ResultFinding {
  readonly rule: string;
  readonly severity: Observation['severity'];
  readonly message: string;
  readonly where: NonNullable<Observation['where']>;
  readonly evidence: string | null;
  /** ATT&CK and ATLAS ids. */
  readonly attack: readonly string[];
}

export const asFinding = ({ rule, severity, summary, where, evidence, techniques }: Observation): ResultFinding =>
  ({ rule, severity, message: summary, where: where ?? {}, evidence: evidence ?? null, attack: techniques });

/** For what was not opened at all. */
export function notOpened(path: string, size: number | null, why: string): Result {
  return {
    path, size, sha256: null, format: 'unknown', verdict: 'incomplete', inventory: {}, ms: 0,
    coverage: { bytes: size ?? 0, parsed: 0, skipped: [{ offset: 0, length: size ?? 0, why }] },
    findings: [{ rule: 'inspect.not-read', severity: 'info', message: `It was not inspected: ${why}`, where: {}, evidence: null, attack: [] }],
  };
}
