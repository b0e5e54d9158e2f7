import { defineFormat } from '../format.ts';
import { listen } from '../json/listener.ts';
import { type Listener, readJson, type Reading } from '../json/reader.ts';
import { analysePython } from '../python/analysis.ts';
import { loadText } from '../python/python.ts';
import { BudgetError, type Report } from '../report.ts';
import { textKindOf } from './likeness.ts';
import { codeOf } from './magics.ts';

const longest = 67_108_864;
const longestCode = 2_097_152;
const active = /<\s{0,5}(?:script|iframe|object|embed|form|meta|base|link)\b|\bjavascript:|\bon(?:error|load|click|mouseover|focus|toggle|begin)\s{0,5}=|<\s{0,5}svg\b[^>]{0,200}\bon\w/i;

interface Cell { readonly kind: string; readonly source: string; readonly pointer: string }

/** Jupyter notebooks (nbformat 3 and 4): their cells of code, as IPython reads them, and outputs that a browser would run. */
export const notebook = defineFormat({
  name: 'notebook',
  fits: probe => textKindOf(probe) === 'notebook',
  inspect(source, report) {
    const bytes = loadText(source, longest, 'A notebook');
    const found = createCollector(report);
    const end = readJson(bytes, units => { report.budget.spend(units); }, reading => both(listen(reading, report), found.listener(reading)));
    report.parsed(end);
    const rest = Buffer.from(bytes.subarray(end)).toString('latin1');
    if (/^[ \t\r\n]*$/.test(rest)) report.parsed(bytes.length - end);
    else {
      report.malformed();
      report.note({ rule: 'notebook.trailing', severity: 'medium', confidence: 0.8, where: { offset: end }, techniques: ['AML.T0076'], message: `${rest.length} bytes follow the notebook` });
      report.skipped({ offset: end, length: rest.length, why: 'behind the notebook' });
    }
    if (!found.isNotebook()) {
      report.malformed();
      report.note({ rule: 'notebook.no-cells', severity: 'medium', confidence: 0.7, where: { offset: 0 }, techniques: ['AML.T0076'], message: 'It is named like a notebook and has no nbformat' });
    }
    lookAtCells(found.cells, found.language(), report);
  },
});

function lookAtCells(cells: readonly Cell[], language: string, report: Report) {
  const code = cells.filter(({ kind }) => kind === 'code');
  report.inventory('notebook', { cells: cells.length, code: code.length, language: language.slice(0, 40) });
  if (language !== 'python') { report.skipped({ offset: 0, length: code.reduce((sum, { source }) => sum + source.length, 0), why: 'the cells are in a language that is not followed' }); return; }
  if (code.reduce((sum, { source }) => sum + source.length, 0) > longestCode) throw new BudgetError(`cells with more than ${longestCode} letters of code are not read`);
  const lines: string[] = [];
  const places: { readonly line: number; readonly pointer: string }[] = [];
  let told = 0;
  for (const { source, pointer } of code) {
    const { python, magics } = codeOf(source, units => { report.budget.spend(units); });
    for (const [index, line] of python.split('\n').entries()) { lines.push(line); places.push({ line: index + 1, pointer }); }
    for (const { rule, severity, line, message, techniques } of magics) if (told++ < 50) report.note({ rule: `notebook.${rule}`, severity, confidence: 0.7, message, techniques, where: { line, pointer } });
  }
  // A cell runs when somebody runs it, and knows the names of all others.
  analysePython(lines.join('\n'), report, { level: 'inside', where: line => places[line - 1] ?? {}, called: { import: 'When it is run, it', inside: 'A cell of it' }, depth: 0 });
}

function createCollector(report: Report) {
  const cells: Cell[] = [];
  const state = { format: false, language: 'python', outputs: 0 };
  interface Level { readonly isObject: boolean; readonly name: string; key: string; kind: string; source: string[]; readonly pointer: string }
  const levels: Level[] = [];
  const tellOutput = (pointer: string, message: string) => {
    if (state.outputs++ >= 10) return;
    report.note({ rule: 'notebook.active-output', severity: 'low', confidence: 0.5, where: { pointer }, techniques: ['T1059'], message });
  };
  const listener = (reading: Reading): Listener => ({
    open(kind) {
      const parent = levels.at(-1);
      levels.push({ isObject: kind === 'object', name: parent ? (parent.isObject ? parent.key : parent.name) : '', key: '', kind: '', source: [], pointer: kind === 'object' ? reading.pointer() : '' });
    },
    close() {
      const level = levels.pop();
      if (level?.isObject && level.kind !== '' && cells.length < 100_000) cells.push({ kind: level.kind, source: level.source.join(''), pointer: level.pointer });
    },
    key(name) {
      const level = levels.at(-1);
      if (level) level.key = name;
      if (levels.length === 1 && name === 'nbformat') state.format = true;
      if (/^application\/(?:javascript|x-javascript|ecmascript)$|^application\/vnd\.jupyter\.widget/.test(name) && name.includes('script')) tellOutput(reading.pointer(), 'An output is JavaScript, which a trusted notebook runs when it is shown');
    },
    text(value) {
      const level = levels.at(-1);
      if (!level) return;
      const key = level.isObject ? level.key : level.name;
      if (level.isObject && key === 'cell_type') level.kind = value;
      const cell = level.isObject ? level : levels.at(-2);
      // nbformat 3 calls the source of code `input`.
      if (cell && (key === 'source' || key === 'input')) cell.source.push(value);
      if (level.isObject && (key === 'language' || (key === 'name' && level.name === 'language_info'))) state.language = value.toLowerCase().replace(/^i?python\d?$/, 'python');
      if ((key === 'text/html' || key === 'image/svg+xml' || key === 'html' || key === 'svg') && active.test(value.slice(0, 1_048_576))) tellOutput(reading.pointer(), 'An output has content that a browser runs');
    },
    scalar() { /* Numbers say nothing about code. */ },
  });
  return { cells, listener, isNotebook: () => state.format, language: () => state.language };
}

function both(one: Listener, other: Listener): Listener {
  return {
    open(kind, offset) { one.open(kind, offset); other.open(kind, offset); },
    close() { other.close(); one.close(); },
    key(name, offset) { one.key(name, offset); other.key(name, offset); },
    text(value, offset) { one.text(value, offset); other.text(value, offset); },
    scalar(word, offset) { one.scalar(word, offset); other.scalar(word, offset); },
  };
}
