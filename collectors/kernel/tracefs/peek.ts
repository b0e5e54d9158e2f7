import { closeSync, openSync, read, readFileSync } from 'node:fs';

const seats = 4;
const patienceMs = 200;
export const mostPeekBytes = 32 << 10;

export interface Peeks {
  /**
   * Up to `length` (at most 32 KiB) bytes of a /proc file of a living process; null when it ended, or when it took
   * longer than 200 ms; not at all when it is gone or all seats are taken. Such a read can be made to hang by the process it speaks of (its memory may
   * be a file that it serves itself): it then costs one seat, never the reader. Returns whether it will call back.
   */
  peek(path: string, position: number | null, length: number, done: (bytes: Buffer | null) => void): boolean;
}

const complainEveryMs = 60_000;

export function createPeeks(trouble: (text: string) => void): Peeks {
  let complainedAt = -Infinity;
  const free = Array.from({ length: seats }, () => Buffer.allocUnsafeSlow(mostPeekBytes));
  return {
    peek(path, position, length, done) {
      const buffer = free.pop();
      if (buffer === undefined) {
        if (performance.now() - complainedAt < complainEveryMs) return false;
        complainedAt = performance.now();
        trouble('some arguments and long names are not read: too many are asked for at once, or a process makes that wait');
        return false;
      }
      let descriptor: number;
      try { descriptor = openSync(path, 'r'); } catch {
        // Gone or not ours to see: the same to the caller, who says what is missing.
        free.push(buffer);
        return false;
      }
      let answered = false;
      const answer = (bytes: Buffer | null): void => { if (!answered) { answered = true; done(bytes); } };
      const late = setTimeout(answer, patienceMs, null);
      read(descriptor, buffer, 0, Math.min(length, mostPeekBytes), position, (error, count) => {
        clearTimeout(late);
        answer(error === null ? buffer.subarray(0, count) : null);
        closeSync(descriptor);
        free.push(buffer);
      });
      return true;
    },
  };
}

/** Process of a thread; null when it is gone. Never waits for the process: /proc/TID/status touches none of its memory. */
export function processOf(proc: string, tid: number): number | null {
  const text = readSmall(`${proc}/${tid}/status`);
  const pid = text === null ? undefined : /^Tgid:\s*(\d+)$/m.exec(text)?.[1];
  return pid === undefined ? null : Number(pid);
}

/** Field 4 of /proc/PID/stat, the parent, and field 52, the wait status once the process is ending (proc(5)). */
export function statOf(proc: string, tid: number): { readonly parent: number; readonly status: number | null } | null {
  const text = readSmall(`${proc}/${tid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).trimEnd().split(' ');
  return { parent: Number(fields[1]), status: fields.length < 50 ? null : Number(fields[49]) };
}

function readSmall(path: string): string | null {
  // A process may end at any moment; what else could fail here is the same to the caller: it cannot be read.
  try { return readFileSync(path, 'latin1'); } catch { return null; }
}
