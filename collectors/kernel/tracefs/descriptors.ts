import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { FileIdentity, Place } from '../../../agent/contract/file.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { readText } from '../../../agent/contract/text.ts';
import { fileIdentity } from '../procfs/describe.ts';
import type { Member } from '../procfs/member.ts';

interface Ports {
  readonly host: HostPaths;
  readonly pollMs: number;
  readonly members: ReadonlyMap<number, Member>;
  opened(told: { readonly place: Place; readonly file: FileIdentity; readonly by: Process }): void;
  /** Descriptors that were not looked at, because there were too many. */
  skipped(count: number): void;
}

const named = /(?:\.(?:params|states|nd|ndarray|rec|mar|model)|-symbol\.json)$/;
const mostDescriptors = 4_096;
const mostContents = 64;
const mostRemembered = 16_384;

/** Model files among the open descriptors of MXNet processes, told once for each opening that a poll happens to see. */
export function watchDescriptors({ host, pollMs, members, opened, skipped }: Ports): Disposable {
  let before = new Set<string>();
  const notModels = new Set<string>();
  let lastSkipped = 0;

  function poll(): void {
    const now = new Set<string>();
    let left = mostDescriptors;
    let contents = mostContents;
    let over = 0;
    for (const [pid, member] of members) {
      for (const number of descriptorsOf(`${host.proc}/${pid}/fd`)) {
        if (left-- <= 0) { over += 1; continue; }
        const path = `${host.proc}/${pid}/fd/${number}`;
        const seen = look(path);
        if (seen === null) continue;
        const key = `${pid} ${member.process.startTicks} ${seen.file.device} ${seen.file.inode} ${seen.file.mtimeNs}`;
        if (!named.test(seen.name)) {
          if (notModels.has(key)) continue;
          if (contents-- <= 0) { over += 1; continue; }
          if (!hasMagic(path)) { if (notModels.size < mostRemembered) notModels.add(key); continue; }
        }
        now.add(key);
        if (!before.has(key)) opened({ place: { path: readText(Buffer.from(seen.name, 'latin1')) }, file: seen.file, by: member.process });
      }
    }
    before = now;
    if (notModels.size >= mostRemembered) notModels.clear();
    if (over > 0 && over !== lastSkipped) skipped(over);
    lastSkipped = over;
  }

  poll();
  const timer = setInterval(poll, pollMs);
  return { [Symbol.dispose]() { clearInterval(timer); } };
}

// A process or descriptor may be gone at any moment, or belong to somebody else: neither is ours to see then, as the
// sensor's blind spots say. That holds for the three functions below.
function descriptorsOf(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; }
}

function look(path: string): { readonly name: string; readonly file: FileIdentity } | null {
  try {
    const name = readlinkSync(path, 'latin1');
    if (!name.startsWith('/') || name.startsWith('/dev/') || name.startsWith('/proc/')) return null;
    const status = statSync(path, { bigint: true });
    return status.isFile() && status.size > 0n ? { name, file: fileIdentity(status) } : null;
  } catch { return null; }
}

/** NDArray list (u64 0x112) or RecordIO (u32 0xced7230a), little endian. */
function hasMagic(path: string): boolean {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(8);
      return readSync(descriptor, bytes, 0, 8, 0) === 8 && (bytes.readBigUInt64LE(0) === 0x112n || bytes.readUInt32LE(0) === 0xced7_230a);
    } finally { closeSync(descriptor); }
  } catch { return false; }
}
