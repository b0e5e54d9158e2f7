import { Worker } from 'node:worker_threads';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { InspectionRecord } from '../contract/inspection.ts';

export interface InspectJob {
  readonly id: number;
  readonly place: Place;
  /** Paths to try, in order, as bytes. */
  readonly candidates: readonly Uint8Array[];
  readonly expected: FileIdentity | null;
  readonly maxBytes: number;
}

export type Inspected = (InspectionRecord & { readonly type: 'read' }) | { readonly type: 'unread'; readonly reason: string; readonly cause: Cause };

/** `changed` and `unreadable` may go better a moment later. */
export type Cause = 'changed' | 'unreadable' | 'final';

export interface Answer { readonly answer: Inspected; /** False: this thread is not to be asked again. */ readonly alive: boolean; readonly ms: number }

export interface InspectThread {
  readonly busy: boolean;
  ask(job: Omit<InspectJob, 'id'>): Promise<Answer>;
  end(): Promise<unknown>;
}

/** A pool thread; when it hangs or dies, this end answers for it. `nice` as in nice(2): how much others go first. */
export function createInspectThread(configs: ReadonlyMap<string, unknown>, timeoutMs: number, nice: number): InspectThread {
  const worker = new Worker(new URL('./inspect-worker.ts', import.meta.url), { workerData: { configs, nice }, resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 } });
  worker.unref();
  let settle: ((result: Answer) => void) | null = null;
  let id = 0;
  let timer: NodeJS.Timeout | null = null;

  function finish(answer: Inspected, alive: boolean, ms: number) {
    if (timer) clearTimeout(timer);
    const done = settle;
    settle = null;
    worker.unref();
    done?.({ answer, alive, ms });
  }
  const fail = (reason: string) => finish({ type: 'unread', reason, cause: 'final' }, false, timeoutMs);
  worker.on('message', (message: { id: number; answer: Inspected; ms: number }) => { if (message.id === id) finish(message.answer, true, message.ms); });
  worker.on('error', (error: Error) => fail(`the inspector failed on it: ${error.message}`));
  worker.on('exit', () => fail('the inspector ended while it read it'));

  return {
    get busy() { return settle !== null; },
    ask(job) {
      id += 1;
      worker.ref();
      return new Promise(resolve => {
        settle = resolve;
        timer = setTimeout(() => {
          fail(`it took more than ${timeoutMs} ms`);
          void worker.terminate();
        }, timeoutMs);
        worker.postMessage({ ...job, id });
      });
    },
    end: () => worker.terminate(),
  };
}
