import { defineFormat } from '../format.ts';
import { quoted } from '../quote.ts';
import { BudgetError } from '../report.ts';
import type { Source } from '../source.ts';
import { textKindOf } from '../text/likeness.ts';
import { oddInterpreter } from '../text/shebang.ts';
import { analysePython, usualWords } from './analysis.ts';
import { decodeSource } from './decode.ts';

/** Longer sources are not read: Python files of people are below one megabyte. */
const longestSource = 2_097_152;

/** Python source: what it does when it is imported, and what its functions would do (Python reference; PEP 263, PEP 3131). */
export const python = defineFormat({
  name: 'python',
  fits: probe => textKindOf(probe) === 'python',
  inspect(source, report) {
    const bytes = loadText(source, longestSource, 'Python source');
    const { text, remarks } = decodeSource(bytes);
    report.budget.spend(bytes.length / 50);
    for (const { rule, severity, line, message, techniques } of remarks) report.note({ rule: `python.${rule}`, severity, confidence: 0.85, message, where: { line }, techniques });
    const odd = oddInterpreter(text);
    if (odd !== null) report.note({ rule: 'script.interpreter', severity: 'medium', confidence: 0.7, where: { line: 1 }, techniques: ['T1036', 'T1059.006'], message: `It is run with an interpreter from an unusual place: ${quoted(odd, 120)}` });
    const { faults, ...facts } = analysePython(text, report, { level: 'import', where: line => ({ line }), called: usualWords, depth: 0 });
    report.inventory('python', { ...facts, faults });
    report.parsed(bytes.length);
  },
});

/** All of it, or a BudgetError. */
export function loadText(source: Source, longest: number, what: string): Uint8Array {
  if (source.size > longest) throw new BudgetError(`${what} of more than ${longest} bytes is not read`);
  return Uint8Array.from(source.read(0, source.size));
}
