import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { damaged, TrailDamage } from './damage.ts';
import { mostLineBytes, parseEntry } from './entry.ts';
import { readFile } from './files.ts';
import { hashBytes, leafHash } from './merkle.ts';
import { decodeBundle, mostBundleBytes, type TileLevel, tilePath, tileWidth } from './tile.ts';

/*
 * One epoch of the trail on disk: a log as https://c2sp.org/tlog-tiles publishes it, and beside that
 *   vkey                        the key it began with
 *   pending/<bundle>.jsonl      entries that are in no full bundle yet: leaf hash in base64, a space, the entry; the only file that is appended to
 *   checkpoints/<size>          earlier checkpoints, the first of each day and each that two keys signed
 *   rotations/<seq>.tlog-proof  that the log itself names a new key
 */

export interface Pending {
  readonly entries: readonly Buffer[];
  /** Of the lines that are whole. */
  readonly bytes: number;
  /** What a writer that was killed left behind them. */
  readonly tornBytes: number;
}

/** Reads what is there. Throws TrailDamage that names the file, or what the disk throws. */
export interface EpochFiles {
  readonly folder: string;
  checkpoint(): Buffer | null;
  vkey(): string | null;
  /** Null when there is none of just this width. */
  tile(level: number, index: number, width?: number): Buffer | null;
  bundle(index: number, width?: number): Buffer[] | null;
  pending(index: number): Pending | null;
  /** Numbers of the files with this ending in a folder, ascending. */
  numbers(folder: 'pending' | 'checkpoints' | 'rotations'): number[];
  /** A copy of what is published has none. */
  readonly hasPending: boolean;
  /** Every bundle that is full, ascending. */
  bundles(): number[];
  read(name: string, limit: number): Buffer | null;
}

const mostNote = 65_536;
const hashText = 44;
const mostPending = tileWidth * (mostLineBytes + hashText + 2);
const endings = { pending: '.jsonl', checkpoints: '', rotations: '.tlog-proof' } as const;

export const pendingPath = (index: number): string => `pending/${index}.jsonl`;
export const checkpointPath = (size: number): string => `checkpoints/${size}`;
export const rotationPath = (seq: number): string => `rotations/${seq}.tlog-proof`;
export const pendingLine = (entry: Buffer): Buffer => Buffer.concat([Buffer.from(`${leafHash(entry).toString('base64')} `), entry, Buffer.from('\n')]);

export function epochFiles(folder: string): EpochFiles {
  const read = (name: string, limit: number): Buffer | null => readFile(join(folder, name), limit, name);
  const widthPath = (level: TileLevel, index: number, width: number) => tilePath(level, index, width);

  return {
    folder, read,
    hasPending: lstatSync(join(folder, 'pending'), { throwIfNoEntry: false })?.isDirectory() === true,
    checkpoint: () => read('checkpoint', mostNote),
    vkey: () => read('vkey', mostNote)?.toString() ?? null,
    tile(level, index, width = tileWidth) {
      const name = widthPath(level, index, width);
      const bytes = read(name, tileWidth * hashBytes);
      if (bytes !== null && bytes.length !== width * hashBytes) throw new TrailDamage(name, `it has ${bytes.length} bytes instead of ${width * hashBytes}`);
      return bytes;
    },
    bundle(index, width = tileWidth) {
      const name = widthPath('entries', index, width);
      const bytes = read(name, mostBundleBytes);
      try { return bytes && decodeBundle(bytes, width); } catch (error) { throw damaged(name, error); }
    },
    pending(index) {
      const name = pendingPath(index);
      const bytes = read(name, mostPending);
      return bytes && parsePending(bytes, name, index * tileWidth);
    },
    numbers: kind => names(join(folder, kind), false).flatMap(name => numbered(name, endings[kind])).sort((one, other) => one - other),
    bundles: () => names(join(folder, 'tile/entries'), true).flatMap(bundleIndex).sort((one, other) => one - other),
  };
}

/**
 * The lines up to the first that is not whole. What follows it is torn when nothing in it is whole again, as after a
 * write that a crash cut short; else somebody changed the file.
 */
function parsePending(bytes: Buffer, name: string, first: number): Pending {
  const entries: Buffer[] = [];
  let at = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, end + 1)) {
    const entry = soundLine(bytes.subarray(at, end));
    if (entry === null || entries.length === tileWidth) break;
    entries.push(entry);
    at = end + 1;
  }
  if (hasSoundLine(bytes.subarray(at))) throw new TrailDamage(`record ${first + entries.length}`, `its line in ${name} was changed`);
  return { entries, bytes: at, tornBytes: bytes.length - at };
}

function soundLine(line: Buffer): Buffer | null {
  const entry = line.subarray(hashText + 1);
  return line[hashText] === 32 && line.toString('latin1', 0, hashText) === leafHash(entry).toString('base64') ? entry : null;
}

function hasSoundLine(bytes: Buffer): boolean {
  let at = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    if (soundLine(bytes.subarray(at, end)) !== null) return true;
    at = end + 1;
  }
  return false;
}

function names(folder: string, recursive: boolean): string[] {
  try { return readdirSync(folder, { recursive, encoding: 'utf8' }); } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function numbered(name: string, ending: string): number[] {
  const [, digits] = /^(0|[1-9][0-9]{0,15})(\..*)?$/.exec(name) ?? [];
  return digits !== undefined && name === `${digits}${ending}` ? [Number(digits)] : [];
}

/** `x001/234` → 1234; nothing for folders and bundles that are not full. */
function bundleIndex(name: string): number[] {
  return /^(x[0-9]{3}\/)*[0-9]{3}$/.test(name) ? [Number(name.replaceAll(/[x/]/g, ''))] : [];
}

/** Entries of a bundle wherever they are: full, still pending, or as published with a checkpoint of this size. */
export function entriesIn(files: EpochFiles, index: number, publishedSize: number): readonly Buffer[] | null {
  const width = Math.floor(publishedSize / tileWidth) === index ? publishedSize % tileWidth : 0;
  return files.bundle(index) ?? files.pending(index)?.entries ?? (width > 0 ? files.bundle(index, width) : null);
}

/** Epoch milliseconds at which an entry says it was made; throws TrailDamage when it does not. */
export function entryTime(entry: Buffer, seq: number): number {
  try { return Date.parse(parseEntry(entry).time); } catch (error) { throw damaged(`record ${seq}`, error); }
}
