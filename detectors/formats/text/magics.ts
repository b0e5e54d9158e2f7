import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import { remarksOnShell } from './shell.ts';

/** What a cell does that is no Python. */
export interface Magic { readonly rule: 'shell' | 'download-run' | 'reverse-shell' | 'decode-run' | 'start-place' | 'destroy' | 'install' | 'run' | 'active-cell'; readonly severity: Severity; readonly line: number; readonly message: string; readonly techniques: readonly string[] }

const shellCell = /^%%(?:bash|sh|script|cmd|system|!|sx|perl|ruby|writefile|file)\b/;
const browserCell = /^%%(?:javascript|js|html|HTML|svg|SVG|latex)\b/;
const shellLine = /^(\s*)(?:[\w.,\s[\]]{0,200}=\s*)?(?:!{1,2}|%(?:system|sx|sc)\s)(.*)$/;
const install = /^(?:\S*(?:pip3?|conda|mamba|apt(?:-get)?|yum)|\S*python3?\s+-m\s+pip)\s+(?:-\S+\s+)*(?:install|download|update|upgrade)\b/;

/** The Python of a cell as IPython reads it (IPython.core.inputtransformer2), with as many lines, and what else stands there. */
export function codeOf(source: string, spend: (units: number) => void): { readonly python: string; readonly magics: readonly Magic[] } {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const magics: Magic[] = [];
  const first = lines.findIndex(line => line.trim() !== '');
  const head = lines[first]?.trim() ?? '';
  spend(lines.length);
  if (shellCell.test(head)) {
    shell(`${head.replace(/^%%\w*/, '')}\n${lines.slice(first + 1).join('\n')}`, first + 1, magics, spend);
    return { python: '\n'.repeat(lines.length - 1), magics };
  }
  if (browserCell.test(head)) {
    magics.push({ rule: 'active-cell', severity: 'low', line: first + 1, message: `A cell is ${quoted(head.slice(2, 20))}, which the browser runs`, techniques: ['T1059'] });
    return { python: '\n'.repeat(lines.length - 1), magics };
  }
  const python = lines.map((line, index) => plainLine(line, index, index === first, magics, spend));
  return { python: python.join('\n'), magics };
}

function plainLine(line: string, index: number, isFirst: boolean, magics: Magic[], spend: (units: number) => void): string {
  const command = shellLine.exec(line);
  if (command && !/^\s*[^=]*['"]/.test(line.slice(0, line.indexOf(command[2] ?? '')))) {
    shell(command[2] ?? '', index + 1, magics, spend);
    return `${command[1] ?? ''}pass`;
  }
  const magic = /^(\s*)%{1,2}(\w+)(.*)$/.exec(line);
  if (magic) return lineMagic(magic, index + 1, isFirst, magics);
  // Help.
  return /^\s*\?|^[\s\w.]+\?{1,2}\s*$/.test(line) ? '' : line;
}

function lineMagic([, indent = '', name = '', rest = '']: RegExpExecArray, line: number, isFirst: boolean, magics: Magic[]): string {
  if (['run', 'load', 'loadpy', 'load_ext', 'reload_ext', 'macro', 'store', 'edit'].includes(name)) {
    const remote = /https?:\/\//.test(rest);
    magics.push({ rule: 'run', severity: remote ? 'high' : name === 'load_ext' || name === 'reload_ext' ? 'info' : 'low', line, message: `A cell runs or loads ${quoted(rest.trim())}`, techniques: remote ? ['T1105', 'T1059.006'] : ['T1059.006'] });
  }
  if (['pip', 'conda', 'mamba'].includes(name)) magics.push({ rule: 'install', severity: 'low', line, message: `A cell installs packages: ${quoted(rest.trim())}`, techniques: ['T1195.001'] });
  // What is timed is run.
  if (['time', 'timeit', 'prun', 'memit', 'mprun', 'lprun', 'capture'].includes(name)) return `${indent}${isFirst && !/\S/.test(rest) ? '' : rest.replace(/^(?:\s+-\w+(?:\s+\d+)?)*\s*/, '')}`;
  return `${indent}pass`;
}

function shell(command: string, line: number, magics: Magic[], spend: (units: number) => void) {
  const plain = command.trim();
  if (plain === '') return;
  const remarks = remarksOnShell(plain, spend);
  for (const { what, severity, message, techniques } of remarks) magics.push({ rule: what, severity, line, message: `A command of a cell ${message}: ${quoted(plain, 120)}`, techniques });
  if (remarks.length > 0) return;
  if (install.test(plain)) magics.push({ rule: 'install', severity: 'low', line, message: `A cell installs packages: ${quoted(plain, 120)}`, techniques: ['T1195.001'] });
  else magics.push({ rule: 'shell', severity: 'medium', line, message: `A cell runs a command: ${quoted(plain, 120)}`, techniques: ['T1059.004'] });
}
