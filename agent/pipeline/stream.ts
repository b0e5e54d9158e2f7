import type { Draft, Event, EventKind } from '../contract/event.ts';

/** Takes what a batch holds, in order; must not throw. */
export type Drain = (batch: readonly Event[]) => void;

export interface Stream {
  /** Never blocks, never throws. Beyond the capacity it drops, counts, and says so with the next batch. */
  emit(collector: string, draft: Draft): void;
  /** Hands over what is waiting, now. */
  flush(): void;
  readonly depth: number;
  /** Since start. */
  readonly emitted: number;
  readonly dropped: number;
}

/** Events handed to the detectors before other work of the event loop has its turn. */
const batchSize = 2_048;

/**
 * The one place where back-pressure lives. Events get their id here: `run` (of this run of the agent) and a counter,
 * so that they sort in the order in which they were told.
 */
export function createStream(run: string, capacity: number, drain: Drain): Stream {
  let waiting: Event[] = [];
  let scheduled = false;
  let emitted = 0;
  let dropped = 0;
  let lost = new Map<EventKind, number>();

  const stamp = (collector: string, draft: Draft): Event =>
    ({ ...draft, collector, id: `${run}.${(emitted++).toString(36).padStart(7, '0')}` }) as Event;

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => { scheduled = false; turn(); });
  }

  function turn() {
    const whole = waiting.length <= batchSize;
    const batch = whole ? waiting : waiting.slice(0, batchSize);
    waiting = whole ? [] : waiting.slice(batchSize);
    if (lost.size > 0) {
      const counts = lost;
      lost = new Map();
      for (const [what, count] of counts) batch.push(stamp('stream', { kind: 'events.lost', at: Date.now(), where: 'stream', what, count }));
    }
    if (waiting.length > 0) schedule();
    if (batch.length > 0) drain(batch);
  }

  return {
    emit(collector, draft) {
      if (waiting.length >= capacity) {
        dropped += 1;
        lost.set(draft.kind, (lost.get(draft.kind) ?? 0) + 1);
      } else waiting.push(stamp(collector, draft));
      schedule();
    },
    flush() { while (waiting.length > 0 || lost.size > 0) turn(); },
    get depth() { return waiting.length; },
    get emitted() { return emitted; },
    get dropped() { return dropped; },
  };
}
