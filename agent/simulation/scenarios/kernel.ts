import { type Scenario, system } from '../scenario.ts';

const memory = system('memory made executable');
const backing = system('memory made executable', 'what lies behind memory made executable');
const tracing = system('tracing');
const readWriteExecute = 'mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC';

/** What it asks of the kernel: of its own memory, its own children, and namespaces of its own. */
export const kernelScenarios: readonly Scenario[] = [
  {
    name: 'memory-flipped', rule: 'memory.flipped', techniques: ['T1027.002', 'T1055', 'AML.T0018.002'], does: 'writes a page of memory, then makes it executable instead of writable', seenBy: memory,
    steps: [{ actor: `
at = executable_memory(8192, mmap.PROT_READ | mmap.PROT_WRITE)
ctypes.memset(at, 0xC3, 8192)
protect(at, 8192, mmap.PROT_READ | mmap.PROT_EXEC)` }],
  },
  {
    name: 'memory-anonymous-code', rule: 'memory.anonymous-code', techniques: ['T1055', 'T1620', 'AML.T0018.002'], does: 'maps three pages of memory that are writable and executable', seenBy: memory,
    steps: [{ actor: `executable_memory(3 * 4096, ${readWriteExecute})` }],
  },
  {
    name: 'memory-patched-code', rule: 'memory.patched-code', techniques: ['T1055', 'T1574', 'AML.T0018.002'], does: 'makes code of a file of its own writable in its own memory', seenBy: backing,
    steps: [{ actor: `
write('code', bytes(8192))
with open(place('code'), 'rb') as file:
    at = executable_memory(8192, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, file.fileno())
protect(at, 8192, ${readWriteExecute})` }],
  },
  {
    name: 'memory-unlinked-code', rule: 'memory.unlinked-code', techniques: ['T1620', 'AML.T0018.002'], does: 'maps an empty memory file as code', seenBy: backing,
    steps: [{ actor: `
file = os.memfd_create('mxwarden-simulate-code')
os.truncate(file, 8192)
executable_memory(8192, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, file)
os.close(file)` }],
  },
  {
    name: 'memory-file', rule: 'memory.memory-file', techniques: ['T1620', 'AML.T0018.002'], does: 'makes an empty memory file', seenBy: system('memory files'),
    steps: [{ actor: "os.close(os.memfd_create('mxwarden-simulate'))" }],
  },
  {
    name: 'become-root', rule: 'privilege.root', techniques: ['T1548.001', 'T1068', 'AML.T0112'], does: 'in a child, becomes nobody for a moment and takes root back', needsRoot: true, seenBy: system(),
    steps: [{ actor: `
def rise():
    os.seteuid(NOBODY)
    settle()
    os.seteuid(0)
    settle()
fork(rise)` }],
  },
  {
    name: 'become-other-user', rule: 'privilege.other-user', techniques: ['T1548.001', 'AML.T0112'], does: 'in a child, becomes nobody and then another user without rights', needsRoot: true, seenBy: system(),
    steps: [{ actor: `
def become():
    os.setresuid(NOBODY - 1, NOBODY, 0)
    settle()
    os.seteuid(NOBODY - 1)
    settle()
fork(become)` }],
  },
  {
    name: 'capability-gained', rule: 'privilege.capability-gained', techniques: ['T1548', 'T1068', 'AML.T0112'], does: 'in a child, becomes nobody and takes back a capability that it kept', needsRoot: true, seenBy: system(),
    steps: [{ actor: `
def gain():
    libc.prctl(KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    settle()
    head, data = struct.pack('<Ii', 0x20080522, 0), ctypes.create_string_buffer(24)
    checked(syscall((125, 90), head, data), 'capget')
    permitted = struct.unpack_from('<I', data, 4)[0]
    struct.pack_into('<I', data, 0, permitted & (1 << 13 | 1 << 2))
    checked(syscall((126, 91), head, data), 'capset')
    settle()
fork(gain)` }],
  },
  {
    name: 'capability-used', rule: 'privilege.capability-used', techniques: ['T1611', 'AML.T0112'], does: 'in a child, changes its root folder to the one that it has', needsRoot: true, seenBy: system('capabilities used'),
    steps: [{ actor: "fork(lambda: os.chroot('/'))" }],
  },
  {
    name: 'namespace', rule: 'escape.namespace', techniques: ['T1611', 'AML.T0105'], does: 'a child goes into a network and a host name of its own', needsRoot: true, seenBy: system(),
    steps: [{ actor: "fork(lambda: (checked(libc.unshare(NEWUTS | NEWNET), 'namespaces'), settle()))" }],
  },
  {
    name: 'mount', rule: 'escape.mount', techniques: ['T1611', 'AML.T0105'], does: 'a child mounts an empty tmpfs, in mounts of its own that nobody else sees', needsRoot: true, seenBy: system('mounts'),
    steps: [{ actor: `
def mount():
    checked(libc.unshare(NEWNS), 'mounts of its own')
    checked(libc.mount(b'none', b'/', None, 0x44000, None), 'to make its mounts private')
    os.makedirs(place('mounted'), exist_ok=True)
    checked(libc.mount(b'none', place('mounted').encode(), b'tmpfs', 0, None), 'tmpfs')
fork(mount)` }],
  },
  {
    name: 'kernel-module', rule: 'kernel.module', techniques: ['T1547.006', 'T1014', 'AML.T0112'], does: 'offers the kernel a file of zeros as a module, which it refuses', needsRoot: true, seenBy: system('kernel modules', 'kernel modules that are refused'),
    steps: [{ actor: `
write('module', bytes(4096))
with open(place('module'), 'rb') as file:
    syscall((313, 273), file.fileno(), b'', 0)` }],
  },
  {
    name: 'bpf', rule: 'kernel.bpf', techniques: ['T1014', 'T1562.001', 'AML.T0107'], does: 'asks the kernel for the first bpf program and does not open it', seenBy: system('bpf'),
    steps: [{ actor: 'syscall((321, 280), 11, ctypes.create_string_buffer(128), 12)' }],
  },
  {
    name: 'perf', rule: 'kernel.perf', techniques: ['T1057', 'T1082', 'AML.T0089'], does: 'opens a software clock of its own process and closes it', seenBy: system('perf events'),
    steps: [{ actor: `
event = ctypes.create_string_buffer(struct.pack('<II', 1, 112), 112)
opened = syscall((298, 241), event, 0, -1, -1, 0)
if opened >= 0:
    os.close(opened)` }],
  },
  {
    name: 'io-uring', rule: 'kernel.io-uring', techniques: ['T1562', 'AML.T0107'], does: 'makes a ring of io_uring and closes it', seenBy: system('io_uring'),
    steps: [{ actor: "os.close(checked(syscall((425, 425), 2, ctypes.create_string_buffer(120)), 'io_uring'))" }],
  },
  {
    name: 'attached', rule: 'tampering.attached', techniques: ['T1055.008', 'AML.T0107'], does: 'takes hold of a child of its own as a debugger does, and ends it', seenBy: tracing,
    steps: [{ actor: `
pid = sleeper()
libc.ptrace(16, pid, None, None)
end(pid)` }],
  },
  {
    name: 'memory-written', rule: 'tampering.memory-written', or: ['tampering.attached'], techniques: ['T1055', 'AML.T0107'], does: 'writes a byte into a child of its own, and ends it', seenBy: tracing,
    steps: [{ actor: `
pid, byte = sleeper(), ctypes.create_string_buffer(1)
part = struct.pack('<QQ', ctypes.addressof(byte), 1)
syscall((311, 271), pid, part, 1, part, 1, 0)
end(pid)` }],
  },
  {
    name: 'memory-read', rule: 'tampering.memory-read', or: ['tampering.attached'], techniques: ['T1003.007', 'AML.T0090'], does: 'reads a byte of a child of its own, and ends it', seenBy: tracing,
    steps: [{ actor: `
pid, byte = sleeper(), ctypes.create_string_buffer(1)
part = struct.pack('<QQ', ctypes.addressof(byte), 1)
syscall((310, 270), pid, part, 1, part, 1, 0)
end(pid)` }],
  },
  {
    name: 'memory-of-process', rule: 'tampering.memory-file', techniques: ['T1003.007', 'T1055.009', 'AML.T0090'], does: 'opens /proc/PID/mem of a child of its own, and ends it', seenBy: system('tracing', 'tracing through /proc'),
    steps: [{ actor: `
pid = sleeper()
os.close(os.open(f'/proc/{pid}/mem', os.O_RDONLY))
end(pid)` }],
  },
  {
    name: 'anti-debug', rule: 'tampering.anti-debug', techniques: ['T1622', 'AML.T0097'], does: 'a child has itself traced by its parent', seenBy: tracing,
    // It ends at once: a traced process would stop at its next signal.
    steps: [{ actor: 'fork(lambda: (libc.ptrace(0, 0, None, None), os._exit(0)))' }],
  },
];
