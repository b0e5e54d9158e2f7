import { Worker } from 'node:worker_threads';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { InspectionRecord } from '../contract/inspection.ts';

export interface InspectJob {
  readonly id: number;
  readonly place: Place;
  /** Paths to try, in order; each character is a byte. */
  readonly candidates: readonly string[];
  readonly expected: FileIdentity | null;
  readonly maxBytes: number;
  /** Contents whose verdicts are at hand: a file that is one of them is answered `same`. */
  readonly known: readonly Known[];
  /** Whether it may be given back as `postponed`. */
  readonly givesWay?: boolean;
}

/** A digest, and the context in which its content was judged. */
export interface Known { readonly sha256: string; readonly judgedAs: string }

export type Inspected =
  | (InspectionRecord & Known & { readonly type: 'read' })
  | (Known & { readonly type: 'same'; readonly file: FileIdentity })
  | { readonly type: 'unread'; readonly reason: string; readonly cause: Cause }
  /** Not begun: those before it, asked at once with it, took long. It may be asked again. */
  | { readonly type: 'postponed' };

/** `changed` and `unreadable` may go better a moment later. */
export type Cause = 'changed' | 'unreadable' | 'final';

export interface Answer { readonly answer: Inspected; readonly ms: number }
export interface Reply extends Answer { readonly id: number }

export interface ThreadData {
  readonly configs: ReadonlyMap<string, unknown>;
  readonly nice: number;
  /** The job that is worked at, and since when, in nanoseconds of the monotonic clock. */
  readonly at: BigInt64Array;
}

export interface InspectThread {
  readonly busy: boolean;
  /** Jobs that are not answered. */
  readonly waiting: number;
  /** One answer a job. They are worked off in their order, behind those asked before, each within its own time. */
  ask(jobs: readonly Omit<InspectJob, 'id'>[]): readonly Promise<Answer>[];
  end(): Promise<unknown>;
}

/** On a busy machine a thread takes seconds to start, which is not the fault of the file. */
const startMs = 60_000;

interface Open { readonly job: InspectJob; readonly settle: (answer: Answer) => void }

/**
 * A pool thread. When it hangs or dies, the job that it was at is answered from here, and another thread takes on the
 * rest. `nice` as in nice(2): how much others go first.
 */
export function createInspectThread(configs: ReadonlyMap<string, unknown>, timeoutMs: number, nice: number): InspectThread {
  const open = new Map<number, Open>();
  let worker: Worker | null = null;
  let at: BigInt64Array = new BigInt64Array(2);
  let last = 0;
  let sent = 0n;
  let timer: NodeJS.Timeout | null = null;

  function start(): Worker {
    // A thread that is being ended may write once more.
    at = new BigInt64Array(new SharedArrayBuffer(16));
    const made = new Worker(new URL('./inspect-worker.ts', import.meta.url), { workerData: { configs, nice, at } satisfies ThreadData, resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 } });
    made.on('message', (replies: string) => {
      if (made !== worker) return;
      for (const { id, answer, ms } of JSON.parse(replies) as readonly Reply[]) finish(id, { answer, ms });
    });
    made.on('error', (error: Error) => { lose(made, current(), `the inspector failed on it: ${error.message}`); });
    made.on('exit', () => { lose(made, current(), 'the inspector ended while it read it'); });
    return made;
  }

  function send(jobs: readonly InspectJob[]) {
    worker ??= start();
    worker.ref();
    sent = process.hrtime.bigint();
    worker.postMessage(JSON.stringify(jobs));
    if (timer === null) watch(timeoutMs);
  }

  /** A thread that has begun none of them is about to begin the first, for which it may take as long as it takes to start. */
  function current(): { readonly id: number; readonly leftMs: number } {
    const id = Number(Atomics.load(at, 0));
    const passed = (since: bigint) => Number((process.hrtime.bigint() - since) / 1_000_000n);
    return open.has(id) ? { id, leftMs: timeoutMs - passed(Atomics.load(at, 1)) } : { id: open.keys().next().value ?? 0, leftMs: timeoutMs + startMs - passed(sent) };
  }

  function watch(ms: number) {
    timer = setTimeout(() => {
      timer = null;
      const { id, leftMs } = current();
      if (leftMs > 0) { watch(Math.min(leftMs, timeoutMs)); return; }
      const hung = worker;
      if (hung) lose(hung, { id }, `it took more than ${timeoutMs} ms`);
      void hung?.terminate();
    }, ms);
  }

  function lose(lost: Worker, { id }: { readonly id: number }, reason: string) {
    if (lost !== worker) return;
    worker = null;
    finish(id, { answer: { type: 'unread', reason, cause: 'final' }, ms: timeoutMs });
    if (open.size > 0) send([...open.values()].map(({ job }) => job));
  }

  function finish(id: number, answer: Answer) {
    const settle = open.get(id)?.settle;
    open.delete(id);
    if (open.size === 0) {
      if (timer) clearTimeout(timer);
      timer = null;
      worker?.unref();
    }
    settle?.(answer);
  }

  return {
    get busy() { return open.size > 0; },
    get waiting() { return open.size; },
    ask(jobs) {
      const numbered = jobs.map(job => ({ ...job, id: ++last }));
      const answers = numbered.map(job => new Promise<Answer>(settle => { open.set(job.id, { job, settle }); }));
      send(numbered);
      return answers;
    },
    async end() {
      const ending = worker;
      worker = null;
      for (const id of [...open.keys()]) finish(id, { answer: { type: 'unread', reason: 'the inspection was ended', cause: 'final' }, ms: 0 });
      await ending?.terminate();
    },
  };
}
