import { createHash } from 'node:crypto';
import { escapeText } from '../../../agent/contract/text.ts';
import { isPathLike } from '../path-like.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { noteFlaw } from './flaws.ts';
import type { FlawName } from './flaws.ts';

/** Longer ones carry something else than a name. */
export const longestName = 4_096;

/** Checks names one after another, without keeping more of each than tells whether it came before. */
export interface NameCheck {
  look(name: Uint8Array, offset: number): void;
  end(): void;
}

const mostTold = 10;

export function createNameCheck(report: Report, start: number): NameCheck {
  const seen = new Set<string>();
  const told = new Map<FlawName, number>();
  let [prefixed, plain] = [0, 0];
  const tell = (flaw: FlawName, name: Uint8Array, offset: number, why: string) => {
    const times = told.get(flaw) ?? 0;
    told.set(flaw, times + 1);
    if (times < mostTold) noteFlaw(report, flaw, offset, `The array name ${quoted(name)} ${why}`);
  };
  return {
    look(name, offset) {
      const key = keyOf(name);
      if (seen.has(key)) tell('name-duplicate', name, offset, 'stands twice: which array is meant depends on the reader');
      seen.add(key);
      if (name.length === 0) tell('name-empty', name, offset, 'is empty');
      if (name.includes(0)) tell('name-nul', name, offset, 'holds a NUL, where it ends for C and Python: it can take the place of another');
      const text = decode(name);
      if (text === null) { tell('name-encoding', name, offset, 'is not UTF-8: Python fails after the load'); return; }
      if (escapeText(text.replaceAll('\0', '')) !== text.replaceAll('\0', '')) tell('name-control', name, offset, 'holds control or invisible characters: it forges lines of logs, or reads as another name');
      const bare = text.replace(/^(?:arg|aux):/, '');
      if (isPathLike(bare)) tell('name-path', name, offset, 'is a path: a tool that makes files of arrays would write there');
      if (bare === text) plain += 1; else prefixed += 1;
    },
    end() {
      if (prefixed > 0 && plain > 0) noteFlaw(report, 'name-prefix', start, `${prefixed} names begin with arg: or aux: and ${plain} do not: loaders drop or refuse those`);
    },
  };
}

/** Two names of one key are one name: short ones are their own. */
const keyOf = (name: Uint8Array): string =>
  name.length <= 43 ? String.fromCharCode(...name) : createHash('sha256').update(name).digest('base64');

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for what is not UTF-8. */
function decode(name: Uint8Array): string | null {
  try { return strict.decode(name); } catch { return null; /* The only error it throws, and the answer. */ }
}
