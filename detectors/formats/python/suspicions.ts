import type { Report } from '../report.ts';
import type { Evaluator } from './evaluate.ts';
import type { Node, Program } from './grammar.ts';
import type { Level } from './rules.ts';
import type { Voice } from './voice.ts';

/** What the checks share about one program. */
export interface Suspicions {
  readonly report: Report;
  readonly voice: Voice;
  readonly program: Program;
  readonly evaluator: Evaluator;
  readonly text: string;
  /** Literals that were told. */
  readonly seen: Set<Node>;
  /** Analyses a text that the program runs. */
  inner(text: string, level: Level, line: number): void;
}
