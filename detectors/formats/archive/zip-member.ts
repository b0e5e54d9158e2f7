import { readText } from '../../../agent/contract/text.ts';
import { quoted } from '../quote.ts';
import type { Source } from '../source.ts';
import { device, escaping, leavingLink, pipe, setgidBit, setuid, setuidBit } from './member-flaw.ts';
import { judgeName, linkLeaves } from './member-name.ts';
import type { MemberKind } from './member-set.ts';
import type { Voice } from './voice.ts';
import { judgeUnicodePath, parseExtra, widen, zip64Field } from './zip-extra.ts';
import { flag, readLocal } from './zip-header.ts';
import type { DirectoryEntry, Header, LocalHeader } from './zip-header.ts';

/** A member as both of its headers have it; the numbers are those of the directory, zip64 resolved. */
export interface Member {
  /** Escaped, for messages and places. */
  readonly shown: string;
  readonly name: Uint8Array;
  readonly kind: MemberKind;
  readonly method: number;
  readonly flags: number;
  readonly crc32: number;
  readonly size: number;
  readonly packed: number;
  /** Of the local header. */
  readonly at: number;
  readonly dataAt: number;
  /** The local header has a zip64 field: a descriptor then has wide numbers. */
  readonly wide: boolean;
}

/** Types of a Unix mode (POSIX sys/stat.h), which stands in the upper half of the attributes. */
const [typeMask, regular, folder, link, fifo] = [0o170_000, 0o100_000, 0o040_000, 0o120_000, 0o010_000];
const dosFolder = 0x10;
/** What the newest APPNOTE defines; Python refuses more. */
const newestVersion = 63;
/** Compression level, descriptor, UTF-8: what archivers set. */
const usualFlags = 2 | 4 | flag.descriptor | flag.utf8;

export const showName = (name: Uint8Array): string => readText(name, 1_024);
const endsWithSlash = (name: Uint8Array): boolean => name.at(-1) === 0x2f;

/** Null when the directory points to no local header; that is told. */
export function readMember(source: Source, entry: DirectoryEntry, base: number, voice: Voice): Member | null {
  const { say } = voice;
  const shown = showName(entry.name);
  const where = { offset: entry.at, member: shown };
  const extra = parseExtra(entry.extra);
  const { numbers, flaws } = widen(entry, extra);
  for (const { rule, severity, message } of [...extra.flaws, ...flaws, ...judgeUnicodePath(entry.name, extra)]) say(rule, severity, message, where);
  judgeEntry(entry, numbers.disk, shown, voice);
  const local = readLocal(source, base + numbers.localAt);
  if (!local) {
    say('zip.no-local-header', 'medium', `The directory puts a member at ${numbers.localAt}, where none stands`, where);
    return null;
  }
  const wide = compare(entry, local, numbers, shown, voice);
  return {
    shown, name: entry.name, kind: kindOfEntry(entry), method: entry.method, flags: entry.flags | local.flags, crc32: entry.crc32,
    size: numbers.size, packed: numbers.packed, at: local.at, dataAt: local.dataAt, wide,
  };
}

function kindOfEntry({ name, attributes }: DirectoryEntry): MemberKind {
  const type = (attributes >>> 16) & typeMask;
  return type === link ? 'link' : endsWithSlash(name) ? 'folder' : 'file';
}

/** Name, comment, attributes and version of one entry of the directory. */
function judgeEntry(entry: DirectoryEntry, disk: number, shown: string, voice: Voice) {
  const { say } = voice;
  const where = { offset: entry.at, member: shown };
  for (const flaw of judgeName(entry.name)) voice.flaw(flaw, where);
  judgeCharset(entry, where, say);
  const mode = entry.attributes >>> 16;
  const type = mode & typeMask;
  // Info-ZIP gives this mode to what it was piped.
  if (type === fifo) voice.flaw(pipe(entry.name, 'low'), where);
  else if (![0, regular, folder, link].includes(type)) voice.flaw(device(entry.name), where);
  if (type !== folder && (mode & (setuidBit | setgidBit)) !== 0) voice.flaw(setuid(entry.name, mode), where);
  if (!endsWithSlash(entry.name) && (type === folder || (entry.attributes & dosFolder) !== 0)) say('zip.folder', 'medium', 'The attributes make a folder of the member and its name does not', where);
  if (disk !== 0) say('zip.multi-disk', 'medium', `The member lies in part ${disk} of several`, where);
  if ((entry.needed & 0xff) > newestVersion) say('zip.version', 'low', `The member needs version ${(entry.needed & 0xff) / 10} of zip, which does not exist`, where);
  if (entry.comment.length > 0) judgeComment(entry.comment, where, say);
}

/** Without the flag for UTF-8 Python reads the old DOS letters, Java UTF-8. */
function judgeCharset({ name, flags }: Header, where: { readonly offset: number; readonly member: string }, say: Voice['say']) {
  if ((flags & flag.utf8) === 0 && name.some(byte => byte >= 0x80)) say('zip.name-charset', 'low', 'The name has letters beyond ASCII and is not said to be UTF-8: programs read different names', where, ['T1036']);
}

/** Nobody reads comments but people, and whoever looks for a zip. */
export function judgeComment(comment: Uint8Array, where: { readonly offset: number; readonly member?: string }, say: Voice['say']) {
  const signatures = ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06'];
  const text = Buffer.from(comment).toString('latin1');
  if (signatures.some(signature => text.includes(signature))) say('zip.comment-archive', 'high', 'A comment holds records of another archive', where, ['AML.T0076', 'T1027.009']);
  else say('zip.comment', 'info', `A comment of ${comment.length} bytes: ${showName(comment).slice(0, 100)}`, where, []);
}

/** Everything that both headers tell. Gives whether the local one has wide numbers. */
function compare(entry: DirectoryEntry, local: LocalHeader, numbers: { readonly size: number; readonly packed: number }, shown: string, voice: Voice): boolean {
  const { say } = voice;
  const where = { offset: local.at, member: shown };
  const extra = parseExtra(local.extra);
  const { numbers: own, flaws } = widen({ size: local.size, packed: local.packed, localAt: 0, disk: 0 }, extra);
  for (const { rule, severity, message } of [...extra.flaws, ...flaws, ...judgeUnicodePath(local.name, extra)]) say(rule, severity, message, where);
  const differ = (what: string, severity: 'medium' | 'high', rule = 'mismatch') => say(`zip.${rule}`, severity, `The header in front of the member has another ${what} than the directory: a reader of the stream sees other content`, where, ['AML.T0076', 'T1036']);
  if (!Buffer.from(local.name).equals(entry.name)) {
    differ(`name (${showName(local.name).slice(0, 80)})`, 'high', 'name-mismatch');
    for (const flaw of judgeName(local.name)) voice.flaw(flaw, where);
  }
  if (local.method !== entry.method) differ('method', 'high');
  if (local.flags !== entry.flags) differ('set of flags', 'medium');
  if ((local.flags & ~usualFlags) !== 0 || (entry.flags & ~usualFlags) !== 0) say('zip.flags', (local.flags & flag.encrypted) === 0 ? 'medium' : 'low', `The flags are ${local.flags.toString(2)} in binary, which plain archives do not have`, where);
  const later = (local.flags & flag.descriptor) !== 0;
  const same = (given: number, real: number) => given === real || (later && given === 0);
  if (!same(own.size, numbers.size) || !same(own.packed, numbers.packed)) differ('size', 'high');
  if (!same(local.crc32, entry.crc32)) differ('checksum', 'medium');
  return extra.fields.has(zip64Field);
}

/** What a link is made of stands in its content. */
export function judgeLink(name: Uint8Array, target: Uint8Array, where: { readonly offset: number; readonly member: string }, voice: Voice) {
  if (linkLeaves(Buffer.from(name).toString(), Buffer.from(target).toString())) voice.flaw(leavingLink('link', name, target), where);
  else voice.say('archive.link', 'medium', `The member is a link to ${quoted(target)}, which few unpackers make of it`, where, escaping);
}
