import { readdir } from 'node:fs/promises';
import { matchesGlob, resolve } from 'node:path';
import { below, bytesOf, looseTextOf, type RawPath, rawOf } from './raw-path.ts';

const magic = /[*?[\]{}]/;
/** More candidates of one pattern than this are not looked at. */
const mostCandidates = 1_024;

/**
 * Where the roots of one pattern may be, whether they exist or not: a wildcard stands for one existing folder name, hidden
 * ones too. At most 1,024.
 */
export async function candidatesOf(pattern: string): Promise<readonly RawPath[]> {
  let found: RawPath[] = ['/'];
  for (const segment of resolve(pattern).split('/').filter(Boolean)) {
    if (!magic.test(segment)) found = found.map(folder => below(folder, rawOf(segment)));
    else found = (await Promise.all(found.map(folder => matchesIn(folder, segment)))).flat().slice(0, mostCandidates);
  }
  return found;
}

async function matchesIn(folder: RawPath, segment: string): Promise<RawPath[]> {
  let names: string[];
  try { names = await readdir(bytesOf(folder), 'latin1'); } catch { return []; } // not there yet, or not a folder: looked at again
  return names.filter(name => matches(looseTextOf(name), [{ glob: segment, isName: true }])).map(name => below(folder, name));
}

export interface NameFilter { file(relative: RawPath): boolean; folder(relative: RawPath): boolean }

/**
 * Patterns as in path.matchesGlob, matched against the path below the root; one without a slash against the name alone.
 * An empty `include` takes everything. A leading dot hides nothing from `include`: whoever attacks chooses the names.
 */
export function nameFilter(include: readonly string[], exclude: readonly string[]): NameFilter {
  const included = include.map(patternOf);
  const excluded = exclude.map(patternOf);
  // Where all below a folder is excluded, the folder need not be entered.
  const excludedFolders = exclude.flatMap(glob => (glob.endsWith('/**') ? [patternOf(glob), { glob: glob.slice(0, -3), isName: false }] : [patternOf(glob)]));
  return {
    file: relative => (include.length === 0 || matches(looseTextOf(relative), included)) && !matches(looseTextOf(relative), excluded),
    folder: relative => !matches(looseTextOf(relative), excludedFolders),
  };
}

interface Pattern { readonly glob: string; readonly isName: boolean }
const patternOf = (glob: string): Pattern => ({ glob, isName: !glob.includes('/') });

function matches(relative: string, patterns: readonly Pattern[]): boolean {
  if (patterns.length === 0) return false;
  const undotted = relative.replace(/(^|\/)\.+(?=[^/])/g, '$1');
  return patterns.some(({ glob, isName }) =>
    [relative, undotted].some(text => matchesGlob(isName ? text.slice(text.lastIndexOf('/') + 1) : text, glob)));
}
