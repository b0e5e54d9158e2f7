import { copyFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openCensus } from '../../../../collectors/kernel/procfs/census.ts';
import { fileIdentity, refOf } from '../../../../collectors/kernel/procfs/describe.ts';
import type { MappedLibrary } from '../../../../collectors/kernel/procfs/member.ts';
import { testWith } from '../../../services/require.ts';
import { compile, folder, here, libraryAt, type Made, madeHost, mapLine, patience, run, runWith, until, writeProcess } from './tree.ts';

test.beforeEach(t => { t.timeout(patience * 2); });

/** What a listener heard, of the processes of this test alone. */
async function listen(t: ExecutionContext, host = here) {
  const errors: Error[] = [];
  const census = await openCensus(host, error => errors.push(error));
  t.teardown(() => census[Symbol.asyncDispose]());
  const mapped: { pid: number; library: MappedLibrary }[] = [];
  const gone: { pid: number; status: unknown }[] = [];
  const loaded: number[] = [];
  census.join({
    mapped: ({ process }, library) => mapped.push({ pid: process.pid, library }),
    gone: ({ pid }, status) => gone.push({ pid, status }),
    loaded: pid => loaded.push(pid),
  });
  const of = (pid: number): MappedLibrary[] => mapped.filter(each => each.pid === pid).map(each => each.library);
  return { census, errors, of, gone, loaded, endings: (pid: number) => gone.filter(each => each.pid === pid).map(each => each.status) };
}

test('a process that has libmxnet.so when watching begins is known at once, and its end is told once', async t => {
  const library = libraryAt(join(folder(t), 'site-packages/mxnet/libmxnet.so'));
  writeFileSync(join(library, '../libinfo.py'), '__version__ = "1.9.1"\n');
  const child = runWith(t, library);
  await until(() => readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes(library));
  const { of, endings, census } = await listen(t);
  const [found] = of(child.pid);
  t.deepEqual(found, { place: { path: library }, file: fileIdentity(statSync(library, { bigint: true })), version: '1.9.1', unexpected: null, openPath: library });
  t.is(census.members.get(child.pid)?.process.startTicks, refOf(here, child.pid)?.startTicks);
  child.kill('SIGKILL');
  await until(() => endings(child.pid).length > 0);
  await new Promise(resolve => setTimeout(resolve, 600));
  t.deepEqual(endings(child.pid), [null]);
  t.is(census.members.get(child.pid), undefined);
});

test('a new process, and one that was there and loads it later, are seen without being told', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const waiting = run(t, 'sh', ['-c', 'read go; LD_PRELOAD=$0 exec sleep 300', library]);
  const { of } = await listen(t);
  const child = runWith(t, library);
  await until(() => of(child.pid).length > 0);
  t.is(of(waiting.pid).length, 0);
  waiting.stdin?.write('go\n');
  const [late] = await until(() => of(waiting.pid).length > 0 && of(waiting.pid));
  t.is(late?.unexpected, 'it is in none of the places where a package keeps it');
});

test('each listener hears what is known when it joins, and the second opener shares the first one\'s poll', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const child = runWith(t, library);
  const one = await listen(t);
  await until(() => one.of(child.pid).length > 0);
  const two = await listen(t);
  t.is(two.of(child.pid).length, 1);
  t.is(one.census.members, two.census.members);
  await one.census[Symbol.asyncDispose]();
  child.kill('SIGKILL');
  await until(() => two.endings(child.pid).length > 0);
  t.is(one.endings(child.pid).length, 0);
});

test('an unlinked library is opened by its mapping', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const before = readFileSync(library);
  const child = runWith(t, library);
  await until(() => readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes(library));
  unlinkSync(library);
  const { of } = await listen(t);
  const [found] = await until(() => of(child.pid).length > 0 && of(child.pid));
  t.is(found?.place.path, `${library} (deleted)`);
  t.is(found?.version, null);
  t.regex(found?.unexpected ?? '', /no name leads to its file any more/);
  if (process.getuid?.() === 0) t.deepEqual(readFileSync(found?.openPath ?? ''), before);
});

test('a library that was replaced while mapped is taken neither for its replacement nor for a file called so', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const { ino } = statSync(library, { bigint: true });
  const child = runWith(t, library);
  await until(() => readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes(library));
  copyFileSync(library, `${library}.new`);
  renameSync(`${library}.new`, library);
  copyFileSync(library, `${library} (deleted)`);
  const { of } = await listen(t);
  const [found] = await until(() => of(child.pid).length > 0 && of(child.pid));
  t.is(found?.file.inode, String(ino));
  t.not(statSync(library, { bigint: true }).ino, ino);
  if (process.getuid?.() === 0) t.is(statSync(found?.openPath ?? '', { bigint: true }).ino, ino);
});

test('a name that only says that it is deleted is taken for what it is: a name', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so (deleted)'));
  const host = madeHost(folder(t), [{ pid: 7, maps: mapLine(statSync(library).ino, library), cwd: '/', executable: '/bin/sleep' }]);
  const { of } = await listen(t, host);
  const [found] = of(7);
  t.is(found?.place.path, library);
  t.is(found?.openPath, library);
  t.false(/no name/.test(found?.unexpected ?? ''));
});

test('a hard link under another name is known by its inode', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const other = join(library, '../libharmless.so');
  linkSync(library, other);
  const first = runWith(t, library);
  const { of } = await listen(t);
  await until(() => of(first.pid).length > 0);
  const second = runWith(t, other);
  const [found] = await until(() => of(second.pid).length > 0 && of(second.pid));
  t.is(found?.place.path, other);
  t.is(found?.unexpected, 'it is a library of MXNet under another name');
});

const pad = 'char padding[2 << 20] = {1};';
testWith(['cc'], 'a copy under another name, and a program with MXNet in itself, are known by their functions', async t => {
  const root = folder(t);
  const library = compile(`${pad} int MXNDArrayLoad(void) { return 0; }`, join(root, 'libharmless.so'), ['-shared', '-fPIC']);
  const program = compile(`${pad} #include <unistd.h>\nint MXPredCreate(void) { return 0; } int main(void) { return sleep(300); }`.replace('; #', ';\n#').replace('} #', '}\n#'), join(root, 'server'));
  const user = compile('#include <unistd.h>\nextern int MXNDArrayLoad(void); int main(void) { return sleep(MXNDArrayLoad() + 300); }', join(root, 'user'), [library]);
  const { of } = await listen(t);
  const [linked, users] = [run(t, program, []), run(t, user, [])];
  const [inProgram] = await until(() => of(linked.pid).length > 0 && of(linked.pid));
  t.like(inProgram, { place: { path: program }, unexpected: null, version: null, openPath: program });
  const [copy, ...more] = await until(() => of(users.pid).length > 0 && of(users.pid));
  t.is(copy?.place.path, library);
  t.is(copy?.unexpected, 'it exports functions of MXNet under another name');
  t.deepEqual(more, [], 'who only calls the functions does not have them');
});

test('a library found through LD_LIBRARY_PATH is noted, also in a folder that looks like the package', async t => {
  const library = libraryAt(join(folder(t), 'site-packages/mxnet/libmxnet.so'));
  const child = runWith(t, library, { LD_LIBRARY_PATH: `/nowhere:${join(library, '..')}/.` });
  const { of } = await listen(t);
  const [found] = await until(() => of(child.pid).length > 0 && of(child.pid));
  t.is(found?.unexpected, 'LD_LIBRARY_PATH of the process names its place');
});

test('a search path is read as the linker reads it, and one too long to read is noted', async t => {
  const maps = mapLine(5, '/srv/lib/libmxnet.so');
  const host = madeHost(folder(t), [
    { pid: 1, maps, cwd: '/', environment: ['LD_LIBRARY_PATH=/a;/srv/lib'] },
    { pid: 2, maps, cwd: '/', environment: [`MXNET_LIBRARY_PATH=${'/a:'.repeat(400)}/srv/lib`] },
    { pid: 3, maps, cwd: '/', environment: ['LD_LIBRARY_PATH=', 'MXNET_LIBRARY_PATH=/srv/lib/libmxnet.so'] },
    { pid: 4, maps, cwd: '/', environment: ['LD_LIBRARY_PATH=/srv/library:/srv'] },
  ]);
  const { of } = await listen(t, host);
  const [one, two, three, four] = [1, 2, 3, 4].map(pid => of(pid)[0]?.unexpected ?? '');
  t.regex(one ?? '', /LD_LIBRARY_PATH of the process names its place/);
  t.regex(two ?? '', /MXNET_LIBRARY_PATH of the process has more than 256 entries/);
  t.regex(three ?? '', /MXNET_LIBRARY_PATH of the process names its place/);
  t.notRegex(four ?? '', /PATH/);
});

test('a sensor\'s word: look finds at once, leave ends at once with its status and only once, loads are passed on', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const { census, of, endings, loaded } = await listen(t);
  const child = runWith(t, library);
  await until(() => readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes(library));
  census.look(child.pid);
  t.is(of(child.pid).length, 1);
  census.noteLoad(child.pid);
  census.noteLoad(1);
  t.deepEqual(loaded, [child.pid]);
  child.kill('SIGKILL');
  census.leave(child.pid, { signal: 'SIGKILL' });
  t.deepEqual(endings(child.pid), [{ signal: 'SIGKILL' }]);
  census.look(child.pid);
  await new Promise(resolve => setTimeout(resolve, 600));
  t.deepEqual(endings(child.pid), [{ signal: 'SIGKILL' }]);
  t.is(of(child.pid).length, 1);
});

test('a sensor that is wrong about an end is corrected: who still lives is found again', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const child = runWith(t, library);
  const { census, of } = await listen(t);
  await until(() => of(child.pid).length > 0);
  census.leave(child.pid, null);
  census.look(child.pid);
  t.is(of(child.pid).length, 1, 'a dying process may still show its memory for a moment');
  await new Promise(resolve => setTimeout(resolve, 1_100));
  census.look(child.pid);
  t.is(of(child.pid).length, 2);
});

test('a program that a member starts in its own place is still watched', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const child = run(t, 'sh', ['-c', 'read go; unset LD_PRELOAD; exec sleep 300'], { LD_PRELOAD: library });
  const { census, of, endings } = await listen(t);
  await until(() => of(child.pid).length > 0);
  child.stdin?.write('go\n');
  await until(() => !readFileSync(`/proc/${child.pid}/maps`, 'latin1').includes(library));
  census.look(child.pid);
  t.true(census.members.has(child.pid));
  child.kill('SIGKILL');
  await until(() => endings(child.pid).length > 0);
});

test('a made-up host: names of all bindings, kernel threads and strangers left alone, a reused pid is another process', async t => {
  const root = folder(t);
  const named = ['/a/site-packages/mxnet/libmxnet.so', '/tmp/mxnet123/mxnet-scala (deleted)', '/b/libmxnet_predict.so', '/c/jni_libmxnet_predict.so', '/usr/lib/R/library/mxnet/libs/mxnet.so', '/memfd:libmxnet.so (deleted)', '/n/new\\012line/libmxnet.so'];
  const strangers = ['/a/libmxnet.so.txt', '/a/notlibmxnet.so', '/a/mxnet', '/a/libmxnet.so/x'];
  const processes: Made[] = [
    ...named.map((path, index) => ({ pid: 100 + index, maps: mapLine(10 + index, path) })),
    ...strangers.map((path, index) => ({ pid: 200 + index, maps: mapLine(50 + index, path) })),
    { pid: 300, flags: 0x0020_0000, maps: mapLine(10, '/a/libmxnet.so') },
    { pid: 301, state: 'Z', maps: mapLine(10, '/a/libmxnet.so') },
    { pid: 302, maps: 'no map at all\n' },
  ];
  const host = madeHost(root, processes);
  const { census, of, endings, errors } = await listen(t, host);
  t.deepEqual([...census.members.keys()].sort((a, b) => a - b), named.map((_, index) => 100 + index));
  t.is(of(106)[0]?.place.path, '/n/new\\x0aline/libmxnet.so');
  t.regex(of(105)[0]?.unexpected ?? '', /in memory only/);
  writeProcess(host, { pid: 100, startTicks: 900, maps: mapLine(10, '/a/libmxnet.so') });
  await until(() => of(100).length === 2);
  t.deepEqual(endings(100), [null]);
  rmSync(join(host.proc, '101'), { recursive: true });
  await until(() => endings(101).length === 1);
  await census[Symbol.asyncDispose]();
  t.regex(errors[0]?.message ?? '', /process that could not be examined \(such as 302: .*no mapping at byte 0/);
});

test('sixteen libraries of one process are told, those beyond are counted', async t => {
  const maps = Array.from({ length: 20 }, (_, index) => mapLine(100 + index, `/v${index}/libmxnet.so`)).join('');
  const host = madeHost(folder(t), [{ pid: 7, maps }]);
  const { census, of, errors } = await listen(t, host);
  t.is(of(7).length, 16);
  await census[Symbol.asyncDispose]();
  t.regex(errors[0]?.message ?? '', /4 × library of MXNet beyond 16/);
  t.deepEqual(errors[0]?.cause, { count: 4 });
});

test('a process whose first thread has ended shows its memory in another', async t => {
  const host = madeHost(folder(t), [{ pid: 7, state: 'Z', threads: 3, pages: 0 }]);
  const thread = join(host.proc, '7/task/9');
  mkdirSync(thread, { recursive: true });
  writeProcess({ ...host, proc: join(host.proc, '7/task') }, { pid: 9, executable: '/bin/x', cwd: '/', maps: mapLine(5, '/a/libmxnet.so') });
  const { of } = await listen(t, host);
  t.is(of(7).length, 1);
});

test('a folder without processes is an error of the opener, and opening again works', async t => {
  const root = folder(t);
  const host = { ...here, proc: join(root, 'proc') };
  await t.throwsAsync(openCensus(host, () => {}), { code: 'ENOENT' });
  madeHost(root, []);
  const census = await openCensus(host, () => {});
  t.is(census.members.size, 0);
  await census[Symbol.asyncDispose]();
});

testWith(['root'], 'a process in its own mount and pid namespace: the library is opened below its root', async t => {
  const root = folder(t);
  const library = libraryAt(join(root, 'image/libmxnet.so'));
  mkdirSync(join(root, 'mnt'));
  const script = `mount -t tmpfs none ${root}/mnt && cp ${library} ${root}/mnt/libmxnet.so && LD_PRELOAD=${root}/mnt/libmxnet.so exec sleep 300`;
  const outer = run(t, 'unshare', ['-m', '-p', '--fork', '--kill-child', 'sh', '-c', script]);
  const { of, census } = await listen(t);
  const inner = await until(() => [...census.members.values()].find(member => member.process.ancestors[0]?.pid === outer.pid)?.process.pid);
  const [found] = of(inner);
  t.deepEqual(found?.place, { path: `/proc/${inner}/root${root}/mnt/libmxnet.so`, inside: `${root}/mnt/libmxnet.so` });
  t.is(found?.openPath, `/proc/${inner}/root${root}/mnt/libmxnet.so`);
  t.deepEqual(readFileSync(found?.openPath ?? ''), readFileSync(library));
  outer.kill('SIGKILL');
});
