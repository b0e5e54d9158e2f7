import { closeSync, constants, fstatSync, fsyncSync, lchownSync, lstatSync, mkdirSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../store/directory.ts';
import { TrailDamage } from './damage.ts';

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** The whole file; null when there is none. Throws TrailDamage for what is no regular file or longer than `limit`. */
export function readFile(path: string, limit: number, place = path): Buffer | null {
  let descriptor: number;
  try { descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK); } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') throw new TrailDamage(place, 'it is a symbolic link');
    throw error;
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw new TrailDamage(place, 'it is no regular file');
    if (facts.size > limit) throw new TrailDamage(place, `it has ${facts.size} bytes, more than the ${limit} that were ever written there`);
    const bytes = Buffer.alloc(facts.size);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = readSync(descriptor, bytes, length, bytes.length - length, length);
    return bytes.subarray(0, length);
  } finally { closeSync(descriptor); }
}

/** Makes the folder and those above it, 0700, each on disk before it is used unless that does not matter. */
export function makeFolders(path: string, durable = true): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolders(dirname(path), durable);
  try {
    mkdirSync(path, { mode: 0o700 });
    ownAsAround(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  if (durable) syncDirectory(dirname(path));
}

/** What root makes by a command in the folder of an agent that is not root, that agent must be able to read. */
export function ownAsAround(path: string): void {
  const { uid, gid } = statSync(dirname(path));
  if (process.geteuid?.() === 0 && uid !== 0) lchownSync(path, uid, gid);
}

export interface NewFile { readonly path: string; readonly bytes: Uint8Array }

/** Each file is there whole or not at all, and all of them for good when this returns. */
export function putFiles(files: readonly NewFile[]): void {
  for (const file of files) placeFile(file, true);
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncDirectory(folder);
}

export const putFile = (path: string, bytes: Uint8Array): void => putFiles([{ path, bytes }]);

/** For what can be made again: a process that is killed leaves it whole or not at all, a power cut may leave anything. */
export function placeFile({ path, bytes }: NewFile, durable = false): void {
  makeFolders(dirname(path), durable);
  const unfinished = `${path}.tmp`;
  const descriptor = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
  try {
    writeWhole(descriptor, bytes, 0);
    if (durable) fsyncSync(descriptor);
  } finally { closeSync(descriptor); }
  renameSync(unfinished, path);
}

/** Every byte at its place, or an error. */
export function writeWhole(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, bytes.length - at, position + at);
}
