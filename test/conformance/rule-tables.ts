import { type Severity, severities } from '../../agent/contract/finding.ts';

/** One row of a table of rules in `docs/detection.md`. */
export interface Row {
  /** A word in capitals stands for any. */
  readonly rule: string;
  readonly severities: readonly Severity[];
  /** For each severity every set of ids that the row allows, sorted and joined by blanks; none is ''. */
  readonly techniques: ReadonlyMap<Severity, readonly string[]>;
  readonly cells: readonly string[];
}

const head = '| rule | severity | ATT&CK / ATLAS | example | false positives |';

/** Every row of every such table. Throws where one is not what the page says of its tables. */
export function readTables(page: string): readonly Row[] {
  const lines = page.split('\n');
  const rows: Row[] = [];
  for (let at = lines.indexOf(head); at >= 0; at = lines.indexOf(head, at + 1)) {
    for (let row = at + 2; lines[row]?.startsWith('|'); row++) rows.push(readRow(lines[row] ?? ''));
  }
  return rows;
}

function readRow(line: string): Row {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim());
  const [name = '', severity = '', techniques = ''] = cells;
  const rule = /^`([\w.-]+)`$/.exec(name)?.[1];
  const stated = severity.split(', ').map(each => severities.find(known => known === each));
  if (cells.length !== 5 || rule === undefined || cells.includes('') || stated.includes(undefined)) throw new Error(`no row of a rule: ${line}`);
  const listed = stated.filter(each => each !== undefined);
  return { rule, severities: listed, techniques: new Map(listed.map(each => [each, idsFor(each, techniques, line)])), cells };
}

/** `T1, T2` for all; `high: T1; low: T2 or –` for each. */
function idsFor(severity: Severity, cell: string, line: string): readonly string[] {
  const parts = cell.split('; ').map(part => /^(?:(\w+): )?(.+)$/.exec(part) ?? []);
  const [, , ids] = parts.find(([, of]) => of === undefined || of === severity) ?? [];
  if (ids === undefined) throw new Error(`no ids for ${severity}: ${line}`);
  return ids.split(' or ').map(each => each === '–' ? '' : sorted(each.split(', ')));
}

export const sorted = (ids: readonly string[]): string => ids.toSorted().join(' ');

/** Whether a row speaks of this rule; `*` in the rule is any word too. */
export const speaksOf = ({ rule }: Row, id: string): boolean =>
  rule === id || new RegExp(`^${rule.replaceAll('.', '\\.').replace(/\b[A-Z]+\b/g, '[\\w*-]+')}$`).test(id);

/** The row of a rule: its own before one for many. */
export const rowOf = (rows: readonly Row[], id: string): Row | undefined => rows.find(({ rule }) => rule === id) ?? rows.find(row => speaksOf(row, id));
