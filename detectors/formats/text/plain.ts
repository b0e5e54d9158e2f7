import { analysePython, usualWords } from '../python/analysis.ts';
import { defineFormat, type Format } from '../format.ts';
import { kindOf } from '../kind.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { textKindOf } from './likeness.ts';

const windowBytes = 1_048_576;
/** What somebody runs, or what makes others run something, by the names of programs and of settings of systems. */
const programNames = /\.(?:rb|pl|pm|lua|js|mjs|cjs|ts|php|ps1|psm1|bat|cmd|vbs|sh|bash|zsh|fish|ksh|awk|tcl|r|jl|go|c|cc|cpp|h|hpp|cu|java|scala|service|timer|socket|desktop|rules|mk)$|^(?:makefile|dockerfile|jenkinsfile|crontab|\.(?:bashrc|bash_profile|profile|zshrc|bash_login|bash_logout|gitconfig|npmrc))$/i;

/** Beyond it a text is not tried as Python. */
const longestTried = 1_048_576;
const turning = /[\u202a-\u202e\u2066-\u2069]/;
const invisible = /[\u200b\u2060-\u2064]|\udb40[\udc00-\udc7f]/;
const control = /[\0-\x08\x0e-\x1f\x7f]/;

/**
 * Plain text: README, LICENSE, labels, tables, settings. It is valid text to the last byte and shows what it holds; what a program
 * makes of it is not looked at. A text that is a Python program is followed like one. Text is what no other format claims.
 */
export const textBeside = (others: readonly Format[]): Format => defineFormat({
  name: 'text',
  fits: probe => textKindOf(probe) === 'text' && !others.some(other => other.fits(probe)),
  inspect(source, report, name) {
    const head = Uint8Array.from(source.read(0, 4_096));
    const label = encodingOf(head);
    const read = readAll(source, report, label);
    if (!read) return;
    if (programNames.test(name.slice(name.lastIndexOf('/') + 1))) {
      report.note({ rule: 'text.program', severity: 'low', confidence: 0.6, where: { line: 1 }, techniques: ['T1059', 'AML.T0011.000'], message: 'By its name it is a program or a file of settings that run something; what it does was not read' });
      report.skipped({ offset: 0, length: source.size, why: 'a program or settings that are run, of a kind that is not read' });
      return;
    }
    report.parsed(source.size);
    if (source.size <= longestTried && label === 'utf-8' && kindOf('', head).format === 'python-source') asPython(source, report);
  },
});

function encodingOf(head: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8';
}

/** False when it ends to be text. */
function readAll(source: Source, report: Report, label: 'utf-8' | 'utf-16le' | 'utf-16be'): boolean {
  let decoder = new TextDecoder(label, { fatal: true });
  let [other, line] = [label !== 'utf-8', 1];
  const told = new Set<string>();
  const tell = (rule: string, severity: 'low' | 'medium', at: number, message: string, techniques: readonly string[]) => {
    if (told.has(rule)) return;
    told.add(rule);
    report.note({ rule: `text.${rule}`, severity, confidence: 0.7, where: { line: at }, message, techniques });
  };
  for (let from = 0; from < source.size; from += windowBytes) {
    const piece = source.read(from, Math.min(windowBytes, source.size - from));
    report.budget.spend(piece.length / 100);
    let text: string;
    try { text = decoder.decode(piece, { stream: from + piece.length < source.size }); } catch {
      // One byte a letter: every sequence of bytes is text in it.
      other = true;
      decoder = new TextDecoder('latin1');
      text = decoder.decode(piece);
    }
    const lineOf = (at: number) => line + text.slice(0, at).split('\n').length - 1;
    const nul = text.indexOf('\0');
    if (nul >= 0) {
      report.malformed();
      tell('binary', 'medium', lineOf(nul), 'The text holds NUL: from there on it is something else', ['T1027', 'AML.T0076']);
      report.parsed(from);
      report.skipped({ offset: from, length: source.size - from, why: 'it is no text' });
      return false;
    }
    const found = (pattern: RegExp, then: (at: number) => void) => { const at = text.search(pattern); if (at >= 0) then(lineOf(at)); };
    found(control, at => { tell('control', 'medium', at, 'A control character stands in the text, which a terminal may obey', ['T1027']); });
    found(turning, at => { tell('bidi', 'low', at, 'Direction controls stand in the text: it is shown in another order than it has', ['T1036.002']); });
    found(invisible, at => { tell('invisible', 'low', at, 'Invisible characters stand in the text', ['T1027']); });
    line += text.split('\n').length - 1;
  }
  if (other) tell('encoding', 'low', 1, label === 'utf-8' ? 'The text is not UTF-8' : 'The text is UTF-16', ['T1027']);
  return true;
}

/** Told only when all of it is Python: an example in a README is none. */
function asPython(source: Source, report: Report) {
  const text = new TextDecoder().decode(source.read(0, source.size)).replace(/\r\n?/g, '\n');
  const trial: Report = { ...report, note: () => { /* Only whether it is Python is asked. */ }, nested: () => { /* Likewise. */ } };
  const { faults } = analysePython(text, trial, { level: 'inside', where: line => ({ line }), called: usualWords, depth: 0, quiet: true });
  if (faults > 0) return;
  report.note({ rule: 'text.python', severity: 'low', confidence: 0.7, where: { line: 1 }, message: 'The text is a Python program under the name of a text', techniques: ['T1036', 'T1059.006'] });
  analysePython(text, report, { level: 'import', where: line => ({ line }), called: usualWords, depth: 0, quiet: true });
}
