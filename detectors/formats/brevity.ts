import type { Format } from './format.ts';
import type { Note } from './report.ts';

const mostOfOneRule = 10;

/**
 * A parser that repeats itself little: ten notes of one rule and severity are told, and at its end, however it ends, how many
 * more there were. A flood of one kind must not push others out.
 */
export const inBrief = (inspect: Format['inspect']): Format['inspect'] => (source, report, name) => {
  const counts = new Map<string, number>();
  const note = (each: Note) => {
    const key = `${each.severity} ${each.rule}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= mostOfOneRule) report.note(each);
  };
  try { inspect(source, { ...report, note }, name); } finally {
    for (const [key, count] of counts) {
      if (count <= mostOfOneRule) continue;
      report.note({ rule: key.slice(key.indexOf(' ') + 1), severity: 'info', confidence: 1, message: `${count - mostOfOneRule} more of ${key} in this file`, where: {}, techniques: [] });
    }
  }
};
