import test from 'ava';
import type { EventOf } from '../../agent/contract/event.ts';
import escaping from '../../detectors/escape.ts';
import { fileAccessed, fileChanged, kernelUsed, memory, mxnetCalled, noon, process, processExecuted } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = () => escaping.create(escaping.config.parse({}), memory());
const used = (name: 'namespace' | 'mount', detail: string, change: Partial<EventOf<'kernel.used'>> = {}) => kernelUsed({ id: 'deed', at: soon, interface: name, detail, allowed: true, ...change });
const opened = (path: string) => fileAccessed({ id: 'deed', at: soon, place: { path } });
const wrote = (path: string) => fileChanged({ id: 'deed', at: soon, place: { path }, by: process() });
const ran = (...argv: readonly string[]) => processExecuted({ id: 'deed', at: soon, process: tool(`/usr/bin/${argv[0]}`, argv) });

const rules: readonly (readonly [string, string, EventOf<'kernel.used' | 'file.accessed' | 'file.changed' | 'process.executed'>])[] = [
  ['escape.namespace high', 'namespaces of another process', used('namespace', 'mount, pid')],
  ['escape.namespace medium', 'a sandbox among its children', used('namespace', 'user, mount', { process: tool('/usr/bin/bwrap') })],
  ['escape.namespace high', 'a user namespace of the program itself', used('namespace', 'user, mount')],
  ['escape.namespace medium', 'a name of its own for the host', used('namespace', 'uts')],
  ['escape.mount high', 'a disk mounted', used('mount', 'ext4')],
  ['escape.mount medium', 'a temporary file system mounted by a child', used('mount', 'tmpfs', { process: tool('/usr/bin/bwrap') })],
  ['escape.machine-memory critical', 'the memory of the machine opened', opened('/dev/mem')],
  ['escape.block-device high', 'a disk opened', opened('/dev/nvme0n1p2')],
  ['escape.host-root high', 'the root of process 1 opened', opened('/proc/1/root/etc/hostname')],
  ['escape.container-socket critical', 'a socket of containers opened', opened('/var/run/docker.sock')],
  ['escape.kernel-helper critical', 'core_pattern written', wrote('/proc/sys/kernel/core_pattern')],
  ['escape.kernel-setting medium', 'another setting of the kernel written', wrote('/proc/sys/kernel/yama/ptrace_scope')],
  ['escape.cgroup high', 'release_agent written', wrote('/sys/fs/cgroup/rdma/release_agent')],
  ['escape.container-socket critical', 'curl to the socket', ran('curl', '--unix-socket', '/var/run/docker.sock', 'http://x/containers/json')],
  ['escape.container-socket critical', 'docker by its host option', ran('docker', '-H', 'unix:///run/docker.sock', 'ps')],
  ['escape.kernel-helper critical', 'a shell that writes core_pattern', ran('sh', '-c', 'echo "|/tmp/x" > /proc/sys/kernel/core_pattern')],
  ['escape.cgroup high', 'a shell that writes release_agent', ran('bash', '-c', 'd=/tmp/c; echo /x >$d/release_agent')],
  ['escape.block-device high', 'dd from a disk', ran('dd', 'if=/dev/sda', 'of=/tmp/x')],
  ['escape.host-root high', 'a shell that reads through process 1', ran('sh', '-c', 'cat /proc/1/root/etc/hostname')],
];
for (const [expected, title, event] of rules) {
  test(`${expected}: ${title}`, t => {
    const found = afterLoad(start())(event);
    t.deepEqual(told(found), [expected]);
    t.deepEqual(found[0]?.because, ['deed', 'load']);
    t.deepEqual(unnamed(found), []);
  });
}

const ordinary: readonly (readonly [string, EventOf<'kernel.used' | 'file.accessed' | 'file.changed' | 'process.executed'>])[] = [
  ['core_pattern read', opened('/proc/sys/kernel/core_pattern')], ['the processes of a control group read', opened('/sys/fs/cgroup/cgroup.procs')],
  ['a limit read by a command', ran('cat', '/proc/sys/kernel/threads-max')], ['a terminal opened', opened('/dev/pts/0')], ['shared memory opened', opened('/dev/shm/torch_1')],
  ['a device of NVIDIA opened', opened('/dev/nvidia0')], ['a disk asked about', ran('lsblk', '/dev/sda')], ['a look whether this is a container', ran('readlink', '/proc/1/ns/pid')],
  ['a message that names it', ran('echo', 'docker.sock')], ['io_uring', kernelUsed({ at: soon, interface: 'io_uring' })], ['a model written', wrote('/srv/models/x.params')],
];
for (const [title, event] of ordinary) test(`${title} is no way out`, t => { t.deepEqual(afterLoad(start())(event), []); });

test('others may do all this', t => {
  const see = afterLoad(start());
  t.deepEqual(see(fileAccessed({ at: soon, place: { path: '/dev/sda' }, by: tool('/usr/sbin/fsck', ['fsck'], { ancestors: [] }) })), []);
  t.deepEqual(see(fileChanged({ at: soon, place: { path: '/proc/sys/kernel/core_pattern' }, by: null })), []);
});

test('a launcher that makes its namespaces before it loads does so by habit, and an hour later all is one step less', t => {
  const see = beforeLoad(start());
  see(used('namespace', 'net', { at: noon - 1_000 }));
  see(mxnetCalled());
  t.deepEqual(see(used('namespace', 'net')), []);
  t.deepEqual(told(see(used('namespace', 'mount', { at: later }))), ['escape.namespace medium']);
});
