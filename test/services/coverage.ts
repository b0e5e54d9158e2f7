import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notActed, scenarios } from '../../agent/simulation/scenarios.ts';

/*
 * The page that says which scenario is seen at which level. It is its own store: results of one kernel and level become
 * one column, the others stay. `node test/services/coverage.ts COLUMN KERNEL < results.jsonl` takes in what
 * `mxwarden simulate all --write-models --json` has printed on another machine.
 */
export const coverageFile = join(import.meta.dirname, '../../docs/coverage.md');

export interface Column {
  readonly name: string;
  /** What it was measured with, in words: `Linux 6.1, MXNet 1.9.1`. */
  readonly about: string;
  /** Scenario to `seen`, `blind` or another result. */
  readonly results: ReadonlyMap<string, string>;
}

const usual = ['bpf-lsm', 'bpf-base', 'tracefs', '6.1', '6.12'];
const fixed = 3;
const notMeasured = '–';

interface Line { readonly scenario?: string; readonly result?: string; readonly summary?: { readonly actor: string } }

/** From the lines that the verb printed. */
export function columnOf(name: string, kernel: string, printed: string): Column {
  const lines = printed.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line);
  const actor = lines.find(line => line.summary)?.summary?.actor ?? 'unknown';
  return { name, about: `Linux ${kernel}, acted by ${actor}`, results: new Map(lines.flatMap(({ scenario, result }) => scenario !== undefined && result !== undefined ? [[scenario, result] as const] : [])) };
}

/** The columns of a page as `writeCoverage` makes it. */
export function readCoverage(page: string): readonly Column[] {
  const table = page.split('\n').filter(line => line.startsWith('| ')).map(line => line.split('|').slice(1, -1).map(cell => cell.trim().replaceAll('`', '')));
  const names = table[0]?.slice(fixed) ?? [];
  return names.map((name, index) => ({
    name, about: new RegExp(`^- \`${name.replaceAll('.', '\\.')}\`: (.*)$`, 'm').exec(page)?.[1] ?? '',
    results: new Map(table.slice(1).flatMap(([scenario = '', ...rest]) => { const result = rest[index + fixed - 1] ?? notMeasured; return result === notMeasured ? [] : [[scenario, result] as const]; })),
  }));
}

export function mergeColumn(columns: readonly Column[], column: Column): readonly Column[] {
  const all = new Map([...columns, column].map(each => [each.name, each]));
  return [...usual, ...[...all.keys()].filter(name => !usual.includes(name))].map(name => all.get(name) ?? { name, about: '', results: new Map() });
}

export function writeCoverage(columns: readonly Column[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `${[
    '# Coverage', '',
    'What `mxwarden simulate` acts out, and at which level the agent said the rule. This page is written by the test that acts it',
    'out (`MXWARDEN_WRITE_DOCS=1 ava test/e2e/simulate.test.ts`), never by hand. `seen`: the rule was said of that very process.',
    '`blind`: it was not, and the running agent\'s own collectors say that they cannot see it there. `–`: not measured.', '',
    ...columns.filter(({ about }) => about !== '').map(({ name, about }) => `- \`${name}\`: ${about}`), '',
    row(['scenario', 'rule', 'ATT&CK / ATLAS', ...columns.map(({ name }) => name)]),
    row(Array.from({ length: fixed + columns.length }, () => '---')).replaceAll(' ', ''),
    ...scenarios.map(({ name, rule, techniques }) => row([name, `\`${rule}\``, techniques.join(', '), ...columns.map(({ results }) => results.get(name) ?? notMeasured)])),
    '', '## Not acted', '', 'Rules of stream detectors that no harmless act provokes.', '',
    ...Object.entries(notActed).map(([rule, why]) => `- \`${rule}\`: ${why}`),
  ].join('\n')}\n`;
}

if (import.meta.main) {
  const [name, kernel] = process.argv.slice(2);
  if (name === undefined || kernel === undefined) throw new TypeError('node test/services/coverage.ts COLUMN KERNEL < results.jsonl');
  writeFileSync(coverageFile, writeCoverage(mergeColumn(readCoverage(readFileSync(coverageFile, 'utf8')), columnOf(name, kernel, readFileSync(0, 'utf8')))));
}
