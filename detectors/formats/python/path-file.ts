import { defineFormat } from '../format.ts';
import { quoted } from '../quote.ts';
import { textKindOf } from '../text/likeness.ts';
import { analysePython } from './analysis.ts';
import { decodeSource } from './decode.ts';
import { loadText } from './python.ts';

const longest = 1_048_576;

/**
 * `.pth` files of site-packages (CPython Lib/site.py addpackage): a line that begins with `import` is run whenever Python
 * starts, any other is a folder in which modules are looked for.
 */
export const pathFile = defineFormat({
  name: 'python-path-file',
  fits: probe => textKindOf(probe) === 'path-file',
  inspect(source, report) {
    const bytes = loadText(source, longest, 'A path file');
    const { text, remarks } = decodeSource(bytes);
    for (const { rule, severity, line, message, techniques } of remarks) report.note({ rule: `python.${rule}`, severity, confidence: 0.85, message, where: { line }, techniques });
    const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
    let told = 0;
    for (const { line, number } of lines) {
      report.budget.spend(5);
      const where = { line: number };
      if (/^import[ \t]/.test(line)) {
        if (told++ >= 20) continue;
        report.note({ rule: 'pth.runs', severity: 'high', confidence: 0.8, where, techniques: ['T1546', 'T1059.006'], message: `A line is run whenever Python starts: ${quoted(line, 120)}` });
        analysePython(line, report, { level: 'import', where: () => where, called: { import: 'Whenever Python starts, it', inside: 'A function of it' }, depth: 0 });
      } else if (/^(?:\/|~|[A-Za-z]:)|(?:^|[\\/])\.\.(?:[\\/]|$)/.test(line.trim())) {
        report.note({ rule: 'pth.path', severity: 'medium', confidence: 0.6, where, techniques: ['T1574'], message: `Modules are looked for outside of where the file lies: ${quoted(line.trim())}` });
      }
    }
    report.parsed(bytes.length);
  },
});
