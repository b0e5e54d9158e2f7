/** Where the host sees a file that a process in another mount namespace sees elsewhere. Paths are byte text. Pure but for one function. */
import type { HostPaths } from '../../../agent/contract/component.ts';
import { natural } from './parse.ts';
import { isDenied, isGone, readFew } from './read.ts';

export interface Mount {
  /** Decimal major:minor. */
  readonly device: string;
  /** The folder within the file system that is mounted. */
  readonly root: string;
  readonly point: string;
}

/** /proc/PID/mountinfo (proc_pid_mountinfo(5)): at most 20,000 lines, in the order of mounting. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n', 20_001).filter(line => line !== '').map(line => {
    const [id, , device, root, point] = line.split(' ', 6);
    natural(id, '/proc/PID/mountinfo');
    if (device === undefined || !/^\d+:\d+$/.test(device) || root === undefined || point === undefined) throw new RangeError('/proc/PID/mountinfo: no mount');
    return { device, root: unescaped(root), point: unescaped(point) };
  });
}

/** Blank, tab, newline and backslash are escaped here. */
const unescaped = (text: string): string =>
  text.replace(/\\(040|011|012|134)/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Each place where `ours` shows the file that is at `path` in `theirs`, at most 8: names only, the caller compares the files. */
export function samePlaces(path: string, theirs: readonly Mount[], ours: readonly Mount[]): string[] {
  let covering: Mount | null = null;
  for (const mount of theirs) if (below(mount.point, path) && (covering === null || mount.point.length >= covering.point.length)) covering = mount;
  if (covering === null) return [];
  const { device, root, point } = covering;
  const within = join(root, path.slice(point === '/' ? 0 : point.length));
  return ours.filter(mount => mount.device === device && below(mount.root, within)).slice(-8).reverse()
    .map(mount => join(mount.point, within.slice(mount.root === '/' ? 0 : mount.root.length)));
}

/** Null when it is gone, forbidden or does not parse. */
export function mountsOf(host: HostPaths, pid: number | 'self'): Mount[] | null {
  try { return parseMountinfo(readFew(`${host.proc}/${pid}/mountinfo`, 4 << 20).bytes.toString('latin1')); } catch (error) {
    if (isGone(error) || isDenied(error) || error instanceof RangeError) return null;
    throw error;
  }
}

const below = (folder: string, path: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`);
const join = (folder: string, rest: string): string => {
  const path = `${folder === '/' ? '' : folder}${rest.startsWith('/') || rest === '' ? rest : `/${rest}`}`;
  return path === '' ? '/' : path;
};
