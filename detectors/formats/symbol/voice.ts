import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report, Where } from '../report.ts';

/** What one symbol file has to say. */
export interface Voice {
  say(rule: string, severity: Severity, confidence: number, message: string, where: Where, ...techniques: readonly string[]): void;
  /** As `say`, but MXNet refuses the file for it. */
  refused(rule: string, message: string, where: Where): void;
}

/** What is said without one of its own: the file is not as any exporter writes it. */
const abnormal = ['AML.T0076'];

export function createVoice(report: Report): Voice {
  const say: Voice['say'] = (rule, severity, confidence, message, where, ...techniques) => {
    const cited = techniques.length > 0 || severity === 'low' || severity === 'info' ? techniques : abnormal;
    report.note({ rule: `symbol.${rule}`, severity, confidence, message, where, techniques: cited });
  };
  return {
    say,
    refused(rule, message, where) {
      report.malformed();
      say(rule, 'medium', 0.8, message, where, 'AML.T0076');
    },
  };
}
