import test from 'ava';
import mxnet from '../../../collectors/mxnet.ts';
import system from '../../../collectors/system.ts';
import { act, begin, witness } from '../../collectors/kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from '../../collectors/kernel/tracefs/standin.ts';
import { testWith } from '../../services/require.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

/** Runs this Python as a child of a process with MXNet, and hands over what was told of it once it is all there. */
async function seenOf(script: string): Promise<{ readonly seen: ReturnType<typeof witness>; readonly pid: number; readonly tree: number }> {
  if (standIn === undefined) throw new Error('needs a C compiler: apt-get install gcc');
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(system, seen.port));
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' }));
  // The last that it does: when that is told, all the rest is.
  const last = 'c.syscall(319, b\\"the-last\\", 0)';
  using actor = await act(standIn.program, [standIn.library, 'register', 'run', `/usr/bin/python3 -c "\nimport ctypes, mmap, os\nc = ctypes.CDLL(None, use_errno=True)\n${script}\n${last}"`, 'line']);
  await actor.said('did run');
  const end = await seen.until('kernel.used', each => each.interface === 'memfd' && each.detail === 'the-last');
  await actor.next();
  return { seen, pid: end.process.pid, tree: actor.pid };
}

testWith.serial(['guest'], 'memory made executable is told with what it was and what is behind it', async t => {
  const { seen, pid } = await seenOf(`
m = mmap.mmap(-1, 8192)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
c.mprotect(ctypes.c_void_p(at), 8192, 5)
f = c.memfd_create(b'code', 0)
os.ftruncate(f, 4096)
mmap.mmap(f, 4096, prot=5, flags=1)
mmap.mmap(-1, 12288, prot=7)`);
  const told = seen.all('memory.protected').filter(each => each.process.pid === pid).map(({ change, backing, writable, wasWritable, bytes }) => ({ change, backing, writable, wasWritable, bytes }));
  // What mmap(2) of Python shares is a file without a name in the kernel.
  t.deepEqual(told.find(each => each.change === 'protected'), { change: 'protected', backing: 'unlinked', writable: false, wasWritable: true, bytes: 8_192 });
  t.true(told.some(each => each.change === 'mapped' && each.backing === 'unlinked' && !each.writable));
  t.true(told.some(each => each.change === 'mapped' && each.writable));
});

testWith.serial(['guest'], 'interfaces of the kernel that serving needs none of are told, without watching any system call', async t => {
  const { seen, pid } = await seenOf(`
c.memfd_create(b'a-name', 0)
c.syscall(321, 99, 0, 0)
c.syscall(298, ctypes.create_string_buffer(bytes([1, 0, 0, 0, 112, 0, 0, 0]) + bytes(200)), 0, -1, -1, 0)
os.mkdir('/tmp/mounted'); c.mount(b'none', b'/tmp/mounted', b'tmpfs', 0, 0); c.umount(b'/tmp/mounted'); os.rmdir('/tmp/mounted')
c.syscall(175, bytes(64), 64, b'')
f = os.open('/usr/bin/true', 0); c.syscall(313, f, b'', 0)
os.chroot('/')`);
  const used = seen.all('kernel.used').filter(each => each.process.pid === pid).map(each => `${each.interface} ${each.detail}`.trim());
  for (const each of ['memfd a-name', 'bpf', 'perf', 'mount tmpfs', 'capability CAP_SYS_CHROOT', 'capability CAP_SYS_MODULE']) t.true(used.includes(each), `${each} is not in ${used.join('; ')}`);
  // By the image in memory, and by the file.
  t.true(used.filter(each => each === 'module').length >= 2, used.join('; '));
});

testWith.serial(['guest'], 'who reaches into another process is told, with whom', async t => {
  const { seen, pid, tree } = await seenOf(`
local = ctypes.create_string_buffer(8); v = (ctypes.c_void_p * 2)(ctypes.addressof(local), 8)
c.process_vm_readv(os.getppid(), v, 1, v, 1, 0)
os.close(os.open('/proc/%d/mem' % os.getppid(), os.O_RDONLY))
child = os.fork()
if child == 0:
  c.ptrace(0, 0, 0, 0); os._exit(0)
os.waitpid(child, 0)`);
  const traced = seen.all('process.traced').filter(each => each.tree.pid === tree);
  const mine = traced.filter(each => each.process.pid === pid);
  t.true(mine.some(each => each.means === 'attach' && each.target !== null), JSON.stringify(mine));
  t.true(mine.some(each => each.means === 'memory' && each.target !== null), JSON.stringify(mine));
  t.is(traced.find(each => each.means === 'traceme')?.target?.pid, pid);
});
