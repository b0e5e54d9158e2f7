/*
 * One page of trace_pipe_raw, as include/linux/ring_buffer.h and kernel/trace/ring_buffer.c write it, little endian:
 * u64 time stamp, u64 commit (bits 0–19 length, bit 31 events were missed, bit 30 their count follows the data), data.
 */

export interface Entry {
  /** Nanoseconds of the instance's clock. */
  readonly at: number;
  /** A view: u16 event id, then the event's fields. Valid until the page is read again. */
  readonly data: Buffer;
}
export interface Page {
  readonly entries: readonly Entry[];
  /** Events overwritten before this page: how many, null for "some", 0 for none. */
  readonly missed: number | null;
  /** Bytes at the end that made no sense. */
  readonly unreadBytes: number;
}

const header = 16;
/** Time stamps carry 59 bits; the upper five are those of the page. */
const stampSpan = 2 ** 59;
const deltaSpan = 2 ** 27;

export function decodePage(page: Buffer): Page {
  if (page.length < header) return { entries: [], missed: 0, unreadBytes: page.length };
  const stamp = Number(page.readBigUInt64LE(0));
  const commit = page.readUInt32LE(8);
  const end = header + (commit & 0xf_ffff);
  const entries: Entry[] = [];
  let now = stamp;
  let at = header;
  while (at + 4 <= Math.min(end, page.length)) {
    const word = page.readUInt32LE(at);
    const type = word & 31;
    const delta = word >>> 5;
    if (type === 29 && delta === 0) { at = end; break; }
    const next = nextEntry(page, at, type);
    if (next === undefined || next > end || next > page.length) break;
    if (type === 30) now += delta + page.readUInt32LE(at + 4) * deltaSpan;
    else if (type === 31) now = Math.floor(stamp / stampSpan) * stampSpan + delta + page.readUInt32LE(at + 4) * deltaSpan;
    else now += delta;
    if (type <= 28) entries.push({ at: now, data: page.subarray(type === 0 ? at + 8 : at + 4, next) });
    at = next;
  }
  return { entries, missed: missedBefore(page, commit, end), unreadBytes: Math.max(0, end - at) };
}

/** Where the entry after this one begins; undefined when its length makes no sense. */
function nextEntry(page: Buffer, at: number, type: number): number | undefined {
  if (type >= 1 && type <= 28) return at + 4 + type * 4;
  if (at + 8 > page.length) return undefined;
  if (type >= 30) return at + 8;
  const length = page.readUInt32LE(at + 4);
  return length < 4 || length % 4 !== 0 ? undefined : at + 4 + length;
}

function missedBefore(page: Buffer, commit: number, end: number): number | null {
  if (commit >>> 31 === 0) return 0;
  return (commit & 0x4000_0000) !== 0 && end + 8 <= page.length ? Number(page.readBigUInt64LE(end)) : null;
}
