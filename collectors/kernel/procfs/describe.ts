/** A process and its files as they are now, in the words of the contract. */
import { type BigIntStats, closeSync, constants, lstatSync, openSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { FileIdentity, Place } from '../../../agent/contract/file.ts';
import type { Process, ProcessRef } from '../../../agent/contract/process.ts';
import { parseCgroup } from './cgroup.ts';
import { type ProcessStat, parseArguments, parseLoginUid, parseStatus, showBytes } from './parse.ts';
import { asPath, isDenied, isGone, readLink } from './read.ts';
import { livingFolder, statusOf, tryRead } from './status.ts';
import { hostPath, placeOf, same, sameFile, statOf, viewOf, walk } from './view.ts';

const mostAncestors = 16;
const mostArgumentBytes = 256 << 10;

/**
 * The process as it is now; null when it is gone, or was replaced by another while it was read. What the agent may not
 * read is empty: `executable.path` is then its name in brackets, which the process chose. `uid` is the effective one;
 * `cwd` is as the process sees it when it is in another mount namespace.
 */
export function describeProcess(host: HostPaths, pid: number): Process | null {
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = statusOf(host, pid);
    if (before === null) return null;
    const folder = livingFolder(host, before);
    const link = readLink(`${folder}/exe`);
    const process = read(host, before, folder, link);
    const after = statusOf(host, pid);
    if (process === null || after === null || after.startTicks !== before.startTicks) return null;
    if (readLink(`${livingFolder(host, after)}/exe`) === link) return process;
  }
  return null;
}

function read(host: HostPaths, stat: ProcessStat, folder: string, link: string | null): Process | null {
  const uid = tryRead(`${folder}/status`, 16_384, ({ bytes }) => parseStatus(bytes).uid);
  if (uid === null) return null;
  const executable = link === null ? null : statOf(`${folder}/exe`);
  return {
    pid: stat.pid, startTicks: stat.startTicks, uid,
    executable: { path: executablePath(host, stat, folder, link), file: executable === null ? null : fileIdentity(executable) },
    cwd: showBytes(readLink(`${folder}/cwd`) ?? ''),
    argv: tryRead(`${folder}/cmdline`, mostArgumentBytes, ({ bytes, cut }) => parseArguments(bytes, cut)) ?? [],
    loginUid: tryRead(`${folder}/loginuid`, 32, ({ bytes }) => parseLoginUid(bytes)),
    container: tryRead(`${folder}/cgroup`, 65_536, ({ bytes }) => parseCgroup(bytes.toString())),
    ancestors: ancestorsOf(host, stat.parent),
  };
}

function executablePath(host: HostPaths, stat: ProcessStat, folder: string, link: string | null): string {
  if (link === null) return `[${stat.name}]`;
  const view = viewOf(host, stat.pid, folder);
  return showBytes(view === null || view.sameMounts ? link : hostPath(view, link));
}

function ancestorsOf(host: HostPaths, first: number): Process['ancestors'] {
  const list: (ProcessRef & { readonly path: string })[] = [];
  for (let pid = first; pid > 0 && list.length < mostAncestors;) {
    const stat = statusOf(host, pid);
    if (stat === null) break;
    const link = readLink(`${host.proc}/${pid}/exe`);
    list.push({ pid, startTicks: stat.startTicks, path: link === null ? `[${stat.name}]` : showBytes(link) });
    pid = stat.parent;
  }
  return list;
}

/** Null when there is no such process. A zombie is one until its parent has asked for it. */
export function refOf(host: HostPaths, pid: number): ProcessRef | null {
  const stat = statusOf(host, pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks };
}

/** Device as the kernel prints it in maps: st_dev taken apart as glibc's gnu_dev_major and gnu_dev_minor do. */
export function fileIdentity(stat: BigIntStats): FileIdentity {
  const major = ((stat.dev >> 8n) & 0xfffn) | ((stat.dev >> 32n) & 0xffff_f000n);
  const minor = (stat.dev & 0xffn) | ((stat.dev >> 12n) & 0xffff_ff00n);
  const hex = (part: bigint): string => part.toString(16).padStart(2, '0');
  return {
    device: `${hex(major)}:${hex(minor)}`, inode: String(stat.ino), size: Number(stat.size),
    mtimeNs: String(stat.mtimeNs), ctimeNs: String(stat.ctimeNs),
  };
}

/**
 * A path as that process means it, given to a function of MXNet: relative to its working directory, below its root, each
 * link followed there. `openPath` is what the agent can open and stat (for how long: as long as the process lives, when
 * it is below /proc). What does not exist is resolved as far as it does. Null when the process is gone, may not be looked
 * at, or the path is empty or longer than 8,192 bytes.
 */
export function resolvePath(host: HostPaths, pid: number, raw: Uint8Array | string): { place: Place; openPath: string } | null {
  const view = viewOf(host, pid);
  const path = localName(Buffer.from(raw).toString('latin1'));
  if (view === null || path === '' || path.length > 8_192) return null;
  const walked = walk(view, path === 'stdin' ? '/proc/self/fd/0' : path);
  if (walked === null) return null;
  const usual = `${view.prefix}${walked.inside}`;
  const place = walked.open === usual || sameFile(walked.open, usual) ? placeOf(view, walked.inside) : { path: showBytes(walked.inside) };
  return { place, openPath: openable(walked.open) };
}

/** dmlc takes what stands between `file://` and the next slash for a host and drops it: file://x/a is /a (seen with MXNet 1.9.1). */
function localName(text: string): string {
  const [whole = ''] = text.split('\0', 1);
  const named = whole.startsWith('file://') ? whole.slice(7) : null;
  return named === null ? whole : named.includes('/') ? named.slice(named.indexOf('/')) : '/';
}

/** The newest of these descriptors stand for files whose names are not UTF-8, which no string can name. */
const held: number[] = [];
const mostHeld = 16;
const onlyPath = 0o10_000_000; // O_PATH of open(2): opens nothing, waits for nothing, names the file

function openable(byteText: string): string {
  const bytes = Buffer.from(byteText, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  try {
    held.push(openSync(bytes, onlyPath | constants.O_NOFOLLOW));
  } catch (error) { if (isGone(error) || isDenied(error)) return text; throw error; }
  const oldest = held.length > mostHeld ? held.shift() : undefined;
  if (oldest !== undefined) closeSync(oldest);
  return `/proc/self/fd/${held.at(-1)}`;
}

/**
 * Who may change the file: its owner and permission bits (0o7777), and the nearest folder above it that its group or
 * everybody may write into. A sticky folder such as /tmp counts: there nobody else may replace the file, but anybody may
 * have put it there. An access list shows in the group bits. Null when it cannot be told.
 */
export function accessOf(openPath: string): { uid: number; mode: number; openFolder: string | null } | null {
  const file = statOf(Buffer.from(openPath).toString('latin1'));
  if (file === null) return null;
  const access = { uid: Number(file.uid), mode: Number(file.mode & 0o7777n) };
  const path = realName(Buffer.from(openPath).toString('latin1'));
  if (path === null) return file.nlink === 0n ? { ...access, openFolder: null } : null;
  for (let folder = parent(path), steps = 0; steps < mostFolders; folder = parent(folder), steps += 1) {
    const stat = statOf(folder);
    if (stat === null) return null;
    if ((stat.mode & 0o022n) !== 0n) return { ...access, openFolder: showBytes(withoutRoot(folder)) };
    const real = realName(folder);
    if (folder === '/' || (real === null && processRoot.test(folder))) return { ...access, openFolder: null };
    if (real === null) return null;
    folder = real;
  }
  return null;
}

const mostFolders = 2_048;
/** The root of a process is the last folder of its world, and not shown; a folder that is only called so is no link. */
const processRoot = /^\/.*\/\d+\/root(?=\/|$)/;
function withoutRoot(folder: string): string {
  const root = processRoot.exec(folder)?.[0];
  return root !== undefined && isLink(root) ? folder.slice(root.length) || '/' : folder;
}
const parent = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** The path itself, or where it leads when it is one of the links of procfs; null when that is no name of the same file. */
function realName(path: string): string | null {
  if (!isLink(path)) return path;
  const target = readLink(path);
  return target?.startsWith('/') && target !== path && same(statOf(target), statOf(path)) ? target : null;
}

function isLink(path: string): boolean {
  try { return lstatSync(asPath(path)).isSymbolicLink(); } catch (error) { if (isGone(error) || isDenied(error)) return false; throw error; }
}
