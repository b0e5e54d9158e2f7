import { isUtf8 } from 'node:buffer';
import type { Place } from '../../../agent/contract/file.ts';
import { readText } from '../../../agent/contract/text.ts';

/**
 * The bytes of a path or a name, one character a byte (latin1): exact whatever the bytes are, compact, and good as a key.
 * Node lists and resolves in it with `encoding: 'latin1'`; it opens only through `bytesOf`.
 */
export type RawPath = string;

export const rawOf = (text: string): RawPath => Buffer.from(text, 'utf8').toString('latin1');
export const bytesOf = (raw: RawPath): Buffer => Buffer.from(raw, 'latin1');

/** As it would be typed; null where the bytes are not UTF-8 and no text can name it. */
export function textOf(raw: RawPath): string | null {
  const bytes = bytesOf(raw);
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** For patterns only: bytes that are not UTF-8 become U+FFFD. */
export const looseTextOf = (raw: RawPath): string => bytesOf(raw).toString('utf8');

/** `inside`: what a process in another mount namespace calls it; null when that is the same. */
export const placeOf = (raw: RawPath, inside: RawPath | null = null): Place =>
  ({ path: readText(bytesOf(raw)), ...inside === null || inside === raw ? {} : { inside: readText(bytesOf(inside)) } });

export const below = (folder: RawPath, name: RawPath): RawPath => (folder === '/' ? `/${name}` : `${folder}/${name}`);
export const nameOf = (path: RawPath): RawPath => path.slice(path.lastIndexOf('/') + 1);
export const folderOf = (path: RawPath): RawPath => path.slice(0, Math.max(1, path.lastIndexOf('/')));
export const isInside = (path: RawPath, root: RawPath): boolean => path === root || path.startsWith(root === '/' ? '/' : `${root}/`);
