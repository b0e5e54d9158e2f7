import { execFileSync, spawn } from 'node:child_process';
import { chmod, link, mkdir, open, rename, rm, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { watching } from './kernel/inotify/watching.ts';

test('what is there at the start is found, once, with identity, owner and mode', async t => {
  const watch = await watching(t, {}, async folder => {
    await mkdir(join(folder, 'a/b'), { recursive: true });
    await writeFile(join(folder, 'a/b/net.params'), 'weights', { mode: 0o640 });
    await writeFile(join(folder, '.hidden'), '');
  });
  await watch.until('inventory', () => watch.files().length >= 2);
  await watch.mark();
  t.deepEqual([...watch.told()].sort(), ['found .hidden', 'found a/b/net.params']);
  const [found] = watch.files('a/b/net.params');
  const real = await stat(join(watch.folder, 'a/b/net.params'), { bigint: true });
  t.like(found?.file, { inode: String(real.ino), size: 7, mtimeNs: String(real.mtimeNs), ctimeNs: String(real.ctimeNs) });
  t.deepEqual(found?.access, { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, mode: 0o640 });
});

test('a new file is created once and only when it stands still', async t => {
  const watch = await watching(t, { stableMs: 3_000 });
  const file = await open(join(watch.folder, 'net.params'), 'w');
  for (let part = 0; part < 5; part++) await file.write('weights');
  await file.close();
  await watch.until('created', () => watch.files('net.params').length > 0);
  await watch.mark();
  t.deepEqual(watch.told(), ['created net.params']);
  t.is(watch.files('net.params')[0]?.file?.size, 35);
});

test('a file written in place is reported as written, one chmod as attributes, a removed one as removed', async t => {
  const watch = await watching(t, {}, folder => writeFile(join(folder, 'net.params'), 'weights', { mode: 0o644 }));
  const path = join(watch.folder, 'net.params');
  await writeFile(path, 'other weights');
  await watch.until('written', () => watch.told().includes('written net.params'));
  await chmod(path, 0o4755);
  await watch.until('attributes', () => watch.told().includes('attributes net.params'));
  t.is(watch.files('net.params').at(-1)?.access?.mode, 0o4755);
  await unlink(path);
  await watch.until('removed', () => watch.told().includes('removed net.params'));
  t.deepEqual(watch.told(), ['found net.params', 'written net.params', 'attributes net.params', 'removed net.params']);
  t.like(watch.files('net.params').at(-1), { file: null, access: null, by: null });
});

test('a writer that sets the mtime back does not hide that it wrote', async t => {
  const watch = await watching(t, {}, async folder => { await writeFile(join(folder, 'net.params'), 'weights'); await utimes(join(folder, 'net.params'), 1, 1); });
  await writeFile(join(watch.folder, 'net.params'), 'WEIGHTS');
  await utimes(join(watch.folder, 'net.params'), 1, 1);
  await watch.until('written', () => watch.told().includes('written net.params'));
  t.pass();
});

test('a file that never stands still is reported anyway, and again', async t => {
  const watch = await watching(t, { stableMs: 200, maxUnstableMs: 400 });
  const file = await open(join(watch.folder, 'net.params'), 'w');
  const writing = setInterval(() => void file.write('weights'), 20);
  t.teardown(() => clearInterval(writing));
  await watch.until('reported twice', () => watch.told().includes('written net.params'));
  clearInterval(writing);
  t.is(watch.told()[0], 'created net.params');
  await file.close();
});

test('an atomic replacement is a rename onto the name when the new file was known', async t => {
  const watch = await watching(t, {}, folder => writeFile(join(folder, 'net.params'), 'weights'));
  await writeFile(join(watch.folder, 'new.tmp'), 'new weights');
  await watch.until('created', () => watch.told().includes('created new.tmp'));
  await rename(join(watch.folder, 'new.tmp'), join(watch.folder, 'net.params'));
  await watch.until('renamed', () => watch.told().includes('renamed net.params < new.tmp'));
  await watch.mark();
  t.deepEqual(watch.told(), ['found net.params', 'created new.tmp', 'renamed net.params < new.tmp']);
});

test('an atomic replacement is written when the new file was not known', async t => {
  const watch = await watching(t, { stableMs: 400 }, folder => writeFile(join(folder, 'net.params'), 'weights'));
  await writeFile(join(watch.folder, 'new.tmp'), 'new weights');
  await rename(join(watch.folder, 'new.tmp'), join(watch.folder, 'net.params'));
  await watch.until('written', () => watch.told().includes('written net.params'));
  const real = await stat(join(watch.folder, 'net.params'), { bigint: true });
  t.is(watch.files('net.params').at(-1)?.file?.inode, String(real.ino));
  await watch.mark();
  t.deepEqual(watch.told(), ['found net.params', 'written net.params']);
});

test('a file put aside and replaced is followed through both renames', async t => {
  const watch = await watching(t, {}, async folder => { await writeFile(join(folder, 'net.params'), 'old'); await writeFile(join(folder, 'new'), 'new'); });
  await watch.until('found', () => watch.told().length === 2);
  await rename(join(watch.folder, 'net.params'), join(watch.folder, 'aside'));
  await rename(join(watch.folder, 'new'), join(watch.folder, 'net.params'));
  await watch.until('renamed', () => watch.told().length >= 4);
  await watch.mark();
  t.deepEqual([...watch.told()].sort(), ['found net.params', 'found new', 'renamed aside < net.params', 'renamed net.params < new']);
});

test('a file renamed into the root is created, one renamed out is removed, one renamed inside is renamed', async t => {
  const watch = await watching(t, {}, async folder => { await mkdir(join(folder, 'sub')); await writeFile(join(folder, 'one'), '1'); });
  const outside = `${watch.folder}-outside`;
  t.teardown(() => rm(outside, { force: true }));
  await rename(join(watch.folder, 'one'), join(watch.folder, 'sub/two'));
  await watch.until('renamed', () => watch.told().includes('renamed sub/two < one'));
  await rename(join(watch.folder, 'sub/two'), outside);
  await watch.until('removed', () => watch.told().includes('removed sub/two'));
  await rename(outside, join(watch.folder, 'three'));
  await watch.until('created', () => watch.told().includes('created three'));
  t.deepEqual(watch.told(), ['found one', 'renamed sub/two < one', 'removed sub/two', 'created three']);
});

test('files made in a new folder together with it are not lost, at any depth', async t => {
  const watch = await watching(t);
  for (let round = 0; round < 5; round++) {
    await mkdir(join(watch.folder, `new-${round}/deep/deeper`), { recursive: true });
    await writeFile(join(watch.folder, `new-${round}/at-once`), 'x');
    await writeFile(join(watch.folder, `new-${round}/deep/deeper/at-once`), 'x');
  }
  await watch.until('all', () => watch.files().length >= 10);
  await watch.mark();
  t.deepEqual([...watch.told()].sort(), [0, 1, 2, 3, 4].flatMap(round => [`created new-${round}/at-once`, `created new-${round}/deep/deeper/at-once`]));
  await writeFile(join(watch.folder, 'new-4/deep/deeper/later'), 'x');
  await watch.until('later', () => watch.told().includes('created new-4/deep/deeper/later'));
});

test('a folder that is renamed takes its files along, and is watched under its new name', async t => {
  const watch = await watching(t, {}, async folder => { await mkdir(join(folder, 'a/b'), { recursive: true }); await writeFile(join(folder, 'a/b/net'), 'x'); });
  await rename(join(watch.folder, 'a'), join(watch.folder, 'z'));
  await watch.until('renamed', () => watch.told().includes('renamed z/b/net < a/b/net'));
  await writeFile(join(watch.folder, 'z/b/more'), 'x');
  await watch.until('created', () => watch.told().includes('created z/b/more'));
  await watch.mark();
  t.deepEqual(watch.told(), ['found a/b/net', 'renamed z/b/net < a/b/net', 'created z/b/more']);
});

test('a folder that is removed takes its files along, and is watched when it comes again', async t => {
  const watch = await watching(t, {}, async folder => { await mkdir(join(folder, 'a')); await writeFile(join(folder, 'a/net'), 'x'); });
  await rm(join(watch.folder, 'a'), { recursive: true });
  await mkdir(join(watch.folder, 'a'));
  await writeFile(join(watch.folder, 'a/other'), 'x');
  await watch.until('both', () => watch.told().includes('removed a/net') && watch.told().includes('created a/other'));
  await writeFile(join(watch.folder, 'a/third'), 'x');
  await watch.until('third', () => watch.told().includes('created a/third'));
  t.pass();
});

test('a root put aside and made anew is watched as the new one', async t => {
  const watch = await watching(t, { pollMs: 100 }, folder => writeFile(join(folder, 'old'), 'x'));
  t.teardown(() => rm(`${watch.folder}-aside`, { recursive: true, force: true }));
  await rename(watch.folder, `${watch.folder}-aside`);
  await mkdir(watch.folder);
  await writeFile(join(watch.folder, 'new'), 'x');
  await watch.until('both', () => watch.told().includes('removed old') && watch.told().includes('created new'));
  await writeFile(join(watch.folder, 'later'), 'x');
  await watch.until('watched', () => watch.told().includes('created later'));
  t.pass();
});

test('a new file that got the inode number of a removed one is not taken for it', async t => {
  const watch = await watching(t, {}, folder => writeFile(join(folder, 'old'), 'x'));
  const before = await stat(join(watch.folder, 'old'));
  execFileSync('sh', ['-c', 'rm old; printf x > new'], { cwd: watch.folder });
  if ((await stat(join(watch.folder, 'new'))).ino !== before.ino) t.log('this file system does not use inode numbers again at once');
  await watch.until('both', () => watch.files().length >= 3);
  t.deepEqual([...watch.told()].sort(), ['created new', 'found old', 'removed old']);
});

test('a hard link is a file of its own', async t => {
  const watch = await watching(t, { rescanMs: 300 }, folder => writeFile(join(folder, 'net.params'), 'weights'));
  await link(join(watch.folder, 'net.params'), join(watch.folder, 'second'));
  await watch.until('created', () => watch.told().includes('created second'));
  await watch.until('the first has one link more', () => watch.told().includes('attributes net.params'));
  t.is(watch.files('second')[0]?.file?.inode, watch.files('net.params')[0]?.file?.inode);
});

test('a FIFO, a socket name or a folder in place of a file removes the file and is never opened', async t => {
  const watch = await watching(t, {}, async folder => { await writeFile(join(folder, 'one'), '1'); await writeFile(join(folder, 'two'), '2'); });
  await unlink(join(watch.folder, 'one'));
  execFileSync('mkfifo', [join(watch.folder, 'one')]);
  await unlink(join(watch.folder, 'two'));
  await mkdir(join(watch.folder, 'two'));
  await writeFile(join(watch.folder, 'two/three'), '3');
  await watch.until('all', () => ['removed one', 'removed two', 'created two/three'].every(line => watch.told().includes(line)));
  await watch.mark();
  t.is(watch.told().length, 5);
});

test('who still has a file open for writing is named, also after it is renamed', async t => {
  const watch = await watching(t, { maxUnstableMs: 300 });
  const script = `import os,sys,select
f=open(sys.argv[1]+'/net.tmp','w')
while not select.select([sys.stdin],[],[],0.1)[0]: f.write('x'); f.flush()
os.rename(sys.argv[1]+'/net.tmp', sys.argv[1]+'/net.params'); sys.stdin.read()`;
  const writer = spawn('python3', ['-c', script, watch.folder], { stdio: ['pipe', 'inherit', 'inherit'] });
  t.teardown(() => writer.kill());
  // It looks for 15 ms of a second at most, so on a busy machine not at once.
  await watch.until('a writer is named', () => watch.files('net.tmp').some(file => file.by?.pid === writer.pid));
  writer.stdin.write('\n');
  await watch.until('renamed', () => watch.told().includes('renamed net.params < net.tmp'));
  t.is(watch.files('net.params').find(file => file.change === 'renamed')?.by?.pid, writer.pid);
  writer.stdin.end('\n');
});

test('include and exclude choose files and folders; a leading dot hides nothing from include', async t => {
  const watch = await watching(t, { include: ['*.params', 'keep/**'], exclude: ['cache/**', '*.old.params'] }, async folder => {
    for (const name of ['keep', 'cache', 'cache/deep']) await mkdir(join(folder, name));
    for (const name of ['net.params', '.net.params', 'net.json', 'keep/any', 'cache/net.params', 'cache/deep/net.params', 'net.old.params']) await writeFile(join(folder, name), '');
  });
  await writeFile(join(watch.folder, 'last.params'), '');
  await watch.until('last', () => watch.files('last.params').length > 0);
  t.deepEqual([...watch.told()].sort(), ['created last.params', 'found .net.params', 'found keep/any', 'found net.params']);
});

test('what waits to stand still is reported when the collector stops', async t => {
  const watch = await watching(t, { stableMs: 60_000, maxUnstableMs: 600_000 }, folder => writeFile(join(folder, 'old'), 'x'));
  await writeFile(join(watch.folder, 'new'), 'x');
  await rm(join(watch.folder, 'old'));
  await new Promise(resolve => { setTimeout(resolve, 60); });
  await watch.stop();
  t.deepEqual([...watch.told()].sort(), ['created new', 'found old', 'removed old']);
});

test('the empty configuration is whole, and a root with ** is refused', async t => {
  const { default: collector } = await import('../../collectors/watch.ts');
  t.notThrows(() => collector.config.parse({}));
  t.throws(() => collector.config.parse({ roots: ['/srv/**'] }));
  t.throws(() => collector.config.parse({ typo: 1 }));
});

test('links: a folder inside is not entered twice, loops end, a file outside is named with its identity', async t => {
  const outside = await import('./kernel/inotify/watching.ts').then(({ temporary }) => temporary(t));
  await writeFile(join(outside, 'far.params'), 'far');
  const watch = await watching(t, { rescanMs: 300 }, async folder => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real/net.params'), 'x');
    await symlink('real', join(folder, 'alias'));
    await symlink('..', join(folder, 'real/loop'));
    await symlink('real/net.params', join(folder, 'current.params'));
    await symlink(join(outside, 'far.params'), join(folder, 'far.params'));
    await symlink(outside, join(folder, 'out'));
    await symlink('nowhere', join(folder, 'dangling'));
  });
  await watch.until('found', () => watch.files().length >= 3);
  await watch.mark();
  t.deepEqual([...watch.told()].sort(), ['found current.params', 'found far.params', 'found real/net.params']);
  t.is(watch.files('current.params')[0]?.file?.inode, watch.files('real/net.params')[0]?.file?.inode);
  t.is(watch.files('far.params')[0]?.file?.inode, String((await stat(join(outside, 'far.params'))).ino));
  await watch.until('said', () => watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.blind.some(line => line.includes('leads out'))));
  await writeFile(join(outside, 'far.params'), 'changed');
  await watch.until('seen at the rescan', () => watch.told().includes('written far.params'));
});

test('a link that is turned to another file is written', async t => {
  const watch = await watching(t, {}, async folder => {
    for (const name of ['v1', 'v2']) await writeFile(join(folder, name), name);
    await symlink('v1', join(folder, 'current'));
  });
  await symlink('v2', join(watch.folder, 'next'));
  await rename(join(watch.folder, 'next'), join(watch.folder, 'current'));
  await watch.until('written', () => watch.told().includes('written current'));
  t.is(watch.files('current').at(-1)?.file?.inode, watch.files('v2')[0]?.file?.inode);
});

test('followOutside watches the folder a link leads to', async t => {
  const outside = await import('./kernel/inotify/watching.ts').then(({ temporary }) => temporary(t));
  await writeFile(join(outside, 'far'), 'far');
  const watch = await watching(t, { followOutside: true }, folder => symlink(outside, join(folder, 'out')));
  const has = (change: string, name: string): boolean => watch.files().some(file => file.change === change && file.place.path === join(outside, name));
  await watch.until('found', () => has('found', 'far'));
  await writeFile(join(outside, 'new'), 'x');
  await watch.until('created', () => has('created', 'new'));
  t.pass();
});
