import { parser } from '@lezer/python';
import { type Budget, BudgetError } from '../report.ts';
import type { Lexed, LogicalLine } from './lexer.ts';

/** A part of the program. `type` is the grammar's name of it; punctuation that decides nothing is left out. */
export interface Node {
  readonly type: string;
  readonly from: number;
  readonly to: number;
  readonly parent: Node | null;
  readonly children: Node[];
}

export interface Program {
  readonly text: string;
  /** Statements in order. A part that could not be read as a whole comes line by line. */
  readonly roots: readonly Root[];
  /** From 1. */
  lineOf(position: number): number;
}
/** `torn`: read line by line, so that what belongs into which block is not known. */
export interface Root { readonly node: Node; readonly torn: boolean }

/** `piece`: what could not be read. */
export interface GrammarFault { readonly what: 'syntax' | 'nesting'; readonly message: string; readonly line: number; readonly piece: string }

/** Never recovers: what recovery makes of hostile source costs memory without bound, and is not what Python reads. */
const strict = parser.configure({ strict: true });
const mostNodes = 500_000;
/** Of all parts that have none. */
const none: Node[] = [];
/** The grammar gives up structure beyond some 2,500; the deepest of honest files is below 100. */
const deepest = 1_000;
const dropped = new Set(['(', ')', '{', '}', ']', ',', ';', 'Comment', 'def', 'class', 'if', 'while', 'with', 'try', 'return', 'At']);

/** Parses as Python would, and where it would not: by logical lines, so that each sound one is still read. */
export function parseProgram({ text, lines }: Lexed, budget: Budget, fault: (fault: GrammarFault) => void): Program {
  const starts = lineStarts(text);
  const lineOf = (position: number) => upperBound(starts, position);
  const counted = { nodes: 0 };
  const attempt = (piece: string, offset: number, limit: number): Node | null => parseOne(piece, offset, limit, { budget, counted, deep: at => {
    fault({ what: 'nesting', message: 'An expression has more parts inside one another than are followed', line: lineOf(at), piece: '' });
  } });
  const whole = attempt(text, 0, text.length);
  if (whole) return { text, roots: [{ node: whole, torn: false }], lineOf };
  const roots: Root[] = [];
  for (const chunk of chunks(lines)) {
    const from = chunk[0]?.from ?? 0;
    const to = chunk.at(-1)?.to ?? from;
    const node = attempt(`${text.slice(from, to)}\n`, from, to);
    if (node) { roots.push({ node, torn: false }); continue; }
    for (const line of chunk) {
      const alone = attemptLine(text.slice(line.from, line.to), line, attempt);
      if (alone) roots.push({ node: alone, torn: true });
      else fault({ what: 'syntax', message: 'A line is not in the grammar: Python refuses it, or the grammar is older than the line', line: lineOf(line.from), piece: text.slice(line.from, line.to) });
    }
  }
  return { text, roots, lineOf };
}

/** Logical lines from one without indentation to the next that begins a statement of its own. */
function chunks(lines: readonly LogicalLine[]): LogicalLine[][] {
  const all: LogicalLine[][] = [];
  for (const line of lines) {
    const last = all.at(-1);
    if (last && line.indent > 0) last.push(line);
    else all.push([line]);
  }
  return all;
}

/** What a line of a compound statement stands behind, and what must stand behind it. */
const fillings: readonly (readonly [before: string, after: string])[] = [
  ['', ''], ['', ' pass'], ['if x: pass\n', ' pass'], ['try: pass\n', ' pass'], ['try: pass\nexcept: pass\n', ' pass'], ['', '\ndef f(): pass'], ['match x:\n case _: pass\n ', ' pass'],
];

function attemptLine(piece: string, line: LogicalLine, attempt: (piece: string, offset: number, limit: number) => Node | null): Node | null {
  const wanted = piece.trimEnd().endsWith(':') ? fillings.slice(1) : piece.startsWith('@') ? fillings.slice(5, 6) : fillings.slice(0, 4);
  for (const [before, after] of wanted) {
    const node = attempt(`${before}${piece}${after}\n`, line.from - before.length, line.to);
    if (node) return node;
  }
  return null;
}

interface Around { readonly budget: Budget; readonly counted: { nodes: number }; deep(at: number): void }

/** Null when it is not in the grammar. */
function parseOne(piece: string, offset: number, limit: number, { budget, counted, deep }: Around): Node | null {
  const parse = strict.startParse(piece);
  let tree = null;
  try {
    while (tree === null) { budget.spend(3); tree = parse.advance(); }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
  const cursor = tree.cursor();
  const root: Node = { type: 'Script', from: offset, to: offset + piece.length, parent: null, children: [] };
  let parent = root;
  let [depth, told] = [0, false];
  const tellDeep = (at: number) => { if (!told) deep(at); told = true; };
  for (let more = cursor.firstChild(); more;) {
    budget.spend(0.5);
    if (cursor.type.isError) tellDeep(offset + cursor.from);
    const keep = !dropped.has(cursor.name);
    if (keep) {
      counted.nodes += 1;
      if (counted.nodes > mostNodes) throw new BudgetError(`more than ${mostNodes} parts of a program are not read`);
      const [type, from, to] = [cursor.name, offset + cursor.from, Math.min(offset + cursor.to, limit)];
      const inner = cursor.firstChild();
      const node: Node = { type, from, to, parent, children: inner && depth < deepest ? [] : none };
      parent.children.push(node);
      if (inner && depth < deepest) { parent = node; depth += 1; continue; }
      if (inner) { tellDeep(from); cursor.parent(); }
    }
    while (!cursor.nextSibling()) {
      if (depth === 0) { more = false; break; }
      cursor.parent();
      depth -= 1;
      parent = parent.parent ?? root;
    }
  }
  return root;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** How many of the sorted numbers are not above the value. */
function upperBound(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
