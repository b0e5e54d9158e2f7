import test from 'ava';
import child from '../../detectors/child.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import { child as childOf, fileChanged, identity, memory, mxnetCalled, mxnetMapped, noon, pathArgument, process, processExecuted, ref } from '../builders.ts';

type Exec = EventOf<'process.executed'>;
const config = child.config.parse({});
const minute = 60_000;
let next = 0;

/** A program run by the loader, so many milliseconds after noon. */
function ran(path: string, argv: readonly string[], after = 1_000, change: Partial<Exec> = {}): Exec {
  return processExecuted({ id: `x${next++}`, at: noon + after, process: childOf({ executable: { path, file: null }, argv }), ...change });
}

/** A detector whose process has loaded the model at noon. */
function loaded(options = config) {
  const see = child.create(options, memory());
  see(mxnetMapped({ at: noon - minute }));
  see(mxnetCalled({ id: 'load' }));
  return see;
}

const shell = (after = 1_000) => ran('/usr/bin/dash', ['/bin/sh', '-c', 'id'], after);

test('a shell after a load is high, and says who, what, and how long after which model', t => {
  const event = shell(2_112);
  const [finding, ...more] = loaded()(event);
  t.deepEqual(more, []);
  t.like(finding, { rule: 'child.shell', severity: 'high', because: [event.id, 'load'] });
  t.is(finding?.summary, '/usr/bin/python3 (pid 4121) started a shell: /usr/bin/dash (pid 4177, uid 1001) with "/bin/sh -c id", 2.1 s after it loaded "/srv/models/model-0000.params"');
});

test('long after the load it is medium, without any load it is low', t => {
  t.is(loaded()(shell(30 * minute))[0]?.severity, 'medium');
  const see = child.create(config, memory());
  see(mxnetMapped());
  const [finding] = see(shell());
  t.like(finding, { rule: 'child.shell', severity: 'low' });
  t.regex(finding?.summary ?? '', /has not loaded any model/);
});

test('a shell is known by its file and by argv[0], whatever links lead to it', t => {
  for (const [path, argv] of [['/bin/bash5', ['bash']], ['/bin/busybox', ['sh', '-c', 'id']], ['/bin/busybox', ['busybox', 'ash']], ['/usr/bin/zsh', ['-zsh']], ['/srv/x', ['/bin/sh']]] as const) {
    t.is(loaded()(ran(path, argv))[0]?.rule, 'child.shell', path);
  }
});

test('other applets of busybox are no shell', t => {
  t.is(loaded()(ran('/bin/busybox', ['ls']))[0]?.rule, 'child.first-ever');
  t.is(loaded()(ran('/bin/busybox', ['wget', 'http://h/x']))[0]?.rule, 'child.download-tool');
});

test('an interpreter other than the loader is medium', t => {
  t.like(loaded()(ran('/usr/bin/perl5.36', ['perl', '-e', '1']))[0], { rule: 'child.interpreter', severity: 'medium' });
  t.like(loaded()(ran('/opt/other/bin/python3.12', ['python3.12', 'x.py']))[0], { rule: 'child.interpreter', severity: 'medium' });
});

test('workers that multiprocessing starts of the same executable are nothing', t => {
  const see = loaded();
  for (const code of [
    ['-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)', '--multiprocessing-fork'],
    ['-s', '-c', 'from multiprocessing.resource_tracker import main;main(6)'],
    ['-c', "from multiprocessing.forkserver import main; main(5, 6, ['__main__'], **{'sys_path': ['/srv'], 'main_path': '/srv/train.py'})"],
  ]) t.deepEqual(see(ran('/usr/bin/python3', ['/usr/bin/python3', ...code])), []);
});

test('what only looks like such a worker is told', t => {
  for (const argv of [
    ['-c', "from multiprocessing.spawn import spawn_main; spawn_main(__import__('os').system('id'))"],
    ['-mevil', '-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5)'],
    ['evil.py', '-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5)'],
    ['-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5); import socket'],
  ]) t.is(loaded()(ran('/usr/bin/python3', ['python3', ...argv])).length, 1, argv.join(' '));
});

test('network tools and tools of privilege and persistence are high', t => {
  t.like(loaded()(ran('/usr/bin/curl', ['curl', 'http://h/x']))[0], { rule: 'child.download-tool', severity: 'high' });
  t.like(loaded()(ran('/usr/bin/nc.openbsd', ['nc', '-z', 'h', '1']))[0], { rule: 'child.download-tool', severity: 'high' });
  t.like(loaded()(ran('/usr/bin/sudo', ['sudo', 'id']))[0], { rule: 'child.privilege-tool', severity: 'high' });
  t.like(loaded()(ran('/usr/bin/crontab', ['crontab', '-']))[0], { rule: 'child.persistence-tool', severity: 'high' });
  t.like(loaded()(ran('/usr/bin/openssl', ['openssl', 's_client', '-connect', 'h:1']))[0], { rule: 'child.download-tool' });
});

test('openssl as such is no network tool', t => {
  t.is(loaded()(ran('/usr/bin/openssl', ['openssl', 'version']))[0]?.rule, 'child.first-ever');
});

test('a mining pool among the arguments is told, whatever the program is called', t => {
  t.true(loaded()(ran('/usr/bin/worker', ['worker', '-o', 'stratum+tcp://pool:3333'])).some(finding => finding.rule === 'child.miner'));
  t.false(loaded()(ran('/usr/bin/worker', ['worker', '-o', 'tcp://pool:3333'])).some(finding => finding.rule === 'child.miner'));
});

test('a program that was never run before is low once, and known after a restart', t => {
  const kept = memory();
  const see = child.create(config, kept);
  see(mxnetMapped());
  see(mxnetCalled({ id: 'load' }));
  t.like(see(ran('/usr/bin/ffmpeg', ['ffmpeg', '-i', 'x']))[0], { rule: 'child.first-ever', severity: 'low' });
  t.deepEqual(see(ran('/usr/bin/ffmpeg', ['ffmpeg', '-i', 'y'], 2_000)), []);
  const again = child.create(config, memory(kept.entries));
  again(mxnetCalled({ id: 'load' }));
  t.deepEqual(again(ran('/usr/bin/ffmpeg', ['ffmpeg', '-i', 'z'])), []);
});

test('another script of the same interpreter has its own children', t => {
  const kept = memory();
  const see = child.create(config, kept);
  see(mxnetCalled({ id: 'load' }));
  see(ran('/usr/bin/ffmpeg', ['ffmpeg']));
  see(mxnetCalled({ id: 'load2', process: process({ pid: 5_000, argv: ['python3', 'other.py'] }) }));
  const event = ran('/usr/bin/ffmpeg', ['ffmpeg'], 1_000, { tree: ref({ pid: 5_000 }) });
  t.is(see(event)[0]?.rule, 'child.first-ever');
});

test('what Python asks of the machine is at most info, from system folders and with its own arguments only', t => {
  for (const [path, argv] of [
    ['/usr/bin/uname', ['uname', '-p']], ['/usr/bin/nproc', ['nproc']], ['/usr/sbin/ldconfig', ['/sbin/ldconfig', '-p']], ['/usr/bin/lscpu', ['lscpu', '-p']],
    ['/usr/bin/x86_64-linux-gnu-gcc-12', ['gcc', '-Wl,-t', '-o', '/dev/null', '-lgomp']], ['/usr/bin/x86_64-linux-gnu-objdump', ['objdump', '-p', '-j', '.dynamic', '/lib/x.so']],
  ] as const) t.true(loaded()(ran(path, argv)).every(finding => finding.severity === 'info'), path);
  for (const [path, argv] of [['/srv/uname', ['uname', '-p']], ['/usr/bin/nproc', ['nproc', '--run=x']]] as const) {
    t.is(loaded()(ran(path, argv))[0]?.severity, 'low', path);
  }
});

test('a program from a temporary folder, from memory or from a deleted file is high', t => {
  for (const path of ['/tmp/x', '/var/tmp/a/b', '/dev/shm/x', '/memfd:x (deleted)', 'memfd:x', '/proc/self/fd/5', '/opt/tool (deleted)']) {
    t.like(loaded()(ran(path, ['x']))[0], { rule: 'child.from-temporary', severity: 'high' }, path);
  }
  t.is(loaded()(ran('/opt/tmp/x', ['x']))[0]?.rule, 'child.first-ever');
});

test('a loader whose own executable was upgraded or lies in a temporary folder may run it again', t => {
  t.not(loaded()(ran('/usr/bin/python3 (deleted)', ['python3', 'serve.py']))[0]?.severity, 'high');
});

test('a program from the folder of a loaded model, or below it, is high', t => {
  t.like(loaded()(ran('/srv/models/run', ['run']))[0], { rule: 'child.from-model-folder', severity: 'high' });
  const see = child.create(config, memory());
  see(mxnetCalled({ argument: pathArgument({ place: { path: '/srv/models/resnet/a.params' } }) }));
  t.is(see(ran('/srv/models/resnet/bin/run', ['run']))[0]?.rule, 'child.from-model-folder');
});

test('a program from a folder that the watch reports is high, one from elsewhere is only new', t => {
  const see = child.create(config, memory());
  see(fileChanged({ change: 'found', place: { path: '/var/lib/a/models/x.params' } }));
  see(mxnetCalled());
  t.is(see(ran('/var/lib/a/models/run', ['run']))[0]?.rule, 'child.from-model-folder');
  t.is(see(ran('/var/lib/a/run', ['run']))[0]?.rule, 'child.first-ever');
});

test('a project folder that holds model and virtual environment is no model folder for what is below', t => {
  const python = '/home/u/project/env/bin/python3';
  const loader = process({ executable: { path: python, file: null } });
  const see = child.create(config, memory());
  see(mxnetCalled({ process: loader, argument: pathArgument({ place: { path: '/home/u/project/a.params' } }) }));
  t.is(see(ran('/home/u/project/env/lib/tool', ['tool']))[0]?.rule, 'child.first-ever');
  t.is(see(ran('/home/u/project/run', ['run']))[0]?.rule, 'child.from-model-folder');
});

test('a worker that was forked after the load has loaded it too', t => {
  const see = loaded();
  const worker = process({ pid: 4_200, startTicks: 88_100, ancestors: [{ ...ref(), path: '/usr/bin/python3' }] });
  see(mxnetMapped({ at: noon + 500, process: worker }));
  const event = ran('/usr/bin/dash', ['sh', '-c', 'id'], 1_000, { tree: ref({ pid: 4_200, startTicks: 88_100 }) });
  t.like(see(event)[0], { rule: 'child.shell', severity: 'high', because: [event.id, 'load'] });
});

test('a process with the pid of one that loaded is another process', t => {
  const event = ran('/usr/bin/dash', ['sh', '-c', 'id'], 1_000, { tree: ref({ startTicks: 99 }), process: childOf({ ancestors: [] }) });
  t.is(loaded()(event)[0]?.severity, 'low');
});

test('a shell that ran while the first load had not returned is told again, high, when it returns', t => {
  const see = child.create(config, memory());
  see(mxnetMapped());
  t.is(see(shell(50))[0]?.severity, 'low');
  const [finding, ...more] = see(mxnetCalled({ id: 'lib', api: 'MXLoadLib', durationMs: 100 }));
  t.deepEqual(more, []);
  t.like(finding, { rule: 'child.shell', severity: 'high' });
  t.true(finding?.because.includes('lib'));
  t.regex(finding?.summary ?? '', /while it loaded/);
});

test('a shell that ran well before the load is not', t => {
  const see = child.create(config, memory());
  see(shell(-5_000));
  t.deepEqual(see(mxnetCalled({ durationMs: 100 })), []);
});

test('the same command after the same load is told once, another one again', t => {
  const see = loaded();
  t.is(see(shell()).length, 1);
  t.is(see(shell(2_000)).length, 0);
  t.is(see(ran('/usr/bin/dash', ['sh', '-c', 'uname'], 3_000)).length, 1);
});

test('a flood of commands is told twenty times, and the last one says that the rest is not', t => {
  const see = loaded();
  const told = Array.from({ length: 50 }, (_, index) => see(ran('/usr/bin/dash', ['sh', '-c', `echo ${index}`]))).flat();
  t.is(told.length, 20);
  t.regex(told.at(-1)?.summary ?? '', /further ones are not told one by one/);
});

test('what is excepted uses up no turn of what is not', t => {
  const see = child.create(config, memory(), (_, event) => event.kind === 'process.executed' && event.process.argv[2]?.startsWith('echo') === true);
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(Array.from({ length: 50 }, (_, index) => see(ran('/usr/bin/dash', ['sh', '-c', `echo ${index}`]))).flat(), []);
  t.is(see(shell()).length, 1);
});

test('a program that was written and run while the first load had not returned is told when it returns', t => {
  const see = child.create(config, memory());
  see(mxnetMapped());
  const file = identity({ ctimeNs: `${(noon + 30) * 1e6}` });
  see(ran('/opt/x/run', ['run'], 50, { process: childOf({ executable: { path: '/opt/x/run', file }, argv: ['run'] }) }));
  t.true(see(mxnetCalled({ id: 'lib', durationMs: 100 })).some(({ rule, severity, because }) => rule === 'child.dropped' && severity === 'high' && because.includes('lib')));
});

test('what one tool tells three times is no variety', t => {
  const see = loaded();
  t.deepEqual(['-u', '-g', '-G', '-n'].flatMap(option => see(ran('/usr/bin/id', ['id', option]))).map(finding => finding.severity), ['low', 'low', 'low', 'low']);
});

test('other MXNet processes may look around too: their tools are not added up', t => {
  const see = loaded();
  see(mxnetCalled({ id: 'load2', process: process({ pid: 5_000 }) }));
  see(ran('/usr/bin/id', ['id']));
  see(ran('/usr/bin/ps', ['ps']));
  t.is(see(ran('/usr/bin/ss', ['ss'], 1_000, { tree: ref({ pid: 5_000 }) }))[0]?.severity, 'low');
});

test('no command line of a hostile process is too much', t => {
  const see = loaded();
  for (const piece of ['/dev/tcp/', 'mkfifo ', 'telnet |', "LD_PRELOAD='", 'socket.socket ', 'pool.', '-perm ', ' /etc', '.ssh/', 'a.'.repeat(8)]) {
    const words = Array.from({ length: 63 }, () => piece.repeat(Math.floor(1_024 / piece.length)));
    for (const first of ['sh', 'find', 'cat', 'nc', 'socat', 'awk', 'env', 'systemctl']) t.notThrows(() => see(ran(`/usr/bin/${first}`, [first, '-c', ...words])));
  }
});

test('a clock that was set back does not make the load forgotten', t => {
  t.is(loaded()(shell(-60 * minute))[0]?.severity, 'high');
  t.is(loaded()(shell(-minute / 2))[0]?.severity, 'low');
});
