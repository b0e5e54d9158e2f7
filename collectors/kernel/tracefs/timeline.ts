import type { Amended, Entered, Executed, KernelRecord } from './wire.ts';

/**
 * Records of several CPUs in the order in which they happened. Each is held for a short while, because another CPU's
 * earlier one may come later, and somewhat longer when it still waits for what had to be read from its process.
 */
export interface Timeline {
  /** `now` in milliseconds of any one clock. */
  add(record: KernelRecord, now: number): void;
  /** Returns the record it belongs to, if that is still held. */
  amend(amendment: Amended): KernelRecord | undefined;
  /** Those whose time has come, in order. */
  take(now: number): readonly KernelRecord[];
  readonly length: number;
}
interface Held { readonly record: KernelRecord; readonly since: number }

const holdMs = 12;
const patienceMs = 220;

export function createTimeline(): Timeline {
  let held: Held[] = [];
  const waiting = new Map<number, Entered | Executed>();

  /** A program may replace itself at once: what is read after that are the arguments of the next one. */
  function overtake(record: Executed): void {
    const next = held.find(({ record: other }) => other.kind === 'executed' && other.pid === record.pid && other.at > record.at)?.record;
    if (next !== undefined && (record.late?.at ?? Infinity) > next.at) record.overtaken = true;
  }

  function isDue(item: Held | undefined, now: number): boolean {
    if (item === undefined || now - item.since < holdMs) return false;
    const serial = serialOf(item.record);
    return serial === null || !waiting.has(serial) || now - item.since >= patienceMs;
  }

  return {
    get length() { return held.length; },
    add(record, now) {
      let at = held.length;
      while (at > 0 && (held[at - 1]?.record.at ?? 0) > record.at) at -= 1;
      held.splice(at, 0, { record, since: now });
      if ((record.kind === 'entered' || record.kind === 'executed') && record.serial !== null) waiting.set(record.serial, record);
      if (record.kind !== 'executed') return;
      for (const { record: other } of held) {
        if (other.kind === 'executed' && other.pid === record.pid && other.at < record.at) overtake(other);
      }
    },
    amend({ serial, at, bytes }) {
      const record = waiting.get(serial);
      waiting.delete(serial);
      if (record === undefined) return undefined;
      record.late = { at, bytes };
      if (record.kind === 'executed') overtake(record);
      return record;
    },
    take(now) {
      let count = 0;
      while (count < held.length && isDue(held[count], now)) count += 1;
      const due = held.slice(0, count).map(each => each.record);
      held = held.slice(count);
      for (const record of due) { const serial = serialOf(record); if (serial !== null) waiting.delete(serial); }
      return due;
    },
  };
}

const serialOf = (record: KernelRecord): number | null => (record.kind === 'entered' || record.kind === 'executed' ? record.serial : null);
