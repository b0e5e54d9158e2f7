import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report } from '../report.ts';

/** What one ELF file has to say. */
export interface Voice {
  say(rule: string, severity: Severity, confidence: number, offset: number, message: string, techniques: readonly string[], evidence?: string): void;
  /** As `say`, but the loader refuses the file for it. */
  refused(rule: string, offset: number, message: string): void;
}

/** An analysis that ends early or sees another file than the loader does. */
export const evasion = ['AML.T0076', 'T1027'] as const;
/** Code that runs with the load itself. */
export const runsAtLoad = ['AML.T0011.000', 'T1129'] as const;
/** The loader is led to other files. */
export const hijack = ['T1574.006', 'T1129'] as const;
/** Something is carried along. */
export const carrier = ['AML.T0018.002', 'T1027.009'] as const;

export function createVoice(report: Report): Voice {
  const voice: Voice = {
    say(rule, severity, confidence, offset, message, techniques, evidence) {
      report.note({ rule: `elf.${rule}`, severity, confidence, message, where: { offset }, techniques, ...(evidence === undefined ? {} : { evidence }) });
    },
    refused(rule, offset, message) {
      report.malformed();
      voice.say(rule, 'medium', 0.8, offset, message, ['AML.T0076']);
    },
  };
  return voice;
}
