/** What makes a mapped file MXNet, which file it is, and whether that is its place. Paths are byte text. */
import type { BigIntStats } from 'node:fs';
import type { FileIdentity } from '../../../agent/contract/file.ts';
import { fileIdentity } from './describe.ts';
import { type FileMapping, withoutMark } from './maps.ts';
import type { MappedLibrary } from './member.ts';
import { showBytes } from './parse.ts';
import { readLink } from './read.ts';
import type { Environment } from './settings.ts';
import { versionBeside } from './version.ts';
import { placeOf, same, statOf, type View, walk } from './view.ts';

/** The names under which the bindings of MXNet ship it (Python, Scala and Java, R, amalgamation, Android), perhaps with a number after it. */
const named = /^(?:memfd:)?(?:libmxnet\.so|mxnet-scala|mxnet\.so|(?:jni_)?libmxnet_predict\.so)(?:\.[0-9]{1,4}){0,4}$/;
export const isNamed = (path: string): boolean => named.test(lastName(withoutMark(path))) || named.test(lastName(path));
const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** How it was known. `functions`: it exports those of MXNet under another name; `linked`: they are in the executable itself. */
export type Reason = 'name' | 'inode' | 'functions' | 'linked';

/** The very file that is mapped. */
export interface Located {
  readonly openPath: string;
  /** As the process sees it; with the kernel's ` (deleted)` when no name leads to it any more. */
  readonly inside: string;
  readonly unlinked: boolean;
  /** Null when the agent may not look at it. */
  readonly stat: BigIntStats | null;
}

/**
 * Names are compared by what they lead to: the path of a mapping may have been replaced, and one that ends in
 * ` (deleted)` may be so called. Without CAP_SYS_ADMIN map_files is closed, and the inode number of maps has to do.
 */
export function locate(view: View, mapping: FileMapping): Located {
  const range = `${view.folder}/map_files/${mapping.range}`;
  const mapped = statOf(range);
  const path = readLink(range) ?? mapping.path;
  for (const open of path.startsWith('/') ? [...(view.sameMounts ? [path] : []), `${view.folder}/root${path}`] : []) {
    const stat = statOf(open);
    if (stat === null || !(mapped === null ? String(stat.ino) === mapping.inode : same(stat, mapped))) continue;
    const inside = view.sameMounts && open === path && view.root !== '/' && path.startsWith(`${view.root}/`) ? path.slice(view.root.length) : path;
    return { openPath: isUtf8(open) ? asUtf8(open) : range, inside, unlinked: false, stat };
  }
  return { openPath: range, inside: path, unlinked: true, stat: mapped };
}

export function describeLibrary(view: View, mapping: FileMapping, reason: Reason, environment: Environment | null): MappedLibrary {
  const found = locate(view, mapping);
  return {
    place: found.unlinked ? { path: showBytes(found.inside) } : placeOf(view, found.inside),
    file: found.stat === null ? unknownFile(mapping) : fileIdentity(found.stat),
    version: found.unlinked || reason === 'linked' ? null : versionBeside(Buffer.from(found.openPath).toString('latin1')),
    unexpected: unexpected(view, found, reason, environment), openPath: found.openPath,
  };
}

/** Only what maps says; a size of 0 says that the agent could not look. */
export const unknownFile = (mapping: FileMapping): FileIdentity => ({ device: mapping.device, inode: mapping.inode, size: 0, mtimeNs: '0', ctimeNs: '0' });

const asUtf8 = (byteText: string): string => Buffer.from(byteText, 'latin1').toString();
const isUtf8 = (byteText: string): boolean => Buffer.from(asUtf8(byteText)).toString('latin1') === byteText;

/** Where the packages keep it: Python, DJL's cache, the folder that Scala and Java unpack to, R, the system's libraries. */
const places = [
  /\/(?:site|dist)-packages\/mxnet\/libmxnet\.so$/, /\/mxnet\/\d[^/]*\/libmxnet\.so$/, /\/mxnet[^/]*\/mxnet-scala$/,
  /\/mxnet\/libs\/(?:lib)?mxnet\.so$/, /^\/(?:usr\/)?(?:local\/)?lib(?:32|64)?\/(?:[^/]+-linux-gnu[^/]*\/)?[^/]+$/,
];

/** Null for a file in its place, and for an executable that has MXNet in itself. */
function unexpected(view: View, found: Located, reason: Reason, environment: Environment | null): string | null {
  if (reason === 'linked') return null;
  const path = found.unlinked ? withoutMark(found.inside) : found.inside;
  const scala = path.endsWith('/mxnet-scala');
  const words = [
    reason === 'inode' && 'it is a library of MXNet under another name',
    reason === 'functions' && 'it exports functions of MXNet under another name',
    path.startsWith('/memfd:') && 'it is in memory only, no package put it there',
    found.unlinked && !scala && 'no name leads to its file any more',
    reason === 'name' && !places.some(place => place.test(path)) && 'it is in none of the places where a package keeps it',
    found.stat === null && 'the agent may not look at it',
    ...environmentWords(view, path, environment),
  ].filter(word => word !== false);
  return words.length === 0 ? null : words.join('; ');
}

const variables = ['MXNET_LIBRARY_PATH', 'LD_LIBRARY_PATH'] as const;
const mostEntries = 256;

/**
 * As the environment was when the program started; Python's search asks both before it looks into its own package. The
 * linker parts at `;` too, and an empty entry is the working directory.
 */
function environmentWords(view: View, path: string, read: Environment | null): string[] {
  if (read === null) return ['its environment cannot be read'];
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const words = read.cut ? ['its environment is longer than 1 MiB and was read in part'] : [];
  for (const name of variables) {
    const entries = (read.values.get(name) ?? '').split(/[:;]/, mostEntries + 1);
    if (entries.length > mostEntries) words.push(`${name} of the process has more than ${mostEntries} entries`);
    if (entries.join('') !== '' && entries.slice(0, mostEntries).some(entry => leadsTo(view, entry || '.', folder, path))) words.push(`${name} of the process names its place`);
  }
  return words;
}

function leadsTo(view: View, entry: string, folder: string, path: string): boolean {
  const inside = walk(view, entry)?.inside;
  return inside === folder || inside === path;
}
