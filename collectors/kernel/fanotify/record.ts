/**
 * What fanotify(7) hands over on a group that reports file handles: one record a file and process, with what was done in
 * one mask. Pure. The bytes are the kernel's, the names in them whoever attacks: names are bytes, never text.
 */
import type { RawPath } from '../inotify/raw-path.ts';

/** Bits of the mask, linux/fanotify.h. */
export const did = {
  modify: 0x2, attributes: 0x4, closeWrite: 0x8, open: 0x20, movedFrom: 0x40, movedTo: 0x80, create: 0x100, remove: 0x200,
  overflow: 0x4000, onChild: 0x0800_0000, folder: 0x4000_0000,
} as const;

/**
 * Which file, as long as its file system is mounted: file system id (8 bytes), then struct file_handle of
 * name_to_handle_at(2), each byte one character.
 */
export type Handle = string;
export const fileSystemBytes = 8;

export interface KernelRecord {
  /** `did`, or-ed together: what one process did to one name may be one record. */
  readonly mask: number;
  /** Of whoever did it, in our pid namespace; 0 when it is not in there. */
  readonly pid: number;
  /** Ours to close. -1: the process is gone; -2: no descriptor was to be had. */
  readonly pidfd: number;
  /** The folder and the name in it; '.' is the folder itself. */
  readonly folder: Handle | null;
  readonly name: RawPath;
  /** The file itself; not told of names that come and go before Linux 5.17. */
  readonly target: Handle | null;
}

const version = 3; // FANOTIFY_METADATA_VERSION
const headBytes = 24; // struct fanotify_event_metadata
const info = { file: 1, folderAndName: 2, folder: 3, pidfd: 4 } as const; // FAN_EVENT_INFO_TYPE_…
const infoHeadBytes = 4;
const handleHeadBytes = 8;
/** A read of so many bytes takes at least one record: two handles of 128 bytes and a name of 255. */
export const leastReadBytes = 4_096;

/** All records in the first `length` bytes. RangeError for what is no such record: then nothing that follows can be trusted either. */
export function parseRecords(bytes: Buffer, length: number): KernelRecord[] {
  const records: KernelRecord[] = [];
  for (let at = 0; at < length;) {
    if (length - at < headBytes) throw new RangeError(`fanotify: ${length - at} bytes are no record`);
    const total = bytes.readUInt32LE(at);
    const head = bytes.readUInt16LE(at + 6);
    if (total < headBytes || total > length - at || head < headBytes || head > total) throw new RangeError(`fanotify: a record of ${total} bytes, ${length - at} are there`);
    if (bytes[at + 4] !== version) throw new RangeError(`fanotify: records of version ${bytes[at + 4]}, known is ${version}`);
    records.push({ mask: bytes.readUInt32LE(at + 8), pid: bytes.readInt32LE(at + 20), ...parseInfo(bytes.subarray(at + head, at + total)) });
    at += total;
  }
  return records;
}

type Info = Pick<KernelRecord, 'pidfd' | 'folder' | 'name' | 'target'>;

function parseInfo(bytes: Buffer): Info {
  let found: Info = { pidfd: -1, folder: null, name: '', target: null };
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at < infoHeadBytes ? 0 : bytes.readUInt16LE(at + 2);
    if (length < infoHeadBytes || length > bytes.length - at) throw new RangeError(`fanotify: an information record of ${length} bytes, ${bytes.length - at} are there`);
    const body = bytes.subarray(at + infoHeadBytes, at + length);
    switch (bytes[at]) {
      case info.pidfd: found = { ...found, pidfd: body.length < 4 ? -1 : body.readInt32LE(0) }; break;
      case info.file: found = { ...found, target: splitHandle(body).handle }; break;
      case info.folder: found = { ...found, folder: splitHandle(body).handle, name: '.' }; break;
      case info.folderAndName: {
        const { handle, rest } = splitHandle(body);
        const end = rest.indexOf(0);
        found = { ...found, folder: handle, name: rest.toString('latin1', 0, end < 0 ? rest.length : end) };
        break;
      }
      default: // A later kernel may tell more.
    }
    at += length;
  }
  return found;
}

function splitHandle(body: Buffer): { handle: Handle; rest: Buffer } {
  const least = fileSystemBytes + handleHeadBytes;
  const size = body.length < least ? Infinity : least + body.readUInt32LE(fileSystemBytes);
  if (size > body.length) throw new RangeError(`fanotify: a file handle of ${size} bytes, ${body.length} are there`);
  return { handle: body.toString('latin1', 0, size), rest: body.subarray(size) };
}
