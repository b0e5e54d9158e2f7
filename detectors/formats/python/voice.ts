import type { Severity } from '../../../agent/contract/finding.ts';
import { escapeText } from '../../../agent/contract/text.ts';
import type { Report, Where } from '../report.ts';
import { type Level, type RuleName, rules } from './rules.ts';

/** Says what was found: each rule once a line, and at most a few times a file. */
export interface Voice {
  /** `what` goes on from "When it is imported, it" or "A function of it": `starts a process`. */
  does(rule: RuleName, level: Level, line: number, what: string): void;
  /** A whole sentence. */
  says(rule: string, severity: Severity, line: number, message: string, techniques: readonly string[]): void;
}

const mostTold = 20;
const longestExcerpt = 160;

export function voiceOf(report: Report, lines: readonly string[], where: (line: number) => Where, called: Readonly<Record<Level, string>>): Voice {
  const told = new Map<string, number>();
  const isNew = (rule: string, line: number): boolean => {
    const times = told.get(rule) ?? 0;
    const key = `${rule} ${line}`;
    if (times >= mostTold || told.has(key)) return false;
    told.set(rule, times + 1);
    told.set(key, 1);
    return true;
  };
  const says: Voice['says'] = (rule, severity, line, message, techniques) => { say(rule, severity, 0.8, line, message, techniques); };
  function say(rule: string, severity: Severity, confidence: number, line: number, message: string, techniques: readonly string[]) {
    if (!isNew(`${rule} ${severity}`, line)) return;
    const excerpt = escapeText((lines[line - 1] ?? '').trim().slice(0, longestExcerpt));
    report.note({ rule: `python.${rule}`, severity, confidence, techniques, message, where: where(line), ...(excerpt === '' ? {} : { evidence: excerpt.slice(0, 200) }) });
  }
  return {
    says,
    does(name, level, line, what) {
      const { severity, confidence, techniques } = rules[name];
      say(name, severity[level], confidence, line, `${called[level]} ${what}`, techniques);
    },
  };
}
