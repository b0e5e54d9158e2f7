import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** A real program the tests meet. Installed once, below the cache, in a folder named by what it is made of. */
export type Part = {
  readonly name: string;
  /** Changes whenever the part has to be installed anew: a hash over its pins and its recipe's number. */
  readonly key: string;
  /** Fills an empty folder. The folder gets its final name only when this has resolved, so a half part is never seen. */
  install(folder: string): Promise<void>;
};

const checkout = resolve(import.meta.dirname, '../..');

export const cacheFolder = (): string => resolve(process.env.MXWARDEN_TEST_CACHE ?? join(checkout, '.cache'));
export const folderOf = (part: Part): string => join(cacheFolder(), `${part.name}-${part.key}`);
export const isInstalled = (part: Part): boolean => existsSync(folderOf(part));

/** The file with a part's pins, beside this one. */
export const pinsPath = (file: string): string => join(import.meta.dirname, file);
export function keyFrom(files: string | readonly string[], recipe: number): string {
  const digest = createHash('sha256').update(`${recipe}\n`);
  for (const file of [files].flat()) digest.update(readFileSync(pinsPath(file)));
  return digest.digest('hex').slice(0, 12);
}

/** For a part that is one pinned version. */
export const keyOf = (version: string, recipe: number): string => createHash('sha256').update(`${recipe}\n${version}`).digest('hex').slice(0, 12);

/** Throws for a test that uses a part it did not ask for with `testWith`. */
export function installed(part: Part): string {
  if (!isInstalled(part)) throw new Error(`${part.name} is not installed: npm run test:setup`);
  return folderOf(part);
}

/** Safe beside another process that does the same: the first one to finish wins. */
export async function ensure(part: Part): Promise<'present' | 'installed'> {
  if (isInstalled(part)) return 'present';
  const unfinished = join(cacheFolder(), `${part.name}-${part.key}.${process.pid}.tmp`);
  await mkdir(unfinished, { recursive: true });
  try {
    await part.install(unfinished);
    await rename(unfinished, folderOf(part)).catch((error: unknown) => { if (!isInstalled(part)) throw error; });
    return 'installed';
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
