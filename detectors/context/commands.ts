import { nameOf } from './wording.ts';

/** One command: its program by its last name, and the words after it. */
export interface Command { readonly program: string; readonly rest: readonly string[] }

const shells = /^(sh|r?bash|dash|ash|zsh|ksh\d*|mksh|fish|csh|tcsh|busybox)$/;
const carriers = /^(sudo|doas|env|nohup|exec|command|timeout|nice|ionice|setsid|stdbuf|builtin|\{|then|do|else|if|!)$/;
const mostWords = 256;
/** A word of a fact has at most 1,024 characters, each up to 10 when it is escaped. */
const mostChars = 10_240;

/**
 * Commands of one line: the argv itself, or what a shell is told to run (-c), parted where one command ends. No shell is
 * followed further: what it expands, reads or decodes is not seen, so that a command hidden so is only that of its shell.
 */
export function commandsOf(argv: readonly string[]): readonly Command[] {
  const program = nameOf(argv[0] ?? '').replace(/^-/, '');
  const isShell = shells.test(program === 'busybox' ? argv[1] ?? '' : program);
  const code = isShell ? argv.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word)) : -1;
  return (code === -1 ? [argv.slice(0, mostWords)] : linesOf(argv[code + 1] ?? '')).map(asCommand).filter(each => each !== null);
}

/** Control characters come escaped, so that a newline is four signs. `2>&1` names no file; `&>` and `>|` write as `>` does. */
function linesOf(text: string): readonly (readonly string[])[] {
  const all: string[][] = [[]];
  const plain = text.slice(0, mostChars).replaceAll(/\d?>&(\d+|-)/g, ' ').replaceAll(/&>{1,2}|>\||>&/g, '>');
  const words = plain.split(/(&&|\|\||[;&|()`]|\\x0a)|\s+/).filter(word => word !== undefined && word !== '').slice(0, mostWords);
  for (const word of words) {
    if (/^(&&|\|\||[;&|()`]|\\x0a)$/.test(word)) all.push([]);
    else all.at(-1)?.push(word.replaceAll(/^["']+|["']+$/g, ''));
  }
  return all;
}

function asCommand(words: readonly string[]): Command | null {
  const at = words.findIndex(word => !carriers.test(word) && !/^\w+=/.test(word) && !word.startsWith('-'));
  const word = words[at];
  return word === undefined ? null : { program: /^\d?>/.test(word) ? '' : nameOf(word).toLowerCase(), rest: words.slice(/^\d?>/.test(word) ? at : at + 1) };
}

const writers = new Set(['tee', 'cp', 'mv', 'ln', 'install', 'dd', 'truncate', 'touch', 'sponge', 'rsync']);
/** A program that writes into files that it is given. */
export const isWriter = (program: string): boolean => writers.has(program);

/** Files into which a command writes, as far as its words show: redirections, and arguments of programs that write files. */
export function writtenBy({ program, rest }: Command): readonly string[] {
  const redirected = rest.flatMap((word, index) => {
    const [, path] = /^\d?>{1,2}(.*)$/.exec(word) ?? [];
    return path === undefined ? [] : [path === '' ? rest[index + 1] ?? '' : path];
  });
  const inPlace = (program === 'sed' || program === 'perl') && rest.some(word => /^-[a-zA-Z]*i/.test(word));
  const plain = rest.filter(word => !word.startsWith('-') && !word.startsWith('>'));
  switch (program) {
    case 'cp': case 'mv': case 'ln': case 'install': case 'rsync': return [...redirected, ...plain.slice(-1)];
    case 'dd': return [...redirected, ...rest.filter(word => word.startsWith('of=')).map(word => word.slice(3))];
    case 'curl': case 'wget': return [...redirected, ...rest.filter((_, index) => /^-[a-zA-Z]*[oO]$|^--output(-document)?$/.test(rest[index - 1] ?? ''))];
    default: return isWriter(program) || inPlace ? [...redirected, ...plain] : redirected;
  }
}
