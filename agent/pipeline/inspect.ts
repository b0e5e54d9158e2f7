import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { fileIdentity } from '../../collectors/kernel/procfs/describe.ts';
import type { Log } from '../contract/component.ts';
import type { Draft, Event } from '../contract/event.ts';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { InspectionRecord } from '../contract/inspection.ts';
import { bytesOf } from '../contract/text.ts';
import { version } from '../version.ts';
import { createCopies } from './copies.ts';
import { smallFile } from './inspect-file.ts';
import { createInspectThread, type Inspected, type InspectThread } from './inspect-pool.ts';

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

interface Task {
  readonly place: Place;
  readonly candidates: readonly string[];
  readonly expected: FileIdentity | null;
  readonly tries: number;
  /** False: it must be read, whatever it is a copy of. */
  readonly reuse: boolean;
}
type Neighbour = NonNullable<InspectionRecord['beside']>;
interface Dependent { readonly place: Place; readonly file: FileIdentity }
interface Port { readonly log: Log; readonly proc: string; emit(draft: Draft): void }

const maxTries = 3;
/** Small files that a thread is given at once. */
const mostTogether = 32;
/** An idle thread is ended after so long: it holds some ten megabytes. */
const idleMs = 10_000;
/** Reading must not take the processor from the models that are served. */
const niceness = 10;
const lossMs = 1_000;
const mostSymbols = 10_000;
const mostModels = 100;

/** Whether the file that a record was held against is still the same, or still absent. */
function stillBeside({ beside }: InspectionRecord): boolean {
  if (beside === undefined) return true;
  const now = identityAt(beside.path);
  return beside.file === null || now === null ? beside.file === now : sameContent(beside.file, now);
}

/** Null for what is no regular file or cannot be looked at. */
function identityAt(path: string): FileIdentity | null {
  try {
    const facts = statSync(bytesOf(path), { bigint: true });
    return facts.isFile() ? fileIdentity(facts) : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

export const sameContent = (a: FileIdentity, b: FileIdentity): boolean =>
  a.device === b.device && a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

/**
 * Which file, when: loaded files first, then changed ones, then those found at start; each once for each content.
 * A file that is loaded again without having changed is reported again from the cache, so that every load has its digest.
 */
export function createInspector(options: InspectOptions, configs: ReadonlyMap<string, unknown>, cache: InspectionCache, port: Port): Inspector {
  const judgedBy = createHash('sha256').update(JSON.stringify([version, [...configs]])).digest('hex').slice(0, 16);
  const urgent = new Map<string, Task>();
  const later = new Map<string, Task>();
  const pool = new Set<InspectThread>();
  const copies = createCopies();
  /** By the path of the symbol: what was held against it. Forgotten ones are looked at again when they are loaded. */
  const dependents = new Map<string, Map<string, Dependent>>();
  let inspected = 0;
  let unread = 0;
  let lost = 0;
  let stopped = false;

  function say(place: Place, record: InspectionRecord) {
    if (record.beside) remember(record.beside.path, place, record.file);
    copies.add(place.path, record);
    port.emit({ kind: 'artifact.inspected', at: Date.now(), place, ...record });
  }

  function want(place: Place, file: FileIdentity | null, pid: number | null, soon: boolean) {
    const known = cache.get(place.path);
    if (known && file && known.judgedBy === judgedBy && sameContent(known.file, file) && stillBeside(known)) { say(place, known); return; }
    const queue = soon ? urgent : later;
    if (soon) later.delete(place.path);
    else if (urgent.has(place.path)) return;
    if (queue.size >= options.queue) { lose(); return; }
    const inside = pid !== null && place.inside !== undefined ? [Buffer.concat([Buffer.from(`${port.proc}/${pid}/root`), bytesOf(place.inside)])] : [];
    queue.set(place.path, { place, candidates: [...inside, bytesOf(place.path)].map(path => path.toString('latin1')), expected: file, tries: 0, reuse: true });
    next();
  }

  /** A symbol that comes, goes or changes makes what was said of its parameters and states old. */
  function remember(symbol: string, place: Place, file: FileIdentity) {
    const models = dependents.get(symbol) ?? new Map<string, Dependent>();
    dependents.delete(symbol);
    if (models.size < mostModels || models.has(place.path)) models.set(place.path, { place, file });
    dependents.set(symbol, models);
    const oldest = dependents.size > mostSymbols ? dependents.keys().next().value : undefined;
    if (oldest !== undefined) dependents.delete(oldest);
  }

  function reconsider(symbol: string) {
    for (const { place, file } of dependents.get(symbol)?.values() ?? []) {
      const now = identityAt(place.path);
      // What changed or went itself is told by an event of its own.
      if (now !== null && sameContent(now, file)) want(place, file, null, true);
    }
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
      const isUrgent = urgent.size > 0;
      void run(worker, take(isUrgent ? urgent : later), isUrgent);
    }
  }

  /** One file, or some small ones: asking a thread costs as much as reading such a file. */
  function take(queue: Map<string, Task>): readonly Task[] {
    const tasks: Task[] = [];
    const most = Math.min(mostTogether, Math.ceil(queue.size / options.jobs));
    for (const [path, task] of queue) {
      const small = task.expected !== null && task.expected.size <= smallFile;
      if (tasks.length > 0 && !small) break;
      queue.delete(path);
      tasks.push(task);
      if (!small || tasks.length >= most) break;
    }
    return tasks;
  }

  function addWorker() {
    const worker = createInspectThread(configs, options.timeoutMs, niceness);
    pool.add(worker);
    return worker;
  }

  async function run(worker: InspectThread, tasks: readonly Task[], isUrgent: boolean) {
    const answers = worker.ask(tasks.map(({ place, candidates, expected, reuse }) => (
      { place, candidates, expected, maxBytes: options.maxBytes, known: reuse && expected ? copies.alike(place, expected.size) : [], givesWay: !isUrgent }
    )));
    for (const [index, task] of tasks.entries()) {
      const { answer } = await answers[index] ?? {};
      if (stopped) return;
      if (answer) settle(task, answer, isUrgent);
    }
    next();
    setTimeout(() => { if (!worker.busy && pool.delete(worker)) void worker.end(); }, idleMs).unref();
  }

  /** Unless something newer waits to be said of it. */
  function putBack(task: Task, isUrgent: boolean) {
    const { path } = task.place;
    if (!urgent.has(path) && !later.has(path)) (isUrgent ? urgent : later).set(path, task);
  }

  function settle(task: Task, answer: Inspected, isUrgent: boolean) {
    if (answer.type === 'read') {
      const { type, ...judged } = answer;
      inspected += 1;
      keep(task, { ...judged, judgedBy });
    } else if (answer.type === 'same') {
      const record = recordOf(task.place, answer);
      if (record === null) putBack({ ...task, reuse: false }, isUrgent);
      else keep(task, record);
    } else if (answer.type === 'postponed') putBack(task, isUrgent);
    else if (answer.cause !== 'final' && task.tries + 1 < maxTries) {
      setTimeout(() => { if (!stopped) { putBack({ ...task, tries: task.tries + 1 }, false); next(); } }, 500 * (task.tries + 1)).unref();
    } else notRead(task, answer.reason);
  }

  function keep({ place }: Task, record: InspectionRecord) {
    if (record.sha256 !== '') cache.set(place.path, record);
    say(place, record);
  }

  /** What was said of the same content in the same context; null when that is forgotten, or when its neighbour is another. */
  function recordOf(place: Place, { file, sha256, judgedAs }: Inspected & { readonly type: 'same' }): InspectionRecord | null {
    const original = copies.alike(place, file.size).find(one => one.sha256 === sha256 && one.judgedAs === judgedAs);
    const known = original ? cache.get(original.path) : null;
    if (known === null || known.sha256 !== sha256 || known.judgedAs !== judgedAs || known.judgedBy !== judgedBy) return null;
    if (known.beside === undefined) return { ...known, file };
    // What lies beside it is looked for by this path, which in a container's view may lead elsewhere, or nowhere.
    const here = identityAt(place.path);
    if (here === null || !sameContent(here, file)) return null;
    const beside = { path: `${folderOf(place.path)}${lastName(known.beside.path)}`, file: identityAt(`${folderOf(place.path)}${lastName(known.beside.path)}`) };
    return alikeBeside(known.beside, beside) ? { ...known, file, beside } : null;
  }

  function alikeBeside(one: Neighbour, other: Neighbour): boolean {
    if (one.file === null || other.file === null) return one.file === other.file;
    return sameContent(one.file, other.file) || (digestOf(one) !== null && digestOf(one) === digestOf(other));
  }

  /** As long as it is what was hashed. */
  function digestOf({ path, file }: Neighbour): string | null {
    const known = cache.get(path);
    return known && known.sha256 !== '' && file && sameContent(known.file, file) ? known.sha256 : null;
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
      if (event.kind === 'file.changed' && event.what === 'system') return;
      if (event.kind === 'file.changed') reconsider(event.place.path);
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
