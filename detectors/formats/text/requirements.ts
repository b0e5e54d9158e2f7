import { defineFormat } from '../format.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { loadText } from '../python/python.ts';
import { textKindOf } from './likeness.ts';
import { decodeRequirements } from './requirement-encoding.ts';
import { checkOption } from './requirement-options.ts';
import { checkRequirement, type Tally } from './requirement-names.ts';
import { requirementVoice, type RequirementVoice } from './requirement-voice.ts';

const longest = 4_194_304;
const mostLines = 100_000;

/**
 * `requirements.txt` and `constraints.txt` (pip: Requirements File Format; PEP 508): what is installed, from where. To
 * install is to run: setup.py of every source package, and every start-up file a package brings.
 */
export const requirements = defineFormat({
  name: 'requirements',
  fits: probe => textKindOf(probe) === 'requirements',
  inspect(source, report) {
    const bytes = loadText(source, longest, 'A list of requirements');
    const voice = requirementVoice(report);
    const text = decodeRequirements(bytes, voice);
    const tally: Tally = { packages: [], unpinned: 0, unhashed: 0, hashed: 0 };
    const lines = logicalLines(text);
    for (const { content, line } of lines.slice(0, mostLines)) {
      report.budget.spend(3 + content.length / 100);
      readLine(content, line, voice, tally);
    }
    if (lines.length > mostLines) report.skipped({ offset: 0, length: bytes.length, why: `more than ${mostLines} lines` });
    summary(tally, report, voice);
    report.parsed(bytes.length);
  },
});

function summary({ packages, unpinned, unhashed, hashed }: Tally, report: Report, voice: RequirementVoice) {
  report.inventory('requirements', { packages: packages.slice(0, 200), unpinned, hashed });
  if (unpinned > 0) voice('no-pin', 'info', 1, `${unpinned} requirements name no exact version: what is installed can change`, ['AML.T0010.001']);
  if (unhashed > 0 && hashed === 0) voice('no-hash', 'info', 1, 'No requirement has a hash: whoever serves the packages can change them', ['AML.T0010.001']);
  else if (unhashed > 0) voice('no-hash', 'medium', 1, `${unhashed} requirements have no hash and ${hashed} have one: pip refuses the file`, ['T1195.001']);
}

interface Line { readonly content: string; readonly line: number }

/** As pip joins and strips them: a backslash goes on, `#` at the start or behind a blank begins a comment. */
function logicalLines(text: string): Line[] {
  const lines: Line[] = [];
  let [held, from] = ['', 0];
  for (const [index, raw] of text.split('\n').entries()) {
    if (held === '') from = index + 1;
    const comment = /^\s*#/.test(raw);
    if (raw.endsWith('\\') && !comment && held.length < 65_536) { held += raw.slice(0, -1); continue; }
    const content = `${held}${comment && held !== '' ? ' ' : ''}${raw}`.replace(/(?:^|[ \t\f\v])#.*$/, '').trim();
    held = '';
    if (content !== '') lines.push({ content, line: from });
  }
  if (held.trim() !== '') lines.push({ content: held.replace(/(?:^|[ \t\f\v])#.*$/, '').trim(), line: from });
  return lines;
}

function readLine(content: string, line: number, voice: RequirementVoice, tally: Tally) {
  const variable = /\$\{[A-Z0-9_]+\}/.exec(content)?.[0];
  if (variable !== undefined) voice('variable', /:\/\//.test(content) ? 'medium' : 'low', line, `A line depends on the variable ${quoted(variable)} of whoever installs`, ['T1195.001']);
  if (content.startsWith('-')) checkOption(content, line, voice);
  else checkRequirement(content, line, voice, tally);
}
