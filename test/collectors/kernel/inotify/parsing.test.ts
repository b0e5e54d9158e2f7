import { tmpdir } from 'node:os';
import test from 'ava';
import fc from 'fast-check';
import { nameFilter } from '../../../../collectors/kernel/inotify/globs.ts';
import { mountOf, notifies, parseMounts } from '../../../../collectors/kernel/inotify/mounts.ts';
import { below, bytesOf, folderOf, isInside, nameOf, rawOf, textOf } from '../../../../collectors/kernel/inotify/raw-path.ts';

test('any bytes survive as a raw path, and only UTF-8 has a text', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
    const raw = Buffer.from(bytes).toString('latin1');
    const text = textOf(raw);
    return bytesOf(raw).equals(bytes) && (text === null || rawOf(text) === raw);
  }));
  t.is(textOf('\xff'), null);
});

test('a path is the name below its folder', t => {
  for (const path of ['/a', '/a/b', '/a/b/c']) t.is(below(folderOf(path), nameOf(path)), path);
  t.true(isInside('/a/b', '/a') && isInside('/a', '/a') && isInside('/a', '/') && !isInside('/ab', '/a'));
});

const octal = (text: string): string => text.replace(/[\\ \t\n]/g, found => `\\${found.charCodeAt(0).toString(8).padStart(3, '0')}`);

test('mount points read back whatever bytes they have, and no text breaks the parser', t => {
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }).filter(point => !point.includes('\0')), point => {
    const [mount] = parseMounts(`36 35 98:0 / /${octal(point)} rw,noatime master:1 - ext4 /dev/sda rw\n`);
    return mount?.point === `/${point}` && mount.type === 'ext4';
  }));
  t.notThrows(() => fc.assert(fc.property(fc.string(), text => { parseMounts(text); })));
});

test('the longest mount point counts, and of two on one point the later', t => {
  const mounts = parseMounts('1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /srv rw shared:1 - nfs4 b rw\n3 1 0:2 / /srv rw - tmpfs c rw\n4 1 0:3 / /srv/x rw - fuse.sshfs d rw\n');
  t.deepEqual(['/a', '/srv', '/srv/y', '/srv/x/z', '/srvx'].map(path => mountOf(mounts, path)?.type), ['ext4', 'tmpfs', 'tmpfs', 'fuse.sshfs', 'ext4']);
  t.deepEqual(['ext4', 'nfs4', 'cifs', '9p', 'fuse.sshfs', 'virtiofs', 'unheard-of'].map(notifies), [true, false, false, false, false, false, false]);
  t.is(mountOf([], tmpdir()), null);
});

test('include and exclude mean names without a slash, and paths below the root with one', t => {
  const { file, folder } = nameFilter(['*.params', 'served/*'], ['cache/**', 'served/*.tmp']);
  t.deepEqual(['a.params', 'x/.a.params', 'served/a', 'served/a.tmp', 'cache/a.params', 'a.json', 'a\n.params'].map(file), [true, true, true, false, false, false, true]);
  t.deepEqual(['cache', 'served', 'x/cache'].map(folder), [false, true, true]);
  t.true(nameFilter([], []).file('.anything'));
});
