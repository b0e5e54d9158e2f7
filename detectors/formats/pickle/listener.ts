import type { Severity } from '../../../agent/contract/finding.ts';
import type { Budget } from '../report.ts';
import type { GlobalName } from './names.ts';
import type { Opcode } from './opcodes.ts';
import type { Bytes, Class, Extent, Text } from './values.ts';

/** An opcode's place. */
export interface Place { readonly offset: number; readonly opcode: number }

export interface Remark {
  /** Without the prefix `pickle.`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly evidence?: string;
  readonly why: 'runs' | 'hides' | 'exhausts' | 'odd';
}

/** Whoever follows a run of the machine. A probe ignores all of it. */
export interface Listener {
  readonly budget: Budget;
  opcode(opcode: Opcode): void;
  protocol(version: number): void;
  tell(remark: Remark, place: Place): void;
  imported(global: GlobalName, written: GlobalName, allowed: boolean): void;
  constant(value: Text | Bytes, place: Place): void;
  /** The handle of an array, at the moment the real unpickler would give it to native code. Gives its dimensions. */
  record(extent: Extent, place: Place): readonly number[] | null;
  array(of: Class): void;
  object(of: Class): void;
}
