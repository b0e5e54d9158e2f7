/*
 * The calls that Node does not have. Only ever loaded in the watcher process: a wrong signature here is a crash, and it
 * must be a process that sees files and does nothing else that crashes.
 */
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const init = libc.func('int fanotify_init(unsigned int, unsigned int)');
const mark = libc.func('int fanotify_mark(int, unsigned int, uint64_t, int, const char *)');
const nameToHandle = libc.func('int name_to_handle_at(int, const char *, void *, void *, int)');
const openByHandle = libc.func('int open_by_handle_at(int, void *, int)');
const fileSystem = libc.func('int fstatfs(int, void *)');
const pollAll = libc.func('int poll(void *, unsigned long, int)');
const sendSome = libc.func('long send(int, const void *, size_t, int)');
const makeSocket = libc.func('int socket(int, int, int)');
const bindTo = libc.func('int bind(int, const void *, unsigned int)');
const closeOne = libc.func('int close(int)');
const systemCall = libc.func('long syscall(long, int, int, void *, unsigned int)');

/** From linux/fanotify.h, fcntl.h, poll.h, sys/socket.h, linux/netlink.h; alike on x86-64 and arm64. */
const flag = {
  closeOnExec: 0x1, nonBlocking: 0x2, reportPidfd: 0x80, reportFile: 0x200, reportFolder: 0x400, reportName: 0x800, reportTarget: 0x1000,
  markAdd: 0x1, markRemove: 0x2, currentFolder: -100, emptyPath: 0x1000, handleFid: 0x200,
  netlink: 16, datagram: 0x2, socketCloseOnExec: 0o2000000, socketNonBlocking: 0o4000, connector: 11, processGroup: 1,
  readable: 0x1, writable: 0x4, dontWait: 0x40, noSignal: 0x4000,
} as const;
/** The same numbers on every architecture. */
const [pidfdSendSignal, pidfdOpen] = [424, 434];
const mostHandleBytes = 128; // MAX_HANDLE_SZ
const againCodes: readonly (number | undefined)[] = [koffi.os.errno.EAGAIN, koffi.os.errno.EINTR];

/** The name of the last error, as `node:fs` would give it. */
function lastError(): string {
  const code = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === code)?.[0] ?? `errno ${code}`;
}

export type Outcome<Value> = { readonly value: Value } | { readonly error: string };
const outcome = (value: number): Outcome<number> => (value < 0 ? { error: lastError() } : { value });

/**
 * A notification group with a bounded queue that reports folder, name, file and process; EPERM without CAP_SYS_ADMIN. The
 * file of a name that comes or goes is told from Linux 5.17 on; a process without a pidfd (before 5.15) would be a guess.
 */
export function openGroup(): Outcome<number> {
  const base = flag.closeOnExec | flag.nonBlocking | flag.reportPidfd | flag.reportFile | flag.reportFolder | flag.reportName;
  const whole = outcome(init(base | flag.reportTarget, 0));
  return 'error' in whole && whole.error === 'EINVAL' ? outcome(init(base, 0)) : whole;
}

/** `fd` is of the file or folder, opened with O_PATH. */
export const changeMark = (group: number, how: 'add' | 'remove', mask: number, fd: number): Outcome<number> =>
  outcome(mark(group, how === 'add' ? flag.markAdd : flag.markRemove, mask, flag.currentFolder, `/proc/self/fd/${fd}`));

/** File system id and struct file_handle, as a record of fanotify has them; `fd` opened with O_PATH. */
export function handleOf(fd: number): Outcome<string> {
  const handle = Buffer.alloc(8 + mostHandleBytes);
  const mountId = Buffer.alloc(8);
  const ask = (flags: number): number => { handle.writeUInt32LE(mostHandleBytes, 0); return nameToHandle(fd, '', handle, mountId, flags); };
  // Since Linux 6.5 also of file systems whose handles cannot be opened, such as overlay.
  if (ask(flag.emptyPath | flag.handleFid) < 0 && ask(flag.emptyPath) < 0) return { error: lastError() };
  const id = fileSystemId(fd);
  return 'error' in id ? id : { value: id.value + handle.toString('latin1', 0, 8 + handle.readUInt32LE(0)) };
}

/** f_fsid of struct statfs, at 56 on 64-bit machines. */
export function fileSystemId(fd: number): Outcome<string> {
  const answer = Buffer.alloc(256);
  return fileSystem(fd, answer) < 0 ? { error: lastError() } : { value: answer.toString('latin1', 56, 64) };
}

/** `mount`: any open file of the file system, not with O_PATH. */
export const openHandle = (mount: number, handle: Buffer, flags: number): Outcome<number> => outcome(openByHandle(mount, handle, flags));

export const openProcess = (pid: number): Outcome<number> => outcome(Number(systemCall(pidfdOpen, pid, 0, null, 0)));

/** Of descriptors that the kernel gave us: Node did not open them and would wonder. */
export const close = (fd: number): void => { closeOne(fd); };

/** False once nothing has its pid any more but the next process; true also of a zombie. */
export const isThere = (pidfd: number): boolean => systemCall(pidfdSendSignal, pidfd, 0, null, 0) === 0 || lastError() === 'EPERM';

/** Which of these can be read, and whether `output` can be written; waits at most `milliseconds`, less when a signal comes. */
export function waitFor(inputs: readonly number[], output: number | null, milliseconds: number): { readonly inputs: readonly number[]; readonly output: boolean } {
  const all = [...inputs.map(fd => ({ fd, events: flag.readable })), ...output === null ? [] : [{ fd: output, events: flag.writable }]];
  const list = Buffer.alloc(8 * all.length);
  for (const [index, { fd, events }] of all.entries()) { list.writeInt32LE(fd, 8 * index); list.writeInt16LE(events, 8 * index + 4); }
  if (pollAll(list, all.length, milliseconds) <= 0) return { inputs: [], output: false };
  const answers = all.map((_, index) => list.readInt16LE(8 * index + 6) !== 0);
  return { inputs: inputs.filter((_, index) => answers[index]), output: answers[inputs.length] ?? false };
}

/** How many bytes a socket took without waiting; null when the other side is gone. */
export function offer(fd: number, bytes: Buffer): number | null {
  const taken = Number(sendSome(fd, bytes, bytes.length, flag.dontWait | flag.noSignal));
  if (taken >= 0) return taken;
  return againCodes.includes(koffi.errno()) ? 0 : null;
}

/** A netlink(7) socket that hears the process connector, once it has been sent `request`. */
export function openConnector(request: Buffer): Outcome<number> {
  const fd = outcome(makeSocket(flag.netlink, flag.datagram | flag.socketCloseOnExec | flag.socketNonBlocking, flag.connector));
  if ('error' in fd) return fd;
  const address = Buffer.alloc(12);
  address.writeUInt16LE(flag.netlink, 0);
  address.writeUInt32LE(flag.processGroup, 8);
  const isBound = bindTo(fd.value, address, address.length) === 0 && Number(sendSome(fd.value, request, request.length, flag.noSignal)) === request.length;
  if (isBound) return fd;
  const error = lastError();
  close(fd.value);
  return { error };
}
