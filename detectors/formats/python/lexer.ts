import { confusion } from './identifiers.ts';

/**
 * The lines and words of Python source (Python reference, 2 Lexical analysis): where strings and comments begin and end, which
 * lines belong together, and what is in front of the eye. Gives a text that the grammar reads as Python reads the source:
 * comments left out, and the few forms written another way that Python 3 knows and the grammar does not.
 */
export interface Lexed {
  /** Has as many lines as the source. */
  readonly text: string;
  /** Of each logical line in `text`. */
  readonly lines: readonly LogicalLine[];
}
export interface LogicalLine { readonly from: number; readonly to: number; readonly indent: number }

export interface Remark { readonly what: 'syntax' | 'nesting' | 'offscreen' | 'form-feed' | 'confusable'; readonly message: string; readonly line: number }

/** CPython Parser/lexer: MAXLEVEL and MAXINDENT. */
const mostBrackets = 200;
const mostIndents = 100;
/** Blanks in front of code on one line; the longest of the standard library, numpy and mxnet is 77. */
const mostBlanks = 150;

/** What is open: a bracket, the text of a format string, or the code in its braces. */
type Open = { readonly kind: 'bracket'; readonly close: string } | { readonly kind: 'format'; readonly quote: string; readonly spec: boolean } | { readonly kind: 'field' };

const blanks = /[ \t\f]+/y;
const word = /[A-Za-z_\x80-\uffff][\w\x80-\uffff]*/y;
const number = /(?:\d[\d_]*\.(?![\d])|[\w.](?:(?<=[eE])[-+](?=\d)|[\w.])*)/y;
const stringPrefix = /^(?:[rbuft]|br|rb|fr|rf|tr|rt)$/i;
const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const simpleTarget = /[ \t]*[A-Za-z_\x80-\uffff][\w\x80-\uffff]*[ \t\\]*(?:[,:)\n#;]|$|import\b)/y;
const simpleDecorator = /[ \t]*[\w\x80-\uffff]+(?:[ \t]*\.[ \t]*[\w\x80-\uffff]+)*[ \t]*(?:$|[(\n#])/y;
/** Behind `case` and `match`, unless they are names. */
const subject = /[ \t]+(?=[^ \t=:])/y;
const bareYield = /[ \t]*(?:$|[\n)\]},;#=:])/y;

/** `source` has `\n` for every end of line. */
export function lex(source: string, tell: (remark: Remark) => void, spend: (units: number) => void): Lexed {
  const out: string[] = [];
  const lines: LogicalLine[] = [];
  const open: Open[] = [];
  const indents = [0];
  let [at, length, line, start, indent] = [0, 0, 1, -1, 0];
  /** What the logical line is rewritten as, the pieces that were put in, and what stood there: `case` may be a name after all. */
  let [statement, forDepth, patched]: ['other' | 'with' | 'case' | 'match', number | null, [number, string][]] = ['other', null, []];
  let told = { deep: false, offscreen: 0 };
  const push = (piece: string) => { out.push(piece); length += piece.length; };
  const match = (pattern: RegExp): string => { pattern.lastIndex = at; return pattern.exec(source)?.[0] ?? ''; };
  const follows = (pattern: RegExp): boolean => { pattern.lastIndex = at; return pattern.test(source); };
  const opened = (what: Open) => {
    open.push(what);
    if (open.length <= mostBrackets || told.deep) return;
    told = { ...told, deep: true };
    tell({ what: 'nesting', message: `Brackets are nested deeper than ${mostBrackets}, where Python gives up`, line });
  };
  function begin() {
    if (start >= 0) return;
    start = length;
    if (indent > (indents.at(-1) ?? 0)) indents.push(indent);
    while (indent < (indents.at(-1) ?? 0)) indents.pop();
    if (indents.length > mostIndents && !told.deep) {
      told = { ...told, deep: true };
      tell({ what: 'nesting', message: `Blocks are nested deeper than ${mostIndents}, where Python gives up`, line });
    }
  }
  const patch = (piece: string, original: string) => { patched.push([out.length, original]); push(piece); };
  function finish() {
    for (const [index, original] of patched) {
      length += original.length - (out[index]?.length ?? 0);
      out[index] = original;
    }
    if (start >= 0) lines.push({ from: start, to: length, indent });
    [start, indent, statement, forDepth, patched] = [-1, 0, 'other', null, []];
  }
  function newline() {
    if (open.length === 0) finish();
    push('\n');
    at += 1;
    line += 1;
  }
  function blank() {
    let found = match(blanks);
    at += found.length;
    if (found.includes('\f')) {
      // Python counts the columns of a line anew behind a form feed.
      const rest = found.slice(found.lastIndexOf('\f') + 1);
      if (start < 0 && open.length === 0) {
        if (found.indexOf('\f') > 0 && !'\n#'.includes(source[at] ?? '\n')) tell({ what: 'form-feed', message: 'A form feed among the blanks in front of a statement changes its indentation for Python, and not for whoever reads it', line });
        found = rest;
      } else found = found.replaceAll('\f', ' ');
    }
    if (start < 0 && open.length === 0) indent += columns(found);
    if (found.length >= mostBlanks && !'\n#'.includes(source[at] ?? '\n') && told.offscreen < 20) {
      told = { ...told, offscreen: told.offscreen + 1 };
      tell({ what: 'offscreen', message: `Code stands behind ${found.length} blanks, out of sight`, line });
    }
    push(found);
  }
  /** A plain string to its end. Raw or not, a backslash takes the next character along. */
  function plain(quote: string) {
    const from = at;
    const long = quote.length === 3;
    at += quote.length;
    for (;;) {
      const letter = source[at];
      if (letter === undefined || (letter === '\n' && !long)) { unended(); break; }
      if (letter === '\\') { at += 1; if (source[at] === '\n') line += 1; at += 1; continue; }
      if (source.startsWith(quote, at)) { at += quote.length; break; }
      if (letter === '\n') line += 1;
      at += 1;
    }
    at = Math.min(at, source.length);
    push(source.slice(from, at));
    spend((at - from) / 500);
  }
  const unended = () => { tell({ what: 'syntax', message: 'A string does not end', line }); };
  /** The text of a format string up to its end or to a brace. */
  function format(state: Open & { kind: 'format' }) {
    const from = at;
    const { quote, spec } = state;
    for (;;) {
      const letter = source[at];
      if (letter === undefined || (letter === '\n' && quote.length < 3)) { unended(); open.pop(); break; }
      if (letter === '\\') { at += 1; if (source[at] === '\n') line += 1; at += 1; continue; }
      if (!spec && source.startsWith(quote, at)) { at += quote.length; open.pop(); break; }
      if (letter === '{' && (spec || source[at + 1] !== '{')) { at += 1; opened({ kind: 'field' }); break; }
      if (letter === '{') { at += 2; continue; }
      if (letter === '}' && spec) { at += 1; open.pop(); open.pop(); break; }
      if (letter === '\n') line += 1;
      at += 1;
    }
    at = Math.min(at, source.length);
    push(source.slice(from, at));
  }
  function name() {
    const found = match(word);
    const quote = /^(?:"""|'''|"|')/.exec(source.slice(at + found.length, at + found.length + 3))?.[0];
    if (quote !== undefined && stringPrefix.test(found)) {
      push(/t/i.test(found) ? found.replace(/t/i, 'f') : found);
      at += found.length;
      string(quote, /[ft]/i.test(found));
      return;
    }
    const first = start === length;
    const confused = confusion(found);
    if (confused !== null) tell({ what: 'confusable', message: confused, line });
    at += found.length;
    // Written as the grammar knows it: `yield` alone gives None; a target that is no name becomes an expression beside one.
    if (found === 'yield' && follows(bareYield)) push('None');
    else if (found === 'as') target();
    else if (found === 'if' && statement === 'case' && open.length === 0) patch('), (', found);
    else push(found);
    if (first && (found === 'case' || found === 'match') && follows(subject)) {
      statement = found;
      patch(found === 'case' ? ' _ if ((' : ' (', '');
    } else if (found === 'with' && (first || out.at(-3) === 'async')) statement = 'with';
    else if (found === 'for') forDepth = open.length;
    else if (found === 'in' && open.length === forDepth) forDepth = null;
  }
  function target() {
    if (statement === 'case') patch(',', 'as');
    else if (statement === 'with' && open.length > 0) push(',');
    else push(!follows(simpleTarget) ? 'as _, ' : 'as');
  }
  function string(quote: string, isFormat: boolean) {
    if (!isFormat) { plain(quote); return; }
    push(quote);
    at += quote.length;
    opened({ kind: 'format', quote, spec: false });
  }
  function close(letter: string) {
    const last = open.at(-1);
    if (last?.kind === 'field' && letter === '}') open.pop();
    else if (last?.kind === 'bracket' && last.close === letter) open.pop();
    else tell({ what: 'syntax', message: `A bracket '${letter}' closes none`, line });
  }
  function sign(letter: string) {
    at += 1;
    const last = open.at(-1);
    if (closers[letter] !== undefined) opened({ kind: 'bracket', close: closers[letter] });
    else if (letter === ')' || letter === ']' || letter === '}') close(letter);
    else if (letter === ':' && last?.kind === 'field') opened({ kind: 'format', quote: '', spec: true });
    else if (letter === ':' && open.length === 0 && (statement === 'case' || statement === 'match')) {
      push(statement === 'case' ? ')):' : '):');
      [statement, patched] = ['other', []];
      return;
    } else if (letter === '*' && open.length === forDepth) return;
    else if (letter === '@' && start === length && !follows(simpleDecorator)) { push('_ @'); return; }
    push(letter);
  }

  while (at < source.length) {
    spend(0.05);
    const last = open.at(-1);
    if (last?.kind === 'format') { format(last.quote === '' ? { ...last, quote: quoteOf(open) } : last); continue; }
    const letter = source[at] ?? '';
    if (letter === '\n') newline();
    else if (letter === ' ' || letter === '\t' || letter === '\f') blank();
    else if (letter === '#') { const end = source.indexOf('\n', at); at = end < 0 ? source.length : end; }
    else if (letter === '\\' && source[at + 1] === '\n') { begin(); push('\\\n'); at += 2; line += 1; }
    else {
      begin();
      if (letter === '"' || letter === "'") string(source.startsWith(letter.repeat(3), at) ? letter.repeat(3) : letter, false);
      else if (/[A-Za-z_\x80-\uffff]/.test(letter)) name();
      else if (/\d/.test(letter)) { const found = match(number); at += found.length; push(found.endsWith('.') ? `${found}0` : found); }
      else sign(letter);
    }
  }
  finish();
  if (open.length > 0) tell({ what: 'syntax', message: 'A bracket or a string is not closed', line });
  return { text: out.join(''), lines };
}

/** The quotes around the innermost format string, for the text behind its colon. */
function quoteOf(open: readonly Open[]): string {
  for (let at = open.length - 1; at >= 0; at--) { const each = open[at]; if (each?.kind === 'format' && each.quote !== '') return each.quote; }
  return '"';
}

/** Tabs go to the next multiple of eight. */
function columns(blanks: string): number {
  let count = 0;
  for (const letter of blanks) count = letter === '\t' ? count + 8 - count % 8 : count + 1;
  return count;
}
