import { readFileSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { isInside, type RawPath } from './raw-path.ts';

export interface Mount { readonly point: RawPath; readonly type: string }

/**
 * File systems whose every change comes through this kernel, so that inotify(7) tells of it. Everything else (nfs, cifs,
 * 9p, ceph, fuse.*, virtiofs, what nobody has thought of) may change without a notice and is polled.
 */
const notifying = new Set([
  'ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'bcachefs', 'f2fs', 'jfs', 'nilfs2', 'reiserfs', 'zfs', 'tmpfs', 'ramfs', 'rootfs', 'devtmpfs',
  'overlay', 'ecryptfs', 'erofs', 'squashfs', 'iso9660', 'udf', 'vfat', 'msdos', 'exfat', 'ntfs3', 'hfsplus',
]);
export const notifies = (type: string): boolean => notifying.has(type);

/**
 * proc_pid_mountinfo(5), read as latin1: field 5 is the mount point, with space, tab, newline and backslash as \ooo; the
 * type follows the lone hyphen that ends the optional fields. Lines of another shape are left out.
 */
export function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n', 65_536)) {
    const fields = line.split(' ');
    const hyphen = fields.indexOf('-', 6);
    const point = fields[4];
    const type = fields[hyphen + 1];
    if (hyphen < 0 || !point?.startsWith('/') || !type) continue;
    mounts.push({ point: point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8) & 0xff)), type });
  }
  return mounts;
}

/** The mount that `path`, free of links, lies on: the longest point, and of several on one point the last, which covers the others. */
export function mountOf(mounts: readonly Mount[], path: RawPath): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) if (isInside(path, mount.point) && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  return best;
}

/** Empty where the host does not say: then nothing is known to notify, and everything is polled. */
export function readMounts(host: HostPaths): readonly Mount[] {
  try { return parseMounts(readFileSync(`${host.proc}/self/mountinfo`, 'latin1')); } catch { return []; } // said by every root being polled
}
