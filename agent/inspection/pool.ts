import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf, readText } from '../contract/text.ts';
import type { InspectionRecord } from '../contract/inspection.ts';
import { createInspectThread, type InspectThread } from '../pipeline/inspect-pool.ts';
import { asFinding, notOpened, type Result } from './result.ts';
import type { Found } from './walk.ts';

const mostTries = 3;

export interface PoolOptions {
  readonly jobs: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly configs: ReadonlyMap<string, unknown>;
}

/** Results in the order of what was found, computed side by side; at most a few per thread are held back. */
export async function* inspectAll(found: Iterable<Found>, options: PoolOptions): AsyncGenerator<Result> {
  const threads: InspectThread[] = [];
  const waiting: Promise<Result>[] = [];
  const idle: InspectThread[] = [];

  async function one(item: Found, free: Promise<InspectThread>): Promise<Result> {
    const path = readText(item.path);
    const thread = await free;
    if (item.type === 'passed') { idle.push(thread); return notOpened(path, null, item.why); }
    // The deadline is the parser's own; a thread that does not even keep that is given up a little later.
    // Scopes of the policy are absolute folders.
    const place = { path: path.startsWith('/') ? path : `${readText(Buffer.from(process.cwd()))}/${path}` };
    const ask = () => thread.ask({ place, candidates: [bytesOf(path)], expected: null, maxBytes: options.maxBytes });
    let { answer, alive, ms } = await ask();
    // A file that was written to meanwhile is read again, a moment later.
    for (let tries = 1; tries < mostTries && alive && answer.type === 'unread' && answer.cause === 'changed'; tries++) {
      await sleep(500 * tries);
      ({ answer, alive, ms } = await ask());
    }
    if (alive) idle.push(thread);
    else threads.splice(threads.indexOf(thread), 1);
    return answer.type === 'read' ? asResult(path, answer, ms) : notOpened(path, item.size, answer.reason);
  }

  function take(): InspectThread | null {
    const free = idle.pop();
    if (free) return free;
    if (threads.length >= options.jobs) return null;
    const made = createInspectThread(options.configs, options.timeoutMs + 5_000, 0);
    threads.push(made);
    return made;
  }

  try {
    for (const item of found) {
      for (let thread = take(); ; thread = take()) {
        if (thread !== null) { waiting.push(one(item, Promise.resolve(thread))); break; }
        await Promise.race(waiting);
        while (waiting.length >= options.jobs * 4) yield await waiting.shift() as Result;
        if (idle.length === 0 && threads.length >= options.jobs) yield await waiting.shift() as Result;
      }
    }
    while (waiting.length > 0) yield await waiting.shift() as Result;
  } finally { await Promise.all(threads.map(thread => thread.end())); }
}

function asResult(path: string, { sha256, file, format, verdict, observations, coverage, inventory }: InspectionRecord, ms: number): Result {
  return { path, sha256: sha256 === '' ? null : sha256, size: file.size, format, verdict, findings: observations.map(asFinding), coverage, inventory, ms: Math.round(ms * 10) / 10 };
}
