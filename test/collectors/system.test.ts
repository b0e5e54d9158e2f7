import test, { type ExecutionContext } from 'ava';
import mxnet from '../../collectors/mxnet.ts';
import system from '../../collectors/system.ts';
import { UnavailableError } from '../../agent/contract/errors.ts';
import { testWith } from '../services/require.ts';
import { act, begin, host, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

/** Has a child of a process with MXNet run this Python, and hands over what was told of its tree. */
function withPython(title: string, script: string, check: (t: ExecutionContext, seen: ReturnType<typeof witness>, tree: number) => Promise<void>, syscalls = false): void {
  testWith.serial(['root', 'bpf'], title, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(system, seen.port, { syscalls }));
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' }));
    // Programs at system calls come a moment after the first process that is watched.
    using actor = await act(standIn.program, [standIn.library, 'register', 'wait', syscalls ? '6000' : '0', 'run', `/usr/bin/python3 -c '${script}'`, 'line']);
    await actor.said('did run');
    await check(t, seen, actor.pid);
    await actor.next();
  });
}

withPython('a process that gives up root is told with what it lost, at its end', 'import os; os.setuid(65534)', async (t, seen, tree) => {
  const told = await seen.until('credentials.changed', each => each.tree.pid === tree);
  t.deepEqual(told.uid, { before: 0, after: 65_534 });
  t.true(told.dropped.includes('CAP_SYS_ADMIN') && told.dropped.includes('CAP_CHOWN'));
  t.deepEqual(told.gained, []);
  t.regex(told.process.executable.path, /python3/);
});

withPython('a process that gets root back is told with what it gained', 'import os; os.seteuid(65534); os.system("/bin/true"); os.seteuid(0); os.system("/bin/true")', async (t, seen, tree) => {
  const told = await seen.until('credentials.changed', each => each.tree.pid === tree && each.uid.after === 0);
  t.is(told.uid.before, 65_534);
  t.true(told.gained.includes('CAP_SETUID'));
});

withPython('namespaces that a process makes for itself are told by their kind', 'import ctypes, os; ctypes.CDLL(None).unshare(0x20000 | 0x4000000); os.system("/bin/true")', async (t, seen, tree) => {
  const told = await seen.until('kernel.used', each => each.interface === 'namespace' && each.tree.pid === tree);
  t.like(told, { detail: 'mount, uts', allowed: true });
});

withPython('a ring of io_uring and the use of a capability are told', 'import ctypes, os; ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(200)); os.chroot("/")', async (t, seen, tree) => {
  const ofTree = seen.until('kernel.used', each => each.interface === 'io_uring' && each.tree.pid === tree);
  await t.notThrowsAsync(ofTree);
  t.like(await seen.until('kernel.used', each => each.interface === 'capability' && each.tree.pid === tree), { detail: 'CAP_SYS_CHROOT', allowed: true });
});

// Where the hooks are seen no system call is watched: test/guests/inside/hooks.test.ts has the same for them.
if (process.env.MXWARDEN_GUEST_LEVEL === undefined) withPython('with system calls watched: memory made executable, memory files, tracing and interfaces of the kernel are told', `
import ctypes, mmap, os
c = ctypes.CDLL(None)
m = mmap.mmap(-1, 8192)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
c.mprotect(ctypes.c_void_p(at), 8192, 5)
c.memfd_create(b"a\\\\nname", 0)
local = ctypes.create_string_buffer(8); v = (ctypes.c_void_p * 2)(ctypes.addressof(local), 8)
c.process_vm_readv(os.getppid(), v, 1, v, 1, 0)
c.syscall(321, 99, 0, 0)
c.syscall(298, 0, 0, 0, 0, 0)
c.mount(b"none", b"/nowhere/at/all", b"tmpfs", 0, 0)
c.ptrace(0, 0, 0, 0)
`, async (t, seen, tree) => {
  const traced = await seen.until('process.traced', each => each.means === 'traceme' && each.tree.pid === tree);
  const pid = traced.process.pid;
  t.like(seen.all('memory.protected').find(each => each.process.pid === pid && each.change === 'protected' && each.bytes === 8_192), { backing: null, writable: false, wasWritable: null });
  t.like(seen.all('process.traced').find(each => each.process.pid === pid && each.means === 'read'), { target: null });
  const used = seen.all('kernel.used').filter(each => each.process.pid === pid).map(each => `${each.interface} ${each.detail}`);
  for (const each of ['memfd a\\\\nname', 'bpf ', 'perf ', 'mount tmpfs']) t.true(used.includes(each), `${each} is not in ${used.join('; ')}`);
  const blind = seen.all('sensor.changed').flatMap(each => each.blind);
  t.true(blind.some(line => line.startsWith('what lies behind memory made executable, tracing through /proc: ')), `what is seen in a lesser way is said: ${blind.join('; ')}`);
}, true);

testWith.serial(['root', 'bpf'], 'what another tree does is not told', async t => {
  const seen = witness();
  await using running = await begin(system, seen.port);
  t.truthy(running);
  using stranger = await act('/usr/bin/python3', ['-c', 'import os; os.setuid(65534)']);
  await stranger.ended;
  await new Promise(resolve => { setTimeout(resolve, 300); });
  t.deepEqual(seen.all('credentials.changed'), []);
});

test('where /proc does not show the sensor it is unavailable, and says why', async t => {
  const elsewhere = { ...witness().port, host: { ...host, proc: '/nowhere/proc' } };
  await t.throwsAsync(system.start(system.config.parse({}), elsewhere), { instanceOf: UnavailableError, message: process.geteuid?.() === 0 ? /nowhere/ : /root/ });
});
