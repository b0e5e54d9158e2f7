/** What the kernel says this file is. Numbers beyond 2^53 travel as decimal text so that events survive JSON. */
export interface FileIdentity {
  /** major:minor, as in /proc/PID/maps */
  readonly device: string;
  readonly inode: string;
  readonly size: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

/** Where a file is. Written by `readText` (text.ts): bytes that are not UTF-8 as `\\xNN`, controls escaped; `bytesOf` gives the name back. Whoever opens it checks the identity of what was opened. */
export interface Place {
  /** As the host sees it. */
  readonly path: string;
  /** As the process in its container sees it, when that differs. */
  readonly inside?: string;
}
