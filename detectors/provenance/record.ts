import type { Memory } from '../../agent/contract/detector.ts';
import { keyOf } from '../context/keys.ts';

/** What is remembered of one path that was loaded; one short text in Memory, so that 20,000 paths are remembered. */
export interface PathRecord {
  /** Mark of the last state that was inspected; empty when none was. */
  readonly inspected: string;
  /** Digest of that state. */
  readonly inspectedDigest: string;
  /** Digest that was last loaded, or first seen when none was loaded yet. */
  readonly digest: string;
  /** The one before, when that is another; and since when this one is loaded. */
  readonly previous: string;
  readonly replacedAt: number;
  /** `uid:mark of the executable`, newest last. */
  readonly loaders: readonly string[];
}

export const blank: PathRecord = { inspected: '', inspectedDigest: '', digest: '', previous: '', replacedAt: 0, loaders: [] };

const mostLoaders = 12;
/** 128 bits of a SHA-256: short, and still nobody makes a second file that has them. */
export const shorten = (sha256: string): string => sha256.slice(0, 32);

export const withLoader = (record: PathRecord, loader: string): PathRecord =>
  ({ ...record, loaders: [...record.loaders.filter(each => each !== loader), loader].slice(-mostLoaders) });

/** A text of another shape is no record: nothing is known. */
export function readRecord(memory: Memory, path: string): PathRecord | null {
  const text = memory.get(keyOf('path', path));
  const parts = typeof text === 'string' ? text.split(' ') : [];
  if (parts.length !== 6) return null;
  const [inspected = '', inspectedDigest = '', digest = '', previous = '', replacedAt, loaders = ''] = parts;
  return { inspected, inspectedDigest, digest, previous, replacedAt: Number(replacedAt) || 0, loaders: loaders.split(',').filter(each => each !== '') };
}

/** Written anew even when nothing changed: Memory forgets what was not written for the longest time. */
export function writeRecord(memory: Memory, path: string, record: PathRecord): void {
  const text = [record.inspected, record.inspectedDigest, record.digest, record.previous, record.replacedAt, record.loaders.join(',')].join(' ');
  memory.set(keyOf('path', path), text);
}
