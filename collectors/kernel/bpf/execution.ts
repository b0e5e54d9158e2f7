import type { FileIdentity } from '../../../agent/contract/file.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { readText } from '../../../agent/contract/text.ts';
import { parseArguments } from '../procfs/parse.ts';
import { executedPortrait as portraitOf, type Sighting } from '../tracefs/portrait.ts';
import type { RecordOf } from './decode.ts';

/** Both as bytes in latin1; `argv` null when the kernel could not read it. */
export function nameAndArguments({ text, nameBytes, argumentBytes, argumentsAt }: RecordOf<'executed'>): { readonly name: string; readonly argv: Buffer | null } {
  const name = nameBytes <= 0 ? '' : text.toString('latin1', 0, Math.min(nameBytes, argumentsAt) - 1);
  return { name, argv: argumentBytes < 0 ? null : text.subarray(argumentsAt, argumentsAt + argumentBytes) };
}

/** The inode that was executed, as the kernel had it in hand. */
export function fileOf({ device, inode, size, mtimeNs, ctimeNs }: RecordOf<'executed'>): FileIdentity {
  const hex = (part: number): string => part.toString(16).padStart(2, '0');
  // The kernel's own dev_t: twelve bits of major above twenty of minor (include/linux/kdev_t.h).
  return {
    device: `${hex(device >>> 20)}:${hex(device & 0xf_ffff)}`, inode: String(inode), size: Number(size),
    mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs),
  };
}

/**
 * The process as it was when it executed this file. File, arguments and user are the kernel's own; the rest is told by
 * `sighting` while it lives, else by `before`: what it was, or who made it. A file without a name, such as a memfd, is
 * marked as /proc marks it.
 */
export function executedPortrait(record: RecordOf<'executed'>, sighting: Sighting | null, before: Process | null): Process {
  const { name, argv } = nameAndArguments(record);
  const portrait = portraitOf({ ref: record.process, file: name, argv: argv === null ? null : argv.toString('latin1') }, sighting, before);
  const isDeleted = record.links === 0 && record.isScript === 0;
  const live = sighting?.process.executable.path;
  const path = !isDeleted ? portrait.executable.path : live?.endsWith(' (deleted)') === true ? live : `${portrait.executable.path || readText(Buffer.from(name, 'latin1'))} (deleted)`;
  return {
    ...portrait, executable: { path, file: record.isScript === 0 ? fileOf(record) : portrait.executable.file }, uid: record.euid,
    argv: argv === null ? portrait.argv : parseArguments(argv, record.argumentTotal > argv.length),
  };
}
