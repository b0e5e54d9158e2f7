import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report, Where } from '../report.ts';

/** What one symbol file has to say; the same rule at most a few times, and how often in all. */
export interface Voice {
  say(rule: string, severity: Severity, confidence: number, message: string, where: Where, ...techniques: readonly string[]): void;
  /** As `say`, but MXNet refuses the file for it. */
  refused(rule: string, message: string, where: Where): void;
  /** Tells how many notes were left out. */
  end(): void;
}

const mostOfOneRule = 20;
/** What is said without one of its own: the file is not as any exporter writes it. */
const abnormal = ['AML.T0076'];

export function createVoice(report: Report): Voice {
  const counts = new Map<string, number>();
  const say: Voice['say'] = (rule, severity, confidence, message, where, ...techniques) => {
    const key = `${severity} symbol.${rule}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const cited = techniques.length > 0 || severity === 'low' || severity === 'info' ? techniques : abnormal;
    if (count <= mostOfOneRule) report.note({ rule: `symbol.${rule}`, severity, confidence, message, where, techniques: cited });
  };
  return {
    say,
    refused(rule, message, where) {
      report.malformed();
      say(rule, 'medium', 0.8, message, where, 'AML.T0076');
    },
    end() {
      for (const [key, count] of counts) {
        if (count <= mostOfOneRule) continue;
        const rule = key.slice(key.indexOf(' ') + 1);
        report.note({ rule, severity: 'info', confidence: 1, message: `${count - mostOfOneRule} more of ${key} in this symbol`, where: {}, techniques: [] });
      }
    },
  };
}
