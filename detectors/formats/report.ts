import type { Severity } from '../../agent/contract/finding.ts';
import type { Fact } from './fact.ts';
import type { Source } from './source.ts';

/** Where in a file something was found. `member` is the path through archives, outermost first, joined by `!/`. */
export interface Where {
  readonly offset?: number;
  readonly length?: number;
  /** JSON pointer, RFC 6901. */
  readonly pointer?: string;
  /** Index of a pickle opcode. */
  readonly opcode?: number;
  readonly line?: number;
  readonly member?: string;
}

/** One thing to say about a file. `rule` is public interface: `format.what`, kebab-case. */
export interface Note {
  readonly rule: string;
  readonly severity: Severity;
  /** 0 to 1. */
  readonly confidence: number;
  /** One sentence; hostile text in it was written by `quoted`. */
  readonly message: string;
  readonly where: Where;
  /** A short excerpt, already escaped; at most 200 characters. */
  readonly evidence?: string;
  /** ATT&CK and ATLAS ids. */
  readonly techniques: readonly string[];
}

/** What a parser learnt about the content that is worth keeping: JSON, bounded by whoever writes it (64 KiB in all). */
export type Inventory = Record<string, unknown>;

/**
 * A parser tells everything through this. Three claims are kept apart: `note` (something is wrong or remarkable),
 * `parsed` (these bytes were understood, by the parser of this format) and `skipped` (these were not, and why).
 * A file is clean only when its parser has parsed every byte, skipped none and noted nothing above info.
 */
export interface Report {
  note(note: Note): void;
  /** Bytes of this source that were understood. Ranges may come in any order and must not be told twice. */
  parsed(bytes: number): void;
  /** What was not examined; the verdict becomes at least incomplete. */
  skipped(what: { readonly offset: number; readonly length: number; readonly why: string }): void;
  /** The bytes are no well-formed file of this format: the verdict becomes at least malformed. Say what is wrong by `note`. */
  malformed(): void;
  inventory(key: string, value: unknown): void;
  /** What the other files of the same model are held against. */
  fact(fact: Fact): void;
  /** Inspects a member or an embedded document with its own parser, under the same budget; `name` is its path inside. */
  nested(name: string, source: Source): void;
  readonly budget: Budget;
  /** How deep in archives and embedded documents we are; 0 for the file itself. */
  readonly depth: number;
}

/** Time, work and memory for the whole file, nested documents included. Parsers call `spend` in every loop they cannot bound. */
export interface Budget {
  /** Counts work (one unit is about one microsecond); throws BudgetError when the deadline has passed or too much was done. */
  spend(units: number): void;
  /** Counts bytes unpacked from archives; throws BudgetError beyond the bound. */
  unpack(bytes: number): void;
}

/** The file asked for more than it may have: incomplete, never clean. Not an error of the file's format. */
export class BudgetError extends RangeError {
  override readonly name = 'BudgetError';
}
