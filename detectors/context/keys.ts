import { hash } from 'node:crypto';
import type { Memory } from '../../agent/contract/detector.ts';
import type { FileIdentity } from '../../agent/contract/file.ts';
import { bounded } from './bounded.ts';

const longest = 400;

/**
 * A key for Memory from parts that an attacker may choose. Parts are parted by a newline, which no escaped fact
 * contains; what is longer than a memory's keys may be goes in as its SHA-256, so that no two names share a key.
 */
export function keyOf(...parts: readonly (string | number)[]): string {
  const key = parts.join('\n');
  return key.length <= longest ? key : `#${hash('sha256', key, 'hex')}`;
}

/** Sixteen hexadecimal digits that stand for a long text inside a value of Memory; computed once for each text. */
export function createMarks(cap = 4_096): (text: string) => string {
  const known = bounded<string, string>(cap);
  return text => {
    const mark = known.get(text) ?? hash('sha256', text, 'hex').slice(0, 16);
    if (!known.has(text)) known.set(text, mark);
    return mark;
  };
}

const freshMs = 3_600_000;

/**
 * Remembers that something was seen; true when it was known before. Memory forgets what was written longest ago, so what
 * is still in use is written again, once an hour.
 */
export function learn(memory: Memory, key: string, at: number): boolean {
  const before = memory.get(key);
  if (typeof before !== 'number' || Math.abs(at - before) > freshMs) memory.set(key, at);
  return before !== undefined;
}

/** Of two times in nanoseconds as decimal text. */
export const isLater = (a: string, b: string): boolean => a.length === b.length ? a > b : a.length > b.length;

/** One text for one state of one file. */
export const stateOf = (file: FileIdentity): string => `${file.device} ${file.inode} ${file.size} ${file.mtimeNs} ${file.ctimeNs}`;
