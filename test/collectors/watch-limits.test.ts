import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import type { Draft } from '../../agent/contract/event.ts';
import { testWith } from '../services/require.ts';
import { host, temporary, watching } from './kernel/inotify/watching.ts';

const blindLines = (drafts: readonly Draft[]): readonly string[] => drafts.findLast(draft => draft.kind === 'sensor.changed')?.blind ?? [];
const isDegraded = (drafts: readonly Draft[]): boolean => drafts.findLast(draft => draft.kind === 'sensor.changed')?.state === 'degraded';

/** The collector in a user namespace whose own inotify limits (namespaces(7), user.max_inotify_*) nobody else feels. */
async function limited(
  t: ExecutionContext, limits: string, folder: string,
): Promise<{ drafts: Draft[]; until: (what: string, isSo: () => boolean) => Promise<void> }> {
  t.timeout(90_000);
  const script = `${limits}; exec "$@"`;
  const program = join(import.meta.dirname, 'kernel/inotify/limited.ts');
  const child = spawn('unshare', ['-Ur', 'sh', '-ec', script, 'sh', process.execPath, program, folder, '{"pollMs":200}'],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  const drafts: Draft[] = [];
  let changed = (): void => {};
  createInterface({ input: child.stdout }).on('line', line => { drafts.push(JSON.parse(line) as Draft); changed(); });
  const until = (what: string, isSo: () => boolean): Promise<void> => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never: ${what}\n${JSON.stringify(drafts, null, 1)}`)), 60_000);
    changed = () => { if (isSo()) { clearTimeout(late); resolve(); } };
    changed();
  });
  return { drafts, until };
}

testWith(['root'], 'at the limit of inotify watches the rest is polled, and said with the cure, as degraded and as loss', async t => {
  const folder = await temporary(t);
  for (let index = 0; index < 12; index++) await mkdir(join(folder, `sub-${index}`));
  const { drafts, until } = await limited(t, 'echo 5 > /proc/sys/user/max_inotify_watches', folder);
  await until('inventory', () => drafts.some(draft => 'message' in draft));
  await until('degraded', () => isDegraded(drafts) && blindLines(drafts).some(line => line.includes('sysctl fs.inotify.max_user_watches=')));
  t.true(drafts.some(draft => draft.kind === 'events.lost' && draft.where === 'kernel'));
  for (let index = 0; index < 12; index++) await writeFile(join(folder, `sub-${index}/net.params`), 'x');
  const created = (): Set<string> => new Set(drafts.flatMap(draft => draft.kind === 'file.changed' && draft.change !== 'removed' ? [draft.place.path] : []));
  await until('all twelve are seen', () => created().size === 12);
});

testWith(['root'], 'without any inotify instance everything is polled, and said with the cure', async t => {
  const folder = await temporary(t);
  const { drafts, until } = await limited(t, 'echo 0 > /proc/sys/user/max_inotify_instances', folder);
  await until('degraded', () => isDegraded(drafts) && blindLines(drafts).some(line => line.includes('sysctl fs.inotify.max_user_instances=')));
  await writeFile(join(folder, 'net.params'), 'x');
  await until('seen', () => drafts.some(draft => draft.kind === 'file.changed'));
  t.pass();
});

test('one watch that fills the queue of the process does not make another lose a change', async t => {
  const one = await watching(t, {}, folder => mkdir(join(folder, 'sub')));
  const other = await watching(t, {}, folder => writeFile(join(folder, 'net.params'), 'x'));
  execFileSync('python3', ['-c', `import sys
for i in range(17000): open(f"{sys.argv[1]}/sub/{i}", "w").close()
open(f"{sys.argv[2]}/net.params", "w").write("other")`, one.folder, other.folder]);
  await other.until('written', () => other.told().includes('written net.params'));
  t.true(other.drafts.some(draft => draft.kind === 'events.lost'));
});

test('20,000 files at once, more than the kernel queues: each is reported exactly once, and the overflow is said', async t => {
  const watch = await watching(t, {}, folder => mkdir(join(folder, 'sub')));
  // Our event loop stands still meanwhile, so the queue of 16,384 overflows.
  execFileSync('python3', ['-c', 'import sys\nfor i in range(20000): open(f"{sys.argv[1]}/sub/{i}.params", "w").write("x")', watch.folder]);
  await watch.until('all', () => watch.files().length >= 20_000);
  await watch.mark();
  const told = watch.told();
  t.is(told.length, 20_000);
  t.is(new Set(told.map(line => line.split(' ')[1])).size, 20_000);
  t.true(told.every(line => line.startsWith('created ') || line.startsWith('found ')));
  t.true(watch.drafts.some(draft => draft.kind === 'events.lost' && draft.what === 'file.changed'));
  t.true(watch.logged.some(line => line.includes('dropped notices')));
  await watch.until('whole again', () => !isDegraded(watch.drafts));
});

test('more files than maxFiles are said loudly, and those that were known stay watched', async t => {
  const watch = await watching(t, { maxFiles: 5 }, async folder => { for (let index = 0; index < 10; index++) await writeFile(join(folder, `${index}`), 'x'); });
  await watch.until('said', () => isDegraded(watch.drafts) && blindLines(watch.drafts).some(line => line.includes('maxFiles (5)')));
  const known = watch.files()[0]?.place.path ?? '';
  t.is(watch.files().length, 4);
  await writeFile(known, 'other');
  await watch.until('written', () => watch.files().some(file => file.change === 'written' && file.place.path === known));
});

test('more folders than maxWatches are polled, and said', async t => {
  const watch = await watching(t, { maxWatches: 1, pollMs: 200 }, folder => mkdir(join(folder, 'sub')));
  await watch.until('said', () => isDegraded(watch.drafts) && blindLines(watch.drafts).some(line => line.includes('maxWatches (1)')));
  await writeFile(join(watch.folder, 'sub/net'), 'x');
  await watch.until('seen', () => watch.files('sub/net').length > 0);
  t.pass();
});

test('forced polling sees what notices would have told, and says its interval', async t => {
  const watch = await watching(t, { forcePoll: true, pollMs: 200 }, async folder => { await writeFile(join(folder, 'net.params'), 'x'); await writeFile(join(folder, 'gone'), 'x'); });
  await writeFile(join(watch.folder, 'net.params'), 'other');
  execFileSync('mv', [join(watch.folder, 'gone'), join(watch.folder, 'moved')]);
  await mkdir(join(watch.folder, 'sub'));
  await writeFile(join(watch.folder, 'sub/new'), 'x');
  await watch.until('all', () => ['written net.params', 'renamed moved < gone', 'created sub/new'].every(line => watch.told().includes(line)));
  t.true(isDegraded(watch.drafts));
  t.true(blindLines(watch.drafts).some(line => line.includes('polled every 200 ms')));
});

test('a root on a file system without notification is polled and named', async t => {
  const proc = await temporary(t);
  await mkdir(join(proc, 'self'));
  await writeFile(join(proc, 'self/mountinfo'), `1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:99 / ${tmpdir()} rw - nfs4 server:/models rw\n`);
  const watch = await watching(t, { pollMs: 200 }, async () => {}, { ...host, proc });
  await writeFile(join(watch.folder, 'net.params'), 'x');
  await watch.until('seen', () => watch.files('net.params').length > 0);
  t.true(blindLines(watch.drafts).some(line => line.includes('does not tell of all changes') && line.includes(watch.folder)));
});
