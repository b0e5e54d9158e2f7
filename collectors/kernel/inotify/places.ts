import { realpath, stat } from 'node:fs/promises';
import { matchesGlob } from 'node:path';
import { candidatesOf, type NameFilter, nameFilter } from './globs.ts';
import { below, bytesOf, folderOf, looseTextOf, nameOf, type RawPath } from './raw-path.ts';

/** Files that are named by patterns, by the folders in which they are or may come to be. */
export interface Places {
  /**
   * Looks for the folders anew; which are there, what is gone of those there at the last look, and in which folders one that
   * is missing would come to be. Real paths.
   */
  look(): Promise<{ readonly there: readonly RawPath[]; readonly gone: readonly RawPath[]; readonly above: ReadonlySet<RawPath> }>;
  /** What a pattern calls this file in a known folder; null when it is none of them. */
  nameOf(file: RawPath): RawPath | null;
  /** Whether this folder, which may not have been there at the last look, can hold one, or a folder that can. */
  mayHold(folder: RawPath): boolean;
  /** Folders beyond were left out at the last look. */
  readonly tooMany: boolean;
}

interface Place { readonly called: RawPath; readonly filter: NameFilter }

/** `patterns`: absolute; a wildcard stands for one name. */
export function createPlaces(patterns: readonly string[], maxFolders: number): Places {
  const byFolder = Map.groupBy(patterns.map(pattern => ({ folder: folderOf(pattern), name: nameOf(pattern) })), ({ folder }) => folder);
  const wanted = [...byFolder].map(([folder, names]) => ({ folder, filter: nameFilter(names.map(({ name }) => name), []) }));
  const prefixes = [...new Set(wanted.flatMap(({ folder }) => prefixesOf(folder)))];
  let known = new Map<RawPath, Place[]>();
  let tooMany = false;
  return {
    async look() {
      const found = new Map<RawPath, Place[]>();
      const above = new Set<RawPath>();
      tooMany = false;
      for (const { folder, filter } of wanted) {
        for (const candidate of await candidatesOf(folder)) {
          const real = await folderAt(candidate);
          if (found.size + above.size >= maxFolders && (real === null || !found.has(real))) { tooMany = true; continue; }
          if (real === null) { above.add(await nearest(folderOf(candidate))); continue; }
          found.set(real, [...found.get(real) ?? [], { called: candidate, filter }]);
        }
      }
      const before = known;
      known = found;
      return { there: [...found.keys()], gone: [...before.keys()].filter(path => !found.has(path)), above };
    },
    nameOf(file) {
      const place = known.get(folderOf(file))?.find(({ filter }) => filter.file(nameOf(file)));
      return place === undefined ? null : below(place.called, nameOf(file));
    },
    mayHold(folder) {
      const text = looseTextOf(folder);
      return prefixes.some(prefix => matchesGlob(text, prefix));
    },
    get tooMany() { return tooMany; },
  };
}

/** The folder itself and all above it. */
function prefixesOf(folder: string): string[] {
  const names = folder.split('/').slice(1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

/** The real path of a folder, all links followed; null for what is not there, or is none. */
async function folderAt(name: RawPath): Promise<RawPath | null> {
  try {
    const real = await realpath(bytesOf(name), 'latin1');
    return (await stat(bytesOf(real))).isDirectory() ? real : null;
  } catch { return null; } // looked for again at the next look
}

/** The real path of the folder itself or of the first above it that is there. */
async function nearest(name: RawPath): Promise<RawPath> {
  const real = await folderAt(name);
  return real ?? (name === '/' ? name : nearest(folderOf(name)));
}
