import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import { BudgetError } from '../report.ts';
import { disguising, type MemberFlaw, throughLink } from './member-flaw.ts';
import { isUtf8, partsOf } from './member-name.ts';

export type MemberKind = 'file' | 'folder' | 'link';

/** The members of one archive so far, and how their places disagree. Memory: some hundred bytes a member and folder. */
export interface MemberSet {
  /** What is wrong with this member beside those before it; `name` as its bytes stand in the archive. BudgetError beyond 500,000 places. */
  add(name: Uint8Array, kind: MemberKind): readonly MemberFlaw[];
}

const mostPlaces = 500_000;
/** Folders beyond this depth are not followed; `judgeName` tells such a name. */
const mostParts = 64;

interface Place { readonly name: string; readonly kind: MemberKind | null; readonly used: boolean }

/**
 * Exact duplicates (readers differ in which one wins), names that fall together where a file system folds case or normalises
 * Unicode, a file that is also a folder, and a link that is used as a folder, in whatever order they come.
 */
export function createMemberSet(): MemberSet {
  /** By exact path, a letter a byte; `kind` null for a folder that is only part of another name. */
  const exact = new Map<string, Place>();
  /** By folded path, the first exact one. */
  const folded = new Map<string, string>();
  const put = (path: string, place: Place) => {
    exact.set(path, place);
    if (exact.size > mostPlaces) throw new BudgetError(`more than ${mostPlaces} members and folders are not followed`);
  };
  return {
    add(bytes, kind) {
      const name = Buffer.from(bytes).toString('latin1');
      const parts = partsOf(name).slice(0, mostParts + 1);
      const path = parts.join('/');
      const flaws = underLinks(parts, name, exact, put);
      const before = exact.get(path);
      if (before?.kind) flaws.push(twice(name, before.kind, kind));
      else if (before?.used && kind !== 'folder') flaws.push(asFolder(name, kind));
      put(path, { name, kind: before?.kind && before.kind !== 'folder' ? before.kind : kind, used: before?.used ?? false });
      const fold = textOf(path).normalize('NFKC').toLowerCase().normalize('NFKC');
      const other = folded.get(fold);
      if (other === undefined) folded.set(fold, path);
      else if (other !== path) flaws.push(collision(other, path));
      return flaws;
    },
  };
}

/** Marks every folder that the name lies in, and tells those that are files or links. */
function underLinks(parts: readonly string[], name: string, exact: Map<string, Place>, put: (path: string, place: Place) => void): MemberFlaw[] {
  const flaws: MemberFlaw[] = [];
  let path = '';
  for (const part of parts.slice(0, -1)) {
    path = path === '' ? part : `${path}/${part}`;
    const place = exact.get(path);
    if (place?.kind && place.kind !== 'folder' && !place.used) flaws.push(asFolder(place.name, place.kind, name));
    if (!place?.used) put(path, { name: place?.name ?? path, kind: place?.kind ?? null, used: true });
  }
  return flaws;
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');
/** What is not UTF-8 is folded as it stands. */
const textOf = (path: string): string => isUtf8(bytesOf(path)) ? bytesOf(path).toString() : path;
const shown = (path: string): string => quoted(bytesOf(path));

const flaw = (what: string, severity: Severity, message: string, techniques: readonly string[]): MemberFlaw => ({ rule: `archive.${what}`, severity, confidence: 0.9, message, techniques });

const asFolder = (name: string, kind: MemberKind, inside = ''): MemberFlaw => kind === 'link'
  ? throughLink(`The link ${shown(name)} is used as a folder${inside === '' ? '' : ` by ${shown(inside)}`}: what lies in it is written to the link's target`)
  : flaw('member-file-and-folder', 'medium', `${shown(name)} is a file and a folder at once`, disguising);

const twice = (name: string, before: MemberKind, now: MemberKind): MemberFlaw => before === 'folder' && now === 'folder'
  ? flaw('folder-twice', 'low', `The folder ${shown(name)} stands twice in the archive`, disguising)
  : flaw('member-twice', 'high', `${shown(name)} stands twice in the archive: programs differ in which one counts`, disguising);

const collision = (first: string, second: string): MemberFlaw => textOf(first).normalize('NFC') === textOf(second).normalize('NFC') || textOf(first).toLowerCase() !== textOf(second).toLowerCase()
  ? flaw('member-alike', 'medium', `${shown(first)} and ${shown(second)} are one name once normalised`, disguising)
  : flaw('member-case', 'low', `${shown(first)} and ${shown(second)} differ only by case`, disguising);
