import { setTimeout as sleep } from 'node:timers/promises';
import { readText } from '../contract/text.ts';
import type { InspectionRecord } from '../contract/inspection.ts';
import { smallFile } from '../pipeline/inspect-file.ts';
import { type Answer, createInspectThread, type InspectJob, type InspectThread } from '../pipeline/inspect-pool.ts';
import { asFinding, notOpened, type Result } from './result.ts';
import type { Found } from './walk.ts';

const mostTries = 3;
/** Small files that a thread is given at once: asking it costs as much as reading one. */
const mostTogether = 32;
/** Of each thread: results that wait for one in front of them. */
const mostHeld = 128;

export interface PoolOptions {
  readonly jobs: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly configs: ReadonlyMap<string, unknown>;
}

type Job = Omit<InspectJob, 'id'>;
interface Place { result: Result | null }
/** `small`: all that it was asked last are small files. */
interface Slot { readonly thread: InspectThread; small: boolean }

/** Results in the order of what was found, computed side by side. */
export async function* inspectAll(found: Iterable<Found>, options: PoolOptions): AsyncGenerator<Result> {
  const slots: Slot[] = [];
  const places: Place[] = [];
  const here = readText(Buffer.from(process.cwd()));
  let progress = Promise.withResolvers<void>();

  function slotFor(small: boolean): Slot | null {
    const idle = slots.find(({ thread }) => !thread.busy);
    if (idle) return idle;
    // Whoever goes through small files gets the next ones before he is done: on a busy machine each question waits its turn.
    if (slots.length >= options.jobs) return small ? slots.find(slot => slot.small && slot.thread.waiting <= mostTogether) ?? null : null;
    // The deadline is the parser's own; a thread that does not even keep that is given up a little later.
    const made: Slot = { thread: createInspectThread(options.configs, options.timeoutMs + 5_000, 0), small };
    slots.push(made);
    return made;
  }

  function jobFor(item: Found): Job {
    const path = readText(item.path);
    // Scopes of the policy are absolute folders.
    return { place: { path: path.startsWith('/') ? path : `${here}/${path}` }, candidates: [item.path.toString('latin1')], expected: null, maxBytes: options.maxBytes, known: [] };
  }

  function begin(slot: Slot, small: boolean, items: readonly Found[]) {
    const { thread } = slot;
    slot.small = small;
    const jobs = items.map(jobFor);
    for (const [index, answer] of thread.ask(jobs).entries()) {
      const [item, job] = [items[index], jobs[index]];
      const place: Place = { result: null };
      places.push(place);
      if (item && job) void patiently(thread, job, answer).then(final => { place.result = asResult(item, final); move(); });
    }
  }

  function move() {
    progress.resolve();
    progress = Promise.withResolvers();
  }

  function* ready(): Generator<Result> {
    for (let result = places[0]?.result; result; result = places[0]?.result) {
      places.shift();
      yield result;
    }
  }

  try {
    for (const items of together(found)) {
      for (;;) {
        yield* ready();
        const [first] = items;
        if (first?.type === 'passed') { places.push({ result: notOpened(readText(first.path), null, first.why) }); break; }
        const small = first !== undefined && isSmall(first);
        const slot = places.length < options.jobs * mostHeld ? slotFor(small) : null;
        if (slot) { begin(slot, small, items); break; }
        await progress.promise;
      }
    }
    for (; places.length > 0; yield* ready()) if (!places[0]?.result) await progress.promise;
  } finally { await Promise.all(slots.map(({ thread }) => thread.end())); }
}

/** A file that was written to meanwhile is read again, a moment later. */
async function patiently(thread: InspectThread, job: Job, first: Promise<Answer>): Promise<Answer> {
  let last = await first;
  for (let tries = 1; tries < mostTries && last.answer.type === 'unread' && last.answer.cause === 'changed'; tries++) {
    await sleep(500 * tries);
    [last = last] = await Promise.all(thread.ask([job]));
  }
  return last;
}

const isSmall = (item: Found): boolean => item.type === 'file' && item.size <= smallFile;

/** Each alone, but small files that follow one another. */
function* together(found: Iterable<Found>): Generator<readonly Found[]> {
  let small: Found[] = [];
  for (const item of found) {
    const alone = !isSmall(item);
    if (!alone) small.push(item);
    if (small.length > 0 && (alone || small.length === mostTogether)) { yield small; small = []; }
    if (alone) yield [item];
  }
  if (small.length > 0) yield small;
}

function asResult(item: Found, { answer, ms }: Answer): Result {
  const path = readText(item.path);
  if (answer.type === 'read') return asRead(path, answer, ms);
  return notOpened(path, item.type === 'file' ? item.size : null, answer.type === 'unread' ? answer.reason : '');
}

function asRead(path: string, { sha256, file, format, verdict, observations, coverage, inventory }: InspectionRecord, ms: number): Result {
  return { path, sha256: sha256 === '' ? null : sha256, size: file.size, format, verdict, findings: observations.map(asFinding), coverage, inventory, ms: Math.round(ms * 10) / 10 };
}
