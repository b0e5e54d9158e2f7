import { escapeText } from '../../../agent/contract/text.ts';
import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import { disguising, escaping, type MemberFlaw } from './member-flaw.ts';

const longestName = 1_024;
/** NAME_MAX of Linux. */
const longestPart = 255;
const mostParts = 64;

/**
 * What is wrong with one name, as its bytes stand in the archive; `/` divides, and a last `/` marks a folder. What file
 * systems and unpackers make of it: Python's zipfile cuts at NUL and drops `..`; Java's streams give the name as it is, and Multi
 * Model Server joins it to a folder without a check; tarfile without a filter follows it. A leading `./` is usual and not told.
 */
export function judgeName(bytes: Uint8Array): readonly MemberFlaw[] {
  const shown = quoted(bytes);
  const flaws: MemberFlaw[] = [];
  const flaw = (what: string, severity: Severity, message: string, techniques: readonly string[] = disguising) => { flaws.push({ rule: `archive.name-${what}`, severity, confidence: 0.9, message, techniques }); };
  if (bytes.length === 0) flaw('empty', 'medium', 'A member has no name', ['AML.T0076']);
  if (bytes.length > longestName) flaw('long', 'medium', `The name ${shown} has ${bytes.length} bytes`, ['T1499']);
  if (!isUtf8(bytes)) flaw('encoding', 'medium', `The name ${shown} is not UTF-8: each program reads another one`);
  const name = Buffer.from(bytes).toString();
  if (bytes.includes(0)) flaw('nul', 'high', `The name ${shown} holds a NUL, where some programs end it`);
  const plain = name.replaceAll('\\', '');
  if (escapeText(plain) !== plain) flaw('control', 'medium', `The name ${shown} holds control, bidi or invisible characters`);
  for (const found of judgePath(name)) flaw(found.what, found.severity, `The name ${shown} ${found.says}`, found.techniques);
  return flaws;
}

interface PathFlaw { readonly what: string; readonly severity: Severity; readonly says: string; readonly techniques?: readonly string[] }

function judgePath(name: string): readonly PathFlaw[] {
  const flaws: PathFlaw[] = [];
  const parts = partsOf(name);
  if (leaves(name)) flaws.push({ what: 'escape', severity: 'critical', says: 'leads out of the folder it is unpacked to', techniques: escaping });
  else if (name.includes('\\') && leaves(name.replaceAll('\\', '/'))) flaws.push({ what: 'escape', severity: 'high', says: 'leads out of the folder it is unpacked to where a backslash divides', techniques: escaping });
  else if (/(?:^|[\\/])\.\.(?:$|[\\/])/.test(name)) flaws.push({ what: 'parent', severity: 'high', says: 'goes up through a folder', techniques: escaping });
  if (/^[\\/]/.test(name)) flaws.push({ what: 'absolute', severity: 'high', says: 'is absolute', techniques: escaping });
  if (/^[A-Za-z]:/.test(name)) flaws.push({ what: 'drive', severity: 'medium', says: 'begins with a drive', techniques: escaping });
  if (name.includes('\\')) flaws.push({ what: 'backslash', severity: 'medium', says: 'has a backslash, which some programs take for a divider' });
  if (parts.length > mostParts) flaws.push({ what: 'deep', severity: 'medium', says: `lies in ${parts.length - 1} folders`, techniques: ['T1499'] });
  if (parts.some(part => Buffer.byteLength(part) > longestPart)) flaws.push({ what: 'part', severity: 'medium', says: `has a part longer than ${longestPart} bytes, which no file system takes` });
  if (name !== '' && /\/\/|\/\.(?:\/|$)/.test(name) && !/(?:^|\/)\.\.(?:\/|$)/.test(name)) flaws.push({ what: 'odd', severity: 'medium', says: 'has empty parts or dots for parts' });
  if (parts.some(part => /[. ]$/.test(part) && !/^\.\.?$/.test(part))) flaws.push({ what: 'trailing', severity: 'low', says: 'has a part that ends with a dot or a space, which some file systems drop' });
  if (parts.some(part => /^\.[^./]/.test(part))) flaws.push({ what: 'hidden', severity: 'info', says: 'is of a hidden file or lies in a hidden folder' });
  return flaws;
}

/** Whether `..` goes above the start at any time. */
function leaves(path: string): boolean {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

/** Whether a link at `name` with this target leads out of the folder that the archive is unpacked to. */
export function linkLeaves(name: string, target: string): boolean {
  if (/^[\\/]|^[A-Za-z]:/.test(target)) return true;
  const folder = name.replace(/\/+$/, '').split('/').slice(0, -1).join('/');
  return leaves(`${folder}/${target}`) || leaves(`${folder}/${target}`.replaceAll('\\', '/'));
}

/** The parts of a name without the empty ones and single dots. */
export const partsOf = (name: string): string[] => name.split('/').filter(part => part !== '' && part !== '.');

export function isUtf8(bytes: Uint8Array): boolean {
  try { new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes); return true; } catch { return false; /* The only error it throws: the answer. */ }
}
