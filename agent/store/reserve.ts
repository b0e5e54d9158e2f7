import { randomFillSync } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, lstatSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Room on the disk that is laid by for what makes room: to note that an alert was delivered, and to give its room back,
 * needs the disk too. Without it an outbox that has filled the disk itself would stay full for ever.
 */
export interface Reserve {
  readonly state: 'there' | 'spent' | 'none';
  /** Gives it up. False when there is none. */
  spend(): boolean;
  /** Lays it by again, if the disk has the room; asked more often than once in a second it does nothing. */
  restore(): void;
}

const fileName = 'state.reserve';
/** A write-ahead log is moved into the database when it has 4 MiB; it must have room for that. */
const [leastBytes, mostBytes] = [256 << 10, 8 << 20];
/** Of the file system: a small one is not for us alone. */
const share = 1 / 8;
const againMs = 1_000;

/** Where there is no room for it, the state is `none`: nothing depends on it then. */
export function openReserve(directory: string): Reserve {
  const path = join(directory, fileName);
  let state: Reserve['state'] = layBy(path, sizeIn(directory)) ? 'there' : 'none';
  let triedAt = performance.now();
  return {
    get state() { return state; },
    spend() {
      if (state !== 'there') return false;
      rmSync(path, { force: true });
      state = 'spent';
      return true;
    },
    restore() {
      if (state === 'there' || performance.now() - triedAt < againMs) return;
      triedAt = performance.now();
      if (layBy(path, sizeIn(directory))) state = 'there';
    },
  };
}

function sizeIn(directory: string): number {
  const { bsize, blocks } = statfsSync(directory);
  return Math.round(Math.min(mostBytes, Math.max(leastBytes, bsize * blocks * share)));
}

/** Random bytes: a file system that compresses would lay by nothing for others. */
function layBy(path: string, bytes: number): boolean {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.size === bytes) return true;
    rmSync(path, { force: true });
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      fchmodSync(descriptor, 0o600);
      for (let left = bytes; left > 0;) left -= writeSync(descriptor, randomFillSync(Buffer.alloc(Math.min(left, 1 << 20))));
      fsyncSync(descriptor);
    } finally { closeSync(descriptor); }
    return true;
  } catch {
    // No room for it, or a disk that fails: whoever needs the disk next is told why.
    try { rmSync(path, { force: true }); } catch { /* As above. */ }
    return false;
  }
}
