import type { Log } from '../contract/component.ts';
import type { Draft, Event } from '../contract/event.ts';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { InspectionRecord } from '../contract/inspection.ts';
import { bytesOf } from '../contract/text.ts';
import { createInspectThread, type InspectThread } from './inspect-pool.ts';

export interface InspectionCache {
  get(path: string): InspectionRecord | null;
  set(path: string, record: InspectionRecord): void;
}

export interface InspectOptions { readonly jobs: number; readonly maxBytes: number; readonly timeoutMs: number; readonly queue: number }

export interface Inspector extends AsyncDisposable {
  /** Looks at every event; those that name a file's new content make a job. */
  see(event: Event): void;
  readonly waiting: number;
  readonly inspected: number;
  readonly unread: number;
}

interface Task { readonly place: Place; readonly candidates: readonly Uint8Array[]; readonly expected: FileIdentity | null; tries: number }
interface Port { readonly log: Log; readonly proc: string; emit(draft: Draft): void }

const maxTries = 3;
/** An idle thread is ended after so long: it holds some ten megabytes. */
const idleMs = 10_000;
/** Reading must not take the processor from the models that are served. */
const niceness = 10;
const lossMs = 1_000;

export const sameContent = (a: FileIdentity, b: FileIdentity): boolean =>
  a.device === b.device && a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

/**
 * Which file, when: loaded files first, then changed ones, then those found at start; each once for each content.
 * A file that is loaded again without having changed is reported again from the cache, so that every load has its digest.
 */
export function createInspector(options: InspectOptions, configs: ReadonlyMap<string, unknown>, cache: InspectionCache, port: Port): Inspector {
  const urgent = new Map<string, Task>();
  const later = new Map<string, Task>();
  const pool = new Set<InspectThread>();
  let inspected = 0;
  let unread = 0;
  let lost = 0;
  let stopped = false;

  function say(place: Place, record: InspectionRecord) {
    port.emit({ kind: 'artifact.inspected', at: Date.now(), place, ...record });
  }

  function want(place: Place, file: FileIdentity | null, pid: number | null, soon: boolean) {
    const known = cache.get(place.path);
    if (known && file && sameContent(known.file, file)) { say(place, known); return; }
    const queue = soon ? urgent : later;
    if (soon) later.delete(place.path);
    else if (urgent.has(place.path)) return;
    if (queue.size >= options.queue) { lose(); return; }
    const inside = pid !== null && place.inside !== undefined ? [Buffer.concat([Buffer.from(`${port.proc}/${pid}/root`), bytesOf(place.inside)])] : [];
    queue.set(place.path, { place, candidates: [...inside, bytesOf(place.path)], expected: file, tries: 0 });
    next();
  }

  /** Counted at once, told once a second. */
  function lose() {
    if (lost++ > 0) return;
    setTimeout(() => {
      port.emit({ kind: 'events.lost', at: Date.now(), where: 'stream', what: 'artifact.inspected', count: lost });
      lost = 0;
    }, lossMs).unref();
  }

  function next() {
    while (!stopped && urgent.size + later.size > 0) {
      const worker = [...pool].find(one => !one.busy) ?? (pool.size < options.jobs ? addWorker() : null);
      if (worker === null) return;
      const queue = urgent.size > 0 ? urgent : later;
      const first = queue.entries().next().value;
      if (!first) return;
      queue.delete(first[0]);
      void run(worker, first[1]);
    }
  }

  function addWorker() {
    const worker = createInspectThread(configs, options.timeoutMs, niceness);
    pool.add(worker);
    return worker;
  }

  async function run(worker: InspectThread, task: Task) {
    const { answer, alive } = await worker.ask({ place: task.place, candidates: task.candidates, expected: task.expected, maxBytes: options.maxBytes });
    if (!alive) pool.delete(worker);
    if (stopped) return;
    if (answer.type === 'read') {
      const { type, ...record } = answer;
      inspected += 1;
      if (record.sha256 !== '') cache.set(task.place.path, record);
      say(task.place, record);
    } else if (alive && answer.again && task.tries + 1 < maxTries) {
      setTimeout(() => { if (!stopped) { later.set(task.place.path, { ...task, tries: task.tries + 1 }); next(); } }, 500 * (task.tries + 1)).unref();
    } else notRead(task, answer.reason);
    next();
    setTimeout(() => { if (!worker.busy && pool.delete(worker)) void worker.end(); }, idleMs).unref();
  }

  /** Not read is not clean. A file that is gone again was reported as removed; no more can be said of it. */
  function notRead(task: Task, reason: string) {
    unread += 1;
    port.log.debug('a file was not inspected', { file: task.place.path, reason });
    if (task.expected === null) return;
    const coverage = { bytes: task.expected.size, parsed: 0, skipped: [{ offset: 0, length: task.expected.size, why: reason }] };
    say(task.place, { file: task.expected, sha256: '', format: 'unknown', verdict: 'incomplete', coverage, inventory: {}, observations: [{
      rule: 'inspect.incomplete', severity: reason.startsWith('it is gone') ? 'info' : 'low', confidence: 1, techniques: [],
      summary: `${task.place.path} could not be inspected: ${reason}`,
    }] });
  }

  return {
    see(event) {
      if (event.kind === 'file.changed' && event.file !== null && event.change !== 'attributes') want(event.place, event.file, null, event.change !== 'found');
      else if (event.kind === 'file.opened') want(event.place, event.file, event.by.pid, true);
      else if (event.kind === 'mxnet.called' && event.argument.type === 'path' && event.argument.place && event.argument.file) want(event.argument.place, event.argument.file, event.process.pid, true);
    },
    get waiting() { return urgent.size + later.size; },
    get inspected() { return inspected; },
    get unread() { return unread; },
    async [Symbol.asyncDispose]() {
      stopped = true;
      await Promise.all([...pool].map(worker => worker.end()));
    },
  };
}
