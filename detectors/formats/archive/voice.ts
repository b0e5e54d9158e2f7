import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report, Where } from '../report.ts';
import type { MemberFlaw } from './member-flaw.ts';

/** What one zip archive, and what is made of it, has to say. */
export interface Voice {
  /** `rule` in full. */
  say(rule: string, severity: Severity, message: string, where: Where, techniques?: readonly string[]): void;
  flaw(flaw: MemberFlaw, where: Where): void;
}

const usualTechniques = ['AML.T0076'];

export const createVoice = (report: Report): Voice => ({
  say(rule, severity, message, where, techniques = usualTechniques) { report.note({ rule, severity, confidence: 0.9, message, where, techniques }); },
  flaw(flaw, where) { report.note({ ...flaw, where }); },
});
