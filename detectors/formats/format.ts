import type { Report } from './report.ts';
import type { Source } from './source.ts';

/** The first and last bytes of a file, for telling formats apart. */
export interface Probe {
  /** Last part of the path; only a hint. */
  readonly name: string;
  readonly size: number;
  /** At most 4,096 bytes; of an object behind more blanks than that, its first ones. */
  readonly head: Uint8Array;
  /** At most 65,557 bytes, which hold a zip's end record with the longest comment. */
  readonly tail: Uint8Array;
}

/** A file format: how it is told, and how it is read as MXNet (or whoever loads it) would. */
export interface Format {
  /** kebab-case; `format` in an inspection. */
  readonly name: string;
  /** Whether this content begins or ends as the format does. Several may say so: then the file is tried by each. */
  fits(probe: Probe): boolean;
  /**
   * Reads all of it. Throws RangeError for what cannot be read on (the caller makes it malformed), BudgetError when the
   * budget is used up (the caller makes it incomplete), nothing else.
   */
  inspect(source: Source, report: Report, name: string): void;
}

export const defineFormat = (format: Format): Format => format;
