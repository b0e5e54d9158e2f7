import { defineFormat } from '../format.ts';
import { quoted } from '../quote.ts';
import { loadText } from '../python/python.ts';
import { textKindOf } from './likeness.ts';
import { interpreterOf, oddInterpreter } from './shebang.ts';
import { remarksOnShell } from './shell.ts';

const longest = 4_194_304;
const mostTold = 20;

/** Scripts, by `#!` or name: with what they run (execve(2), interpreter scripts), and shapes of command that no model needs. What they do is not followed. */
export const script = defineFormat({
  name: 'script',
  fits: probe => textKindOf(probe) === 'script',
  inspect(source, report) {
    const bytes = loadText(source, longest, 'A script');
    const text = Buffer.from(bytes).toString('utf8');
    const marked = text.startsWith('#!');
    const odd = oddInterpreter(text);
    const interpreter = marked ? interpreterOf(bytes) : 'sh';
    report.inventory('script', { interpreter: interpreter.slice(0, 80) });
    report.note({
      rule: 'script.present', severity: 'low', confidence: 0.6, where: { line: 1 }, techniques: ['T1059.004', 'AML.T0011.000'],
      message: marked ? `It is a script for ${quoted(interpreter)}; what it does is not followed` : 'It is named like a shell script; what it does is not followed',
    });
    if (odd !== null) {
      report.note({ rule: 'script.interpreter', severity: 'medium', confidence: 0.7, where: { line: 1 }, techniques: ['T1036', 'T1059.004'], message: `It is run with an interpreter from an unusual place: ${quoted(odd, 120)}` });
    }
    let told = 0;
    const lines = joinedLines(text);
    for (const { content, line } of lines) {
      if (/^\s*#/.test(content)) continue;
      for (const { what, severity, message, techniques } of remarksOnShell(content, units => { report.budget.spend(units); })) {
        if (told++ >= mostTold) break;
        report.note({ rule: `script.${what}`, severity, confidence: 0.85, where: { line }, techniques, message: `A command ${message}: ${quoted(content.trim(), 120)}` });
      }
    }
    if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) report.note({ rule: 'script.binary', severity: 'high', confidence: 0.8, where: { line: 1 }, techniques: ['T1027.009', 'T1059.004'], message: 'Bytes that are no text follow in the script: it may unpack and run them' });
    report.skipped({ offset: 0, length: bytes.length, why: 'what a script does is not followed' });
  },
});

/** Lines, with those that a backslash continues. */
function joinedLines(text: string): { readonly content: string; readonly line: number }[] {
  const all: { content: string; line: number }[] = [];
  let open: { content: string; line: number } | null = null;
  for (const [index, part] of text.split('\n').entries()) {
    const content = part.replace(/\r$/, '');
    const goesOn: boolean = content.endsWith('\\') && (open?.content.length ?? 0) < 65_536;
    const piece: string = goesOn ? content.slice(0, -1) : content;
    if (open) open.content += piece;
    else { open = { content: piece, line: index + 1 }; all.push(open); }
    if (!goesOn) open = null;
  }
  return all;
}
