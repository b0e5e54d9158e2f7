import { realpath } from 'node:fs/promises';
import type { Blindness } from './blindness.ts';
import { look } from './fact.ts';
import type { Folders } from './folders.ts';
import { candidatesOf } from './globs.ts';
import type { Folder, Ledger } from './ledger.ts';
import { bytesOf, isInside, type RawPath, rawOf } from './raw-path.ts';

/**
 * Opens the roots that have appeared and closes those that are gone: a root needs not exist when watching begins. A root
 * that is or lies below a link is known by its real path; one that lies inside another is not opened twice.
 */
export async function visitRoots(
  patterns: readonly string[], ledger: Ledger, folders: Folders, blindness: Blindness, arrival: Folder['arrival'],
): Promise<void> {
  for (const root of [...ledger.roots]) {
    const sight = await look(root);
    const known = ledger.folders.get(root);
    const isThere = sight.kind === 'folder' && known?.inode === sight.stat.ino && known.device === sight.stat.dev && known.bornNs === sight.stat.birthtimeNs;
    if (!isThere && sight.kind !== 'unreadable') await folders.close(root);
  }
  for (const pattern of patterns) {
    let found = false;
    for (const candidate of await candidatesOf(pattern)) found = await visit(candidate, ledger, folders, blindness, arrival) || found;
    if (found) blindness.remove('missing', rawOf(pattern));
    else blindness.add('missing', rawOf(pattern));
  }
}

/** True when there is a folder. */
async function visit(candidate: RawPath, ledger: Ledger, folders: Folders, blindness: Blindness, arrival: Folder['arrival']): Promise<boolean> {
  const sight = await look(candidate);
  if (sight.kind === 'unreadable') blindness.add('unreadable', candidate);
  else blindness.remove('unreadable', candidate);
  if (sight.kind !== 'folder' && sight.kind !== 'passage') return false;
  let real: RawPath;
  try { real = await realpath(bytesOf(candidate), 'latin1'); } catch { return false; } // gone between: looked at again at the next visit
  if (![...ledger.roots].some(root => isInside(real, root))) folders.openRoot(real, sight.stat, arrival);
  return true;
}
