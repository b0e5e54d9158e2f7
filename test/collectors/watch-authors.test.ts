import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import type { Draft } from '../../agent/contract/event.ts';
import change from '../../detectors/change.ts';
import { memory } from '../builders.ts';
import { testWith } from '../services/require.ts';
import { python, run, shell } from './kernel/fanotify/hands.ts';
import { type FileDraft, temporary, watching, type Watching } from './kernel/inotify/watching.ts';

const needs = ['root'] as const;
const nobody = 65_534;

async function told(watch: Watching, line: string): Promise<FileDraft> {
  await watch.until(line, () => watch.told().includes(line));
  const found = watch.files()[watch.told().indexOf(line)];
  if (!found) throw new Error(line);
  return found;
}
/** The last with this text, as marks are left out of `told`. */
const opens = (watch: Watching) => watch.drafts.filter(draft => draft.kind === 'file.accessed');

testWith(needs, 'who created, wrote, renamed, changed the mode of and removed a file is told, each with its own process', async t => {
  const watch = await watching(t);
  const maker = await shell(t, watch.folder, 'echo weights > net.params');
  t.like((await told(watch, 'created net.params')).by, { pid: maker.pid, uid: 0, cwd: watch.folder });
  const writer = await shell(t, watch.folder, 'echo more >> net.params');
  t.is((await told(watch, 'written net.params')).by?.pid, writer.pid);
  const mover = await python(t, watch.folder, 'os.rename("net.params", "other.params")');
  const renamed = await told(watch, 'renamed other.params < net.params');
  t.is(renamed.by?.pid, mover.pid);
  t.true(renamed.by?.executable.path.includes('python'));
  const changer = await python(t, watch.folder, 'os.chmod("other.params", 0o4755)');
  t.is((await told(watch, 'attributes other.params')).by?.pid, changer.pid);
  const remover = await python(t, watch.folder, 'os.unlink("other.params")');
  t.is((await told(watch, 'removed other.params')).by?.pid, remover.pid);
  t.deepEqual(watch.told(), ['created net.params', 'written net.params', 'renamed other.params < net.params', 'attributes other.params', 'removed other.params']);
  t.true(watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.level === 'fanotify' && draft.state === 'armed'));
});

testWith(needs, 'two users who write into one folder are told apart, and the second is an unexpected writer', async t => {
  const watch = await watching(t);
  await chmod(watch.folder, 0o777);
  await shell(t, watch.folder, 'echo weights > one.params');
  const first = await told(watch, 'created one.params');
  const stranger = await shell(t, watch.folder, 'echo weights > two.params', { uid: nobody });
  const second = await told(watch, 'created two.params');
  t.like(first.by, { uid: 0 });
  t.like(second.by, { uid: nobody, pid: stranger.pid });
  const see = change.create({}, memory());
  t.deepEqual(see({ ...first, id: '1', collector: 'watch' }), []);
  t.like(see({ ...second, id: '2', collector: 'watch' })[0], { rule: 'change.unexpected-writer', because: ['2'] });
});

testWith(needs, 'the children of a fork chain are told with their ancestors, also when the chain is gone', async t => {
  const watch = await watching(t);
  const top = await shell(t, watch.folder, '(( (echo weights > net.params; read _ < hold) & ) & ) & wait', { first: ['sh', '-c', 'mkfifo hold; "$@"', 'sh'] }).catch(() => null);
  t.truthy(top);
  const { by } = await told(watch, 'created net.params');
  t.truthy(by);
  t.not(by?.pid, top?.pid);
  await writeFile(join(watch.folder, 'hold'), '\n');
});

testWith(needs, 'who writes and is gone at once is told as itself or as gone, never as somebody else', async t => {
  const watch = await watching(t);
  const pids = new Map<string, number>();
  for (let index = 0; index < 40; index++) {
    const child = spawn('sh', ['-c', `echo weights > ${index}.params`], { cwd: watch.folder, stdio: 'ignore' });
    pids.set(`${index}.params`, child.pid ?? 0);
    await once(child, 'exit');
  }
  await watch.until('all', () => watch.told().length >= 40);
  let [known, gone] = [0, 0];
  for (const [name, pid] of pids) {
    const [file] = watch.files(name);
    if (file?.by) { known++; t.is(file.by.pid, pid); } else { gone++; t.is(file?.gone, pid); }
  }
  t.log(`${known} known, ${gone} gone`);
});

testWith(needs, 'a write through a descriptor that was opened before watching began, and after a rename, is its writer\'s', async t => {
  const folder = await temporary(t);
  const script = `import os, sys
f = open('old.params', 'w'); print('open', flush=True); sys.stdin.readline()
f.write('weights'); f.flush(); print('wrote', flush=True); sys.stdin.readline()`;
  const writer = spawn('python3', ['-c', script], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => writer.kill());
  const said = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
  await said.next();
  const watch = await watching(t, { roots: [folder] });
  await rename(join(folder, 'old.params'), join(folder, 'new.params'));
  await watch.until('renamed', () => watch.files().some(file => file.change === 'renamed'));
  writer.stdin.write('\n');
  await said.next();
  await watch.until('written', () => watch.files().some(file => file.change === 'written' && file.place.path === join(folder, 'new.params')));
  t.is(watch.files().findLast(file => file.change === 'written')?.by?.pid, writer.pid);
});

testWith(needs, 'a write through a mapping is seen when it is let go, without waiting for a rescan, and is its writer\'s', async t => {
  const watch = await watching(t, { rescanMs: 3_600_000 }, folder => writeFile(join(folder, 'net.params'), 'x'.repeat(8_192)));
  await shell(t, watch.folder, 'echo other > other.params');
  const script = `f = os.open('net.params', os.O_RDWR); m = mmap.mmap(f, 8192); os.close(f); time.sleep(0.3); m[0:7] = b'WEIGHTS'; m.close()`;
  const writer = await python(t, watch.folder, script);
  t.is((await told(watch, 'written net.params')).by?.pid, writer.pid);
});

testWith(needs, 'a write under a hard link outside the roots is its writer\'s, and is seen at once', async t => {
  const outside = await temporary(t);
  const watch = await watching(t, { rescanMs: 3_600_000 }, async folder => {
    await writeFile(join(folder, 'net.params'), 'weights');
    await run(folder, 'ln', 'net.params', join(outside, 'alias'));
  });
  const writer = await shell(t, outside, 'echo more >> alias');
  t.is((await told(watch, 'written net.params')).by?.pid, writer.pid);
});

testWith(needs, 'an unlinked file that is still written to does not blame its writer for the next file of its name', async t => {
  const watch = await watching(t);
  const first = await python(t, watch.folder, 'f = open("net.params", "w"); f.write("weights"); f.flush(); os.unlink("net.params"); f.write("more"); f.flush()');
  const second = await shell(t, watch.folder, 'echo others > net.params');
  const { by } = await told(watch, 'created net.params');
  t.is(by?.pid, second.pid);
  t.not(by?.pid, first.pid);
});

testWith(needs, 'renames in a race between two users: each name is its last renamer\'s', async t => {
  const watch = await watching(t, { stableMs: 300 });
  await chmod(watch.folder, 0o777);
  const script = (name: string): string => `i=0; while [ $i -lt 60 ]; do echo ${name} > ${name}.$i; i=$((i+1)); done; echo ${name} > ${name}.params`;
  const one = await shell(t, watch.folder, script('one'));
  const two = await shell(t, watch.folder, script('two'), { uid: nobody });
  await watch.until('all', () => watch.told().length >= 122);
  for (const file of watch.files()) {
    const expected = file.place.path.includes('/one.') ? one : two;
    t.is(file.by?.pid, expected.pid, file.place.path);
  }
});

testWith(needs, 'a process in another mount namespace, behind a bind mount, is told with the file as the host has it', async t => {
  const outside = await temporary(t);
  const watch = await watching(t);
  const writer = await shell(t, outside, `mkdir inner; mount --bind ${watch.folder} inner; echo weights > inner/net.params`, { first: ['unshare', '-m'] });
  const { by, place } = await told(watch, 'created net.params');
  t.is(by?.pid, writer.pid);
  t.deepEqual(place, { path: join(watch.folder, 'net.params'), inside: join(outside, 'inner/net.params') });
});

for (const [type, command] of [
  ['tmpfs', 'mount -t tmpfs t root'],
  ['overlay', 'mkdir lower; mount -t tmpfs t upper; mkdir upper/up upper/work; mount -t overlay o -o lowerdir=lower,upperdir=upper/up,workdir=upper/work root'],
] as const) {
  testWith(needs, `on ${type} who created, wrote, renamed and removed is told, and the agent does not keep it from being unmounted`, async t => {
    const above = await temporary(t);
    t.teardown(() => { try { execFileSync('umount', [join(above, 'root'), join(above, 'upper')], { stdio: 'ignore' }); } catch {} });
    await mkdir(join(above, 'root'));
    await mkdir(join(above, 'upper'));
    try { execFileSync('sh', ['-ec', command], { cwd: above, stdio: 'pipe' }); } catch (error) {
      t.log(`this kernel mounts no ${type}: ${String(error)}`);
      t.pass();
      return;
    }
    const root = join(above, 'root');
    const watch = await watching(t, { roots: [root] });
    const ends = (kind: string, name: string) => watch.files().find(file => file.change === kind && file.place.path === join(root, name));
    const maker = await python(t, root, 'open("net.params", "w").write("weights")');
    await watch.until('created', () => ends('created', 'net.params') !== undefined);
    t.is(ends('created', 'net.params')?.by?.pid, maker.pid);
    const mover = await python(t, root, 'os.rename("net.params", "b")');
    await watch.until('renamed', () => ends('renamed', 'b') !== undefined);
    t.is(ends('renamed', 'b')?.by?.pid, mover.pid);
    const remover = await python(t, root, 'os.unlink("b")');
    await watch.until('removed', () => ends('removed', 'b') !== undefined);
    t.is(ends('removed', 'b')?.by?.pid, remover.pid);
    for (const hands of [maker, mover, remover]) await hands.letGo();
    t.notThrows(() => execFileSync('umount', [root]));
  });
}

testWith(needs, 'names with a newline, a quote or bytes that are not UTF-8 have their writer too', async t => {
  const watch = await watching(t, { pollMs: 100 });
  const writer = await python(t, watch.folder, 'for n in (b"a\\nb", b"q\\"\\\\", b"n\\xff"): open(n, "w").write("x")');
  await watch.until('all', () => watch.told().length >= 3);
  t.deepEqual([...watch.told()].sort(), ['created a\\x0ab', 'created n\\xff', 'created q"\\\\']);
  t.deepEqual(watch.files().map(file => file.by?.pid), [writer.pid, writer.pid, writer.pid]);
});

testWith(needs, 'files made at once in new folders, and in a root that comes late, have their writer', async t => {
  const above = await temporary(t);
  const watch = await watching(t, { roots: [join(above, 'models')], pollMs: 100 });
  await mkdir(join(above, 'models'));
  await watch.until('root', () => !watch.drafts.findLast(draft => draft.kind === 'sensor.changed')?.blind.some(line => line.includes('does not exist')));
  const writer = await python(t, join(above, 'models'), 'os.makedirs("a/b"); time.sleep(0.2); open("a/b/net.params", "w").write("x")');
  await watch.until('created', () => watch.files().length > 0);
  t.is(watch.files()[0]?.by?.pid, writer.pid);
});

testWith(needs, 'a folder that is moved, and what is moved out, is its mover\'s', async t => {
  const watch = await watching(t, {}, async folder => { await mkdir(join(folder, 'a/b'), { recursive: true }); await writeFile(join(folder, 'a/b/net'), 'x'); });
  const outside = await temporary(t);
  const mover = await python(t, watch.folder, 'os.rename("a", "z")');
  t.is((await told(watch, 'renamed z/b/net < a/b/net')).by?.pid, mover.pid);
  const taker = await python(t, watch.folder, `os.rename("z", "${outside}/z")`);
  t.is((await told(watch, 'removed z/b/net')).by?.pid, taker.pid);
});

testWith(needs, 'who opens a model file is told once, with the file; who writes it is not told as an opener', async t => {
  const watch = await watching(t, { exclude: ['*.txt'] }, async folder => { await writeFile(join(folder, 'net.params'), 'weights'); await writeFile(join(folder, 'notes.txt'), 'x'); });
  await chmod(watch.folder, 0o755);
  const reader = await shell(t, watch.folder, 'for i in 1 2 3; do read _ < net.params || true; read _ < notes.txt || true; done', { uid: nobody });
  await watch.until('opened', () => opens(watch).length > 0);
  await shell(t, watch.folder, 'echo weights > new.params');
  await told(watch, 'created new.params');
  await watch.mark();
  const [opened, ...more] = opens(watch);
  t.deepEqual(more, []);
  t.like(opened, { what: 'model', place: { path: join(watch.folder, 'net.params') }, by: { pid: reader.pid, uid: nobody }, file: { inode: String((await stat(join(watch.folder, 'net.params'))).ino) } });
});

testWith(needs, 'what the agent itself opens and writes is not told as anybody\'s', async t => {
  const watch = await watching(t);
  await writeFile(join(watch.folder, 'net.params'), 'weights');
  t.is((await told(watch, 'created net.params')).by, null);
  t.deepEqual(opens(watch), []);
});

testWith(needs, 'without CAP_SYS_ADMIN the watch works as before and says that it cannot tell who', async t => {
  const folder = await temporary(t);
  const program = join(import.meta.dirname, 'kernel/inotify/limited.ts');
  const child = spawn('setpriv', ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin', process.execPath, program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  const drafts: Draft[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const draft = JSON.parse(line) as Draft;
    drafts.push(draft);
    if (draft.kind === 'sensor.changed' && draft.blind.some(words => words.includes('CAP_SYS_ADMIN'))) { t.like(draft, { state: 'armed', level: 'unprivileged' }); await writeFile(join(folder, 'net.params'), 'weights'); }
    if (draft.kind === 'file.changed') { t.like(draft, { change: 'created', by: null }); break; }
  }
  child.stdin.end();
  t.true(drafts.some(draft => draft.kind === 'sensor.changed'));
});

test('switched off, nothing asks the kernel, and it is said', async t => {
  const watch = await watching(t, { askWho: false });
  t.true(watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.level === 'unprivileged' && draft.blind.some(line => line.startsWith('who writes a file is known only'))));
  await rm(watch.folder, { recursive: true });
});
