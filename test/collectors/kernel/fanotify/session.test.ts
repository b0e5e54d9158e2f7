import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import type { HostPaths, Log } from '../../../../agent/contract/component.ts';
import { did } from '../../../../collectors/kernel/fanotify/record.ts';
import { type Deed, openFileEvents } from '../../../../collectors/kernel/fanotify/session.ts';
import { startWatcher } from '../../../../collectors/kernel/fanotify/watcher-process.ts';
import { testWith } from '../../../services/require.ts';
import { host, temporary } from '../inotify/watching.ts';
import { python, run, shell } from './hands.ts';

const needs = ['root'] as const;
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
type Heard = { readonly deeds: Deed[]; readonly lost: (readonly [string, number | null])[]; readonly states: string[]; readonly refused: string[] };

async function listening(t: ExecutionContext, paths: HostPaths = host) {
  const heard: Heard = { deeds: [], lost: [], states: [], refused: [] };
  let changed = (): void => {};
  const events = await openFileEvents(paths, quiet, {
    deed: deed => { heard.deeds.push(deed); changed(); }, lost: (...loss) => { heard.lost.push(loss); changed(); },
    changed: state => { heard.states.push(state); changed(); }, refused: (kind, path, error) => { heard.refused.push(`${kind} ${path} ${error}`); changed(); },
  });
  let isOpen = true;
  const close = async (): Promise<void> => { if (isOpen) { isOpen = false; await events[Symbol.asyncDispose](); } };
  t.teardown(close);
  t.timeout(120_000);
  const until = (what: string, isSo: () => boolean): Promise<void> => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never: ${what}\n${JSON.stringify(heard).slice(-2_000)}`)), 60_000);
    changed = () => { if (isSo()) { clearTimeout(late); resolve(); } };
    changed();
  });
  return { heard, events, close, until };
}

/** The process that has this folder marked, as proc_pid_fdinfo(5) shows it: other tests have watchers too. */
async function watcherOf(folder: string): Promise<number | undefined> {
  const inode = ` ino:${(await stat(folder)).ino.toString(16)} `;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
    if (!command.includes('fanotify/watcher.')) continue;
    for (const fd of await readdir(`/proc/${name}/fd`).catch(() => [])) {
      if ((await readFile(`/proc/${name}/fdinfo/${fd}`, 'latin1').catch(() => '')).includes(inode)) return Number(name);
    }
  }
  return undefined;
}
const isThere = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

testWith.serial(needs, 'a watcher that is killed is started again with all its marks, and the gap is told', async t => {
  const folder = await temporary(t);
  const { events, heard, until } = await listening(t);
  events.mark('folder', folder);
  t.true(await events.settled(10_000));
  const pid = await watcherOf(folder);
  process.kill(pid ?? 0, 'SIGKILL');
  await until('down and up', () => heard.states.join() === 'down,up');
  t.true(await events.settled(10_000));
  const writer = await shell(t, folder, 'echo weights > net.params');
  await until('written', () => heard.deeds.some(deed => deed.by?.pid === writer.pid && (deed.mask & did.modify) !== 0));
  t.not(await watcherOf(folder), pid);
  t.false(isThere(pid ?? 0));
});

testWith.serial(needs, 'nothing is left behind: no process, no mark, no file system that cannot be unmounted', async t => {
  const folder = await temporary(t);
  await mkdir(join(folder, 'root'));
  execFileSync('mount', ['-t', 'tmpfs', 't', join(folder, 'root')]);
  t.teardown(() => { try { execFileSync('umount', [join(folder, 'root')], { stdio: 'ignore' }); } catch {} });
  const { events, close } = await listening(t);
  events.mark('folder', join(folder, 'root'));
  await events.settled(10_000);
  const pid = await watcherOf(join(folder, 'root')) ?? 0;
  for (let index = 0; index < 5; index++) await run(join(folder, 'root'), 'sh', '-c', `echo x > ${index}; mkdir d${index}; mv ${index} d${index}`);
  await events.settled(10_000);
  t.notThrows(() => execFileSync('umount', [join(folder, 'root')]));
  const open = await Promise.all((await readdir(`/proc/${pid}/fd`)).map(fd => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  t.deepEqual(open.filter(link => link.startsWith('/') && !link.startsWith('/dev/')), []);
  t.true(isThere(pid));
  await close();
  t.false(isThere(pid));
});

testWith.serial(needs, 'the watcher ends by itself when the agent is killed', async t => {
  const program = `import { startWatcher } from ${JSON.stringify(join(import.meta.dirname, '../../../../collectors/kernel/fanotify/watcher-process.ts'))};
const watcher = await startWatcher({ proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' }, () => {});
console.log(watcher.pid);`;
  const agent = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: agent.stdout }), 'line') as [string];
  t.true(isThere(Number(line)));
  agent.kill('SIGKILL');
  for (let tries = 0; tries < 400 && isThere(Number(line)); tries++) await new Promise(resolve => { setTimeout(resolve, 20); });
  t.false(isThere(Number(line)));
});

testWith.serial(needs, 'two members share one watcher, and what one has unmarked the other still hears of', async t => {
  const folder = await temporary(t);
  const [one, two] = [await listening(t), await listening(t)];
  one.events.mark('folder', folder);
  two.events.mark('folder', folder);
  one.events.unmark('folder', folder);
  await two.events.settled(10_000);
  const pid = await watcherOf(folder) ?? 0;
  await shell(t, folder, 'echo x > a');
  await two.until('heard', () => two.heard.deeds.length > 0);
  two.events.unmark('folder', folder);
  await two.events.settled(10_000);
  const before = two.heard.deeds.length;
  await shell(t, folder, 'echo x > b');
  await two.events.settled(10_000);
  t.is(two.heard.deeds.length, before);
  await one.close();
  t.true(isThere(pid));
  await two.close();
  t.false(isThere(pid));
});

testWith.serial(needs, 'more changes than the queue of the kernel holds are told as lost, and the next change is heard', async t => {
  const folder = await temporary(t);
  const { events, heard, until } = await listening(t);
  events.mark('folder', folder);
  await events.settled(10_000);
  const most = Number(await readFile('/proc/sys/fs/fanotify/max_queued_events', 'latin1'));
  // On a machine that is slow at this, the watcher stands still for so long that it is ended and started again: then once more.
  for (let tries = 1; ; tries++) {
    const pid = await watcherOf(folder) ?? 0;
    process.kill(pid, 'SIGSTOP');
    await run(folder, 'python3', '-c', `for i in range(${most + 1_000}): open(str(i), 'w').close()`);
    if (isThere(pid)) { process.kill(pid, 'SIGCONT'); break; }
    if (tries === 5) { t.fail('the watcher was ended five times'); return; }
    await until('started again', () => heard.states.at(-1) === 'up');
    heard.states.length = 0;
    heard.lost.length = 0;
  }
  await until('lost', () => heard.lost.some(([what, count]) => what === 'changes' && count === null));
  const writer = await shell(t, folder, 'echo x > last');
  await until('heard', () => heard.deeds.some(deed => deed.path.endsWith('/last') && deed.by?.pid === writer.pid));
  t.deepEqual(heard.states, []);
});

testWith.serial(needs, 'a flood of opens does not push out who writes', async t => {
  const folder = await temporary(t);
  const { events, heard, until } = await listening(t);
  for (let index = 0; index < 80; index++) await writeFile(join(folder, `${index}.params`), 'x');
  events.mark('folder', folder);
  await events.settled(10_000);
  const pid = await watcherOf(folder) ?? 0;
  process.kill(pid, 'SIGSTOP');
  const most = Number(await readFile('/proc/sys/fs/fanotify/max_queued_events', 'latin1'));
  // Of other processes and other files: what one process does to one file is one record.
  const flood = spawn('python3', ['-c', `import os
for i in range(${Math.ceil(most / 64)}):
  if os.fork() == 0:
    for k in range(80): os.close(os.open(f'{k}.params', os.O_RDONLY))
    os._exit(0)
  os.wait()`], { cwd: folder, stdio: 'ignore' });
  await once(flood, 'exit');
  const writer = await shell(t, folder, 'echo more >> 7.params');
  process.kill(pid, 'SIGCONT');
  await until('heard', () => heard.deeds.some(deed => deed.by?.pid === writer.pid && (deed.mask & did.modify) !== 0));
  await until('opens lost', () => heard.lost.some(([what, count]) => what === 'opens' && count === null));
  t.false(heard.lost.some(([what]) => what === 'changes'));
});

testWith.serial(needs, 'what cannot be marked is said with the reason', async t => {
  const folder = await temporary(t);
  const { events, heard, until } = await listening(t);
  events.mark('folder', join(folder, 'nowhere'));
  events.mark('folder', '/proc/self');
  await until('refused', () => heard.refused.length >= 2);
  t.true(heard.refused.some(line => line.endsWith('nowhere ENOENT')));
  t.true(heard.refused.every(line => line.startsWith('folder /')));
});

testWith.serial(needs, 'a folder that is moved keeps its mark, under the name it is marked by again', async t => {
  const folder = await temporary(t);
  await mkdir(join(folder, 'a'));
  const { events, heard, until } = await listening(t);
  events.mark('folder', join(folder, 'a'));
  await events.settled(10_000);
  await run(folder, 'mv', 'a', 'z');
  events.mark('folder', join(folder, 'z'));
  events.unmark('folder', join(folder, 'a'));
  await events.settled(10_000);
  const writer = await shell(t, join(folder, 'z'), 'echo x > net');
  await until('heard', () => heard.deeds.some(deed => deed.path === join(folder, 'z/net') && deed.by?.pid === writer.pid));
  t.deepEqual(heard.refused, []);
});

testWith.serial(needs, 'a folder that is made or moved into a marked one is marked at once, with those in it', async t => {
  const [folder, outside] = [await temporary(t), await temporary(t)];
  await mkdir(join(outside, 'big/deep'), { recursive: true });
  const { events, heard, until } = await listening(t);
  events.mark('folder', folder);
  await events.settled(10_000);
  await run(folder, 'mkdir', '-p', 'new/deeper');
  await run(outside, 'mv', 'big', folder);
  await events.settled(10_000);
  const writer = await shell(t, folder, 'for f in new new/deeper big big/deep; do echo x > $f/net; done');
  const has = (path: string): boolean => heard.deeds.some(deed => deed.path === join(folder, path, 'net') && deed.by?.pid === writer.pid);
  await until('all four', () => ['new', 'new/deeper', 'big', 'big/deep'].every(has));
  t.pass();
});

testWith.serial(needs, 'a process that becomes another program or user is told as what it is at the time', async t => {
  const folder = await temporary(t);
  execFileSync('chmod', ['777', folder]);
  const { events, heard, until } = await listening(t);
  events.mark('folder', folder);
  await events.settled(10_000);
  const script = `open('one', 'w').write('x'); time.sleep(0.3); os.setuid(65534); open('two', 'w').write('x'); time.sleep(0.3)
r, w = os.pipe(); os.close(w); os.dup2(r, 9); os.set_inheritable(9, True); sys.stdout.flush()
os.execv('/bin/sh', ['sh', '-c', 'echo x > three; echo done; read _'])`;
  const hands = await python(t, folder, script);
  await until('three', () => ['one', 'two', 'three'].every(name => heard.deeds.some(deed => deed.path.endsWith(`/${name}`) && (deed.mask & did.modify) !== 0)));
  const of = (name: string) => heard.deeds.findLast(deed => deed.path.endsWith(`/${name}`))?.by;
  t.deepEqual(['one', 'two', 'three'].map(name => [of(name)?.pid, of(name)?.uid]), [[hands.pid, 0], [hands.pid, 65_534], [hands.pid, 65_534]]);
  t.true(of('two')?.executable.path.includes('python'));
  t.is(of('three')?.executable.path, await readlink(`/proc/${hands.pid}/exe`));
});

testWith.serial(needs, 'without CAP_SYS_ADMIN it is unavailable, with the reason, and leaves no process', async t => {
  const program = `import { startWatcher } from ${JSON.stringify(join(import.meta.dirname, '../../../../collectors/kernel/fanotify/watcher-process.ts'))};
try { await startWatcher({ proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' }, () => {}); } catch (error) { console.log(error.code, error.message); }`;
  const said = execFileSync('setpriv', ['--bounding-set=-sys_admin', process.execPath, '--input-type=module-typescript', '-e', program], { encoding: 'utf8' });
  t.is(said.trim(), 'UNAVAILABLE fanotify needs CAP_SYS_ADMIN');
});

testWith.serial(needs, 'a watcher that stands still is ended and started again', async t => {
  const ended = await startWatcher(host, () => {}).then(async watcher => {
    t.timeout(60_000);
    process.kill(watcher.pid, 'SIGSTOP');
    return watcher.ended;
  });
  t.regex(ended, /SIGKILL/);
});
