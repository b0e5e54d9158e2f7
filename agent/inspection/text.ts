import { styleText } from 'node:util';
import { escapeText } from '../contract/text.ts';
import type { Verdict } from '../contract/inspection.ts';
import type { Result } from './result.ts';

const colours = { clean: 'green', suspicious: 'yellow', malicious: 'red', malformed: 'red', incomplete: 'magenta', unsupported: 'magenta' } as const;
const order = ['critical', 'high', 'medium', 'low', 'info'] as const;

/** For people: one line a file, its findings below it, the gravest first. */
export function* resultLines(result: Result): Generator<string> {
  const verdict = styleText(colours[result.verdict], result.verdict.toUpperCase().padEnd(11), { stream: process.stdout });
  yield `${verdict} ${escapeText(result.path)}  ${escapeText(result.format)}${result.size === null ? '' : `, ${result.size} bytes`}${result.sha256 === null ? '' : `, sha256 ${result.sha256.slice(0, 12)}…`}`;
  for (const { severity, rule, message, where } of result.findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity)).slice(0, 20)) {
    const at = Object.entries(where).map(([name, value]) => `${name} ${value}`).join(', ');
    yield `            ${severity.padEnd(8)} ${rule}: ${escapeText(message)}${at === '' ? '' : `  (${escapeText(at)})`}`;
  }
  if (result.findings.length > 20) yield `            … ${result.findings.length - 20} more findings`;
}

/** What was not examined comes first: nobody may take it for clean. */
export function summaryLine(counts: ReadonlyMap<Verdict, number>): string {
  const of = (verdict: Verdict) => counts.get(verdict) ?? 0;
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const unexamined = of('incomplete') + of('unsupported');
  const found = (['malicious', 'malformed', 'suspicious'] as const).filter(verdict => of(verdict) > 0).map(verdict => `${of(verdict)} ${verdict}`);
  return `${all} files: ${unexamined} not examined to their end (${of('incomplete')} incomplete, ${of('unsupported')} unsupported), ${found.join(', ') || 'no findings'}, ${of('clean')} clean`;
}
