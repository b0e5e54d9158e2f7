import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report } from '../report.ts';

export type RequirementVoice = (rule: string, severity: Severity, line: number, message: string, techniques: readonly string[]) => void;

const mostTold = 20;

/** Each rule a few times a file. */
export function requirementVoice(report: Report): RequirementVoice {
  const told = new Map<string, number>();
  return (rule, severity, line, message, techniques) => {
    const times = (told.get(`${rule} ${severity}`) ?? 0) + 1;
    told.set(`${rule} ${severity}`, times);
    if (times <= mostTold) report.note({ rule: `requirements.${rule}`, severity, confidence: 0.8, where: { line }, message, techniques });
  };
}

/** A URL without the name and password in it. */
export const withoutCredentials = (url: string): string => url.replace(/\/\/[^/@\s]*@/g, '//…@');
