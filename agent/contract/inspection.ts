import type { FileIdentity } from './file.ts';
import type { Observation } from './finding.ts';

/** Only a file that was parsed completely, to its last byte, by the parser of its real format is clean. */
export type Verdict = 'clean' | 'suspicious' | 'malicious' | 'malformed' | 'incomplete' | 'unsupported';

export interface Coverage {
  /** Of the file itself. */
  readonly bytes: number;
  /** Of them, understood by the parser of the format. */
  readonly parsed: number;
  /** What was not examined, members of archives included; at most 50 are told. */
  readonly skipped: readonly { readonly offset: number; readonly length: number; readonly why: string; readonly member?: string }[];
}

/** What the parsers made of one file. */
export interface Inspection {
  readonly format: string;
  readonly verdict: Verdict;
  readonly observations: readonly Observation[];
  readonly coverage: Coverage;
  /** By format: tensors, operators, members …; at most 64 KiB as JSON. */
  readonly inventory: Readonly<Record<string, unknown>>;
}

/** An inspection of exactly this file, change time included. */
export interface InspectionRecord extends Inspection {
  readonly file: FileIdentity;
  readonly sha256: string;
  /** Digest of the rules and settings it was judged by: a record of others is void. */
  readonly judgedBy?: string;
  /** Digest of what else than bytes it was judged by, such as its name: the same bytes in the same context need not be read again. */
  readonly judgedAs?: string;
  /** The file of the same model that it was held against, or that was looked for and not there. */
  readonly beside?: { readonly path: string; readonly file: FileIdentity | null };
}
