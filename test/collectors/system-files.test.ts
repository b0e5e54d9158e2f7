import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openCensus } from '../../collectors/kernel/procfs/census.ts';
import systemFiles from '../../collectors/system-files.ts';
import persistence from '../../detectors/persistence.ts';
import { memory, mxnetCalled } from '../builders.ts';
import { testWith } from '../services/require.ts';
import { shell } from './kernel/fanotify/hands.ts';
import { temporary } from './kernel/inotify/watching.ts';
import { here, until } from './kernel/procfs/tree.ts';
import { act, type Actor, begin, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

/** A script of one process that does all of it and is still there when it is looked at: one that is gone in a moment is not told. */
const stays = (deeds: string): string => `exec python3 -c 'import os, time
def put(name, mode = "w"):
    with open(name, mode) as file: file.write("x\\n")
${deeds}
time.sleep(30)'`;

/** A made-up system in a folder, watched, and a process with MXNet that runs this script in it when told. */
async function guarding(t: ExecutionContext, script: string, paths: readonly string[]) {
  if (standIn === undefined) throw new Error('needs a C compiler: apt-get install gcc');
  const folder = await temporary(t);
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'etc/cron.d'), { recursive: true });
  await mkdir(join(folder, 'root'));
  await writeFile(join(folder, 'root/.bashrc'), 'x\n');
  const seen = witness();
  const running = await begin(systemFiles, seen.port, { paths: paths.map(path => join(folder, path)), rescanMs: 3_600_000 });
  t.teardown(() => running[Symbol.asyncDispose]());
  const actor: Actor = await act(standIn.program, [standIn.library, 'line', 'run', script, 'line'], folder);
  t.teardown(() => { actor[Symbol.dispose](); });
  return { folder, seen, actor };
}

testWith.serial(['root', 'cc'], 'what a child of a process with MXNet writes where the system runs it is told with who did it, what lies beside it is not', async t => {
  const { folder, seen, actor } = await guarding(t, stays('put("etc/other"); put("etc/cron.d/job"); put("root/.bashrc", "a"); put("n"); os.rename("n", "etc/ld.so.preload")'), ['etc/ld.so.preload', 'etc/cron.d/*', 'root/.{bashrc,profile}']);
  await seen.until('sensor.changed', each => each.state === 'armed');
  await written(t, actor);
  const at = (name: string) => seen.until('file.changed', each => each.place.path === join(folder, name));
  const [job, start, preload] = [await at('etc/cron.d/job'), await at('root/.bashrc'), await at('etc/ld.so.preload')];
  t.deepEqual([job.change, start.change, preload.change], ['created', 'written', 'renamed']);
  t.true([job, start, preload].every(each => each.what === 'system' && each.by?.ancestors.some(one => one.pid === actor.pid) === true));
  t.is(job.file?.size, 2);
  t.false(seen.all('file.changed').some(each => each.place.path.endsWith('/other')));

  const see = persistence.create(persistence.config.parse({}), memory());
  const loader = job.by?.ancestors.find(each => each.pid === actor.pid);
  if (loader === undefined || job.by === null) { t.fail(); return; }
  see(mxnetCalled({ id: 'load', at: job.at - 1_000, process: { ...job.by, ...loader, executable: { path: loader.path, file: null }, ancestors: [] } }));
  t.is(see({ ...job, id: 'x', collector: 'system-files', place: { path: '/etc/cron.d/job' } })[0]?.severity, 'high');
});

testWith.serial(['root', 'cc'], 'a folder that a child of a process with MXNet makes and writes into at once is told with what is in it', async t => {
  const { folder, seen, actor } = await guarding(t, stays('os.makedirs("root/.ssh"); os.makedirs("root/.config/systemd/user"); put("root/.ssh/authorized_keys"); put("root/.ssh/other"); put("root/.config/systemd/user/x.service")'), ['root/.ssh/{authorized_keys,rc}', 'root/.config/systemd/user/*']);
  await written(t, actor);
  const keys = await seen.until('file.changed', each => each.place.path === join(folder, 'root/.ssh/authorized_keys'));
  const unit = await seen.until('file.changed', each => each.place.path === join(folder, 'root/.config/systemd/user/x.service'));
  t.true([keys, unit].every(each => each.by?.ancestors.some(one => one.pid === actor.pid) === true));
  t.false(seen.all('file.changed').some(each => each.place.path.endsWith('/other')));
});

testWith.serial(['root', 'cc'], 'a file in a folder to which a link leads is told by the name that the link gives it, and another process\'s writing not at all', async t => {
  const { folder, seen, actor } = await guarding(t, 'echo x > etc/far/job; sleep 5', ['etc/cron.linked/*', 'etc/cron.d/*']);
  await mkdir(join(folder, 'etc/far'));
  await symlink('far', join(folder, 'etc/cron.linked'));
  await using again = await begin(systemFiles, seen.port, { paths: [join(folder, 'etc/cron.linked/*'), join(folder, 'etc/cron.d/*')] });
  t.truthy(again);
  await shell(t, folder, 'echo x > etc/far/stranger; echo x > etc/cron.d/stranger');
  await written(t, actor);
  const job = await seen.until('file.changed', each => each.place.path === join(folder, 'etc/cron.linked/job'));
  t.is(job.what, 'system');
  t.false(seen.all('file.changed').some(each => each.place.path.endsWith('/stranger')));
});

/** Lets it write as soon as it is known to have MXNet. */
async function written(t: ExecutionContext, actor: Actor): Promise<void> {
  t.timeout(120_000);
  await using census = await openCensus(here, error => t.log(error.message));
  await until(() => census.members.has(actor.pid));
  await actor.next();
}
