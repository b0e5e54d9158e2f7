/**
 * Would Python's unpickler run here? Protocols 0 and 1 have no signature, so the opcodes themselves are followed, with
 * the depth of stack and mark but no values (CPython Lib/pickletools.py lists them). Nothing is ever called.
 * Harmless readings are refused in favour of text: it must come to STOP with one value or more, to a call, or, when the
 * head is a full look, to its end after two opcodes.
 */
export function looksLikePickle(head: Uint8Array, fullLook: number): boolean {
  if (head[0] === 0x80) return (head[1] ?? 0) >= 1 && (head[1] ?? 0) <= 5 && head.length >= 3;
  const run = follow(head);
  return run.end === 'stop' || run.end === 'call' || (run.end === 'cut' && head.length >= fullLook && run.opcodes >= 2);
}

/** `imports`: opcodes that name a global. */
export interface Run { readonly end: 'stop' | 'call' | 'cut' | 'refused'; readonly opcodes: number; readonly imports: number }

/** Opcode → argument: a number of bytes, one or two lines, or a length of 1, 4 or 8 bytes before the bytes. */
type Argument = number | 'line' | 'integer' | 'two-lines' | 'length1' | 'length4' | 'length8';
/** What it does to the stack: pops, pushes; 'mark' pops to the mark. */
interface Opcode { readonly argument: Argument; readonly pops: number | 'mark'; readonly pushes: number; readonly needs?: number; readonly calls?: true }

const opcodes = new Map<number, Opcode>();
const define = (letters: string, argument: Argument, pops: number | 'mark', pushes: number, more: Partial<Opcode> = {}) => {
  for (const letter of letters) opcodes.set(letter.charCodeAt(0), { argument, pops, pushes, ...more });
};
define('N})]', 0, 0, 1);
define('IFL', 'integer', 0, 1);
define('SVP', 'line', 0, 1);
define('J', 4, 0, 1);
define('G', 8, 0, 1);
define('K', 1, 0, 1);
define('M', 2, 0, 1);
// A PROTO that does not stand first, and what only other writers use.
define('\x80', 1, 0, 0);
define('\x82', 1, 0, 1);
define('\x83', 2, 0, 1);
define('\x84', 4, 0, 1);
define('\x97', 0, 0, 1);
define('\x98', 0, 1, 1);
define('UC\x8c\x8a', 'length1', 0, 1);
define('TXB\x8b', 'length4', 0, 1);
define('\x8d\x8e\x96', 'length8', 0, 1);
define('\x88\x89\x8f', 0, 0, 1);
define('\x85', 0, 1, 1);
define('\x86', 0, 2, 1);
define('\x87', 0, 3, 1);
define('0', 0, 1, 0);
define('1', 0, 'mark', 0);
define('2', 0, 1, 2);
define('a', 0, 2, 1);
define('s', 0, 3, 1);
define('ld\x91t', 0, 'mark', 1);
define('eu\x90', 0, 'mark', 0, { needs: 1 });
define('p', 'integer', 1, 1);
define('g', 'integer', 0, 1);
define('q', 1, 1, 1);
define('r', 4, 1, 1);
define('h', 1, 0, 1);
define('j', 4, 0, 1);
define('\x94', 0, 1, 1);
define('\x95', 8, 0, 0);
define('Q', 0, 1, 1);
define('c', 'two-lines', 0, 1);
define('\x93', 0, 2, 1);
define('i', 'two-lines', 'mark', 1, { calls: true });
define('o', 0, 'mark', 1, { calls: true });
define('Rb\x81', 0, 2, 1, { calls: true });
define('\x92', 0, 3, 1, { calls: true });

/** How far the opcodes at the beginning of these bytes can be followed. Never throws, and never runs anything. */
export function follow(head: Uint8Array): Run {
  const marks: number[] = [];
  let [depth, at, count, imports] = [0, 0, 0, 0];
  const run = (end: Run['end']): Run => ({ end, opcodes: count, imports });
  while (at < head.length) {
    const code = head[at] ?? 0;
    count += 1;
    at += 1;
    if (code === 0x2e) return run(depth > 0 ? 'stop' : 'refused');
    if (code === 0x28) { marks.push(depth); continue; }
    // POP right above a mark takes the mark.
    if (code === 0x30 && marks.at(-1) === depth) { marks.pop(); continue; }
    const opcode = opcodes.get(code);
    if (!opcode) return run('refused');
    const next = skip(head, at, opcode.argument);
    if (next === null) return run('refused');
    if ((code === 0x63 && next <= head.length) || code === 0x93) imports += 1;
    const base = opcode.pops === 'mark' ? marks.pop() : depth - opcode.pops;
    if (base === undefined || base < (marks.at(-1) ?? 0) || base < (opcode.needs ?? 0)) return run('refused');
    depth = base + opcode.pushes;
    if (opcode.calls) return run('call');
    if (next > head.length) return run('cut');
    at = next;
  }
  return run('cut');
}

const newline = 0x0a;

/** Where the next opcode is; beyond the end of the head when the argument goes on there; null when it is none. */
function skip(head: Uint8Array, at: number, argument: Argument): number | null {
  if (typeof argument === 'number') return at + argument;
  if (argument === 'line') return lineEnd(head, at);
  if (argument === 'integer') return isNumber(head, at) ? lineEnd(head, at) : null;
  if (argument === 'two-lines') return isName(head, at) ? lineEnd(head, lineEnd(head, at)) : null;
  const width = Number(argument.slice(-1));
  if (at + width > head.length) return head.length + 1;
  let length = 0;
  for (let index = width - 1; index >= 0; index--) length = length * 256 + (head[at + index] ?? 0);
  return at + width + length;
}

function lineEnd(head: Uint8Array, at: number): number {
  const end = at > head.length ? -1 : head.indexOf(newline, at);
  return end < 0 ? head.length + 1 : end + 1;
}

const text = (head: Uint8Array, at: number): string => String.fromCharCode(...head.subarray(at, Math.min(lineEnd(head, at) - 1, at + 128)));
/** As Python reads it: also hexadecimal, with underscores, blanks and exponents. */
const isNumber = (head: Uint8Array, at: number): boolean => /^\s*[-+]?(0[xXbBoO])?[\da-fA-F][\da-fA-F_.+-]*L?\s*$|^\s*[-+]?(inf|nan)\s*$/i.test(text(head, at));
const isName = (head: Uint8Array, at: number): boolean => /^[A-Za-z_\x80-\xff][\w.\x80-\xff]*\r?$/.test(text(head, at));
