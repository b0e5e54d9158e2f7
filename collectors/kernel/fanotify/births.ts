/**
 * Programs that start anywhere, told by the process connector (linux/cn_proc.h), so that one that is gone half a millisecond
 * after it changed a file was looked at when it began. Pure but for `openBirths`. What is missed here only makes somebody
 * less known.
 */
import { release } from 'node:os';
import { openConnector, type Outcome } from './libc.ts';

const netlinkBytes = 16; // struct nlmsghdr
const connectorBytes = 20; // struct cn_msg
const eventBytes = 16; // struct proc_event before its union
const executed = 0x2; // PROC_EVENT_EXEC
const listen = 1; // PROC_CN_MCAST_LISTEN
const [processIndex, processValue] = [1, 1]; // CN_IDX_PROC, CN_VAL_PROC
const done = 3; // NLMSG_DONE

/** The pid of the process that runs another program now, in the init namespace; null for every other message. */
export function bornIn(bytes: Buffer, length: number): number | null {
  const at = netlinkBytes + connectorBytes;
  if (length < at + eventBytes + 8 || length > bytes.length || bytes.readUInt32LE(at) !== executed) return null;
  const pid = bytes.readInt32LE(at + eventBytes + 4);
  return pid > 0 ? pid : null;
}

/** Since Linux 6.6 the kernel can be asked for this one event alone; before that it tells of all, to root only. */
function request(onlyExecuted: boolean): Buffer {
  const size = onlyExecuted ? 8 : 4;
  const bytes = Buffer.alloc(netlinkBytes + connectorBytes + size);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(done, 4);
  bytes.writeUInt32LE(processIndex, netlinkBytes);
  bytes.writeUInt32LE(processValue, netlinkBytes + 4);
  bytes.writeUInt16LE(size, netlinkBytes + 16);
  bytes.writeUInt32LE(listen, netlinkBytes + connectorBytes);
  if (onlyExecuted) bytes.writeUInt32LE(executed, netlinkBytes + connectorBytes + 4);
  return bytes;
}

/** A descriptor to read messages from, without waiting. */
export function openBirths(): Outcome<number> {
  const [major = 0, minor = 0] = release().split('.', 2).map(Number);
  return openConnector(request(major > 6 || (major === 6 && minor >= 6)));
}
