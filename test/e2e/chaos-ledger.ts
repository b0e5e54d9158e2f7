import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError, UnavailableError } from '../../agent/contract/errors.ts';
import { openReadOnly } from '../../agent/store/database.ts';

/** What one sink has: the ids under each sequence (one, if all is well), and the model files that it was told of. */
export interface Tally {
  readonly bySequence: Map<number, Set<string>>;
  readonly files: Set<string>;
  records: number;
}

/** As much of an alert as is counted; a checkpoint of the audit trail has no evidences. */
interface Alert {
  readonly class_uid?: number;
  readonly metadata: { readonly uid: string; readonly sequence: number };
  readonly evidences?: readonly { readonly name?: string; readonly file?: { readonly path?: string } }[];
}

export const emptyTally = (): Tally => ({ bySequence: new Map(), files: new Set(), records: 0 });

/** Application Lifecycle: a heartbeat, which is not of the outbox and has the number of what went before. */
const heartbeatClass = 6002;

export function count(tally: Tally, { class_uid: kind, metadata: { uid, sequence }, evidences = [] }: Alert): void {
  if (kind === heartbeatClass) return;
  tally.records += 1;
  const ids = tally.bySequence.get(sequence) ?? new Set();
  tally.bySequence.set(sequence, ids.add(uid));
  for (const { name, file } of evidences) if (name === 'model artifact' && file?.path !== undefined) tally.files.add(file.path);
}

/** What the agent acknowledged to itself: read from its database as any other process may, while it lives and while it is dead. */
export interface Ledger extends AsyncDisposable {
  /** Id of each envelope that was seen in the outbox, by sequence: nearly all, as those that both sinks have soon leave it. */
  readonly ids: ReadonlyMap<number, string>;
  /** Model files of incidents that were seen there. */
  readonly files: ReadonlySet<string>;
  /** The last sequence that was given, and what still waits for any sink; null when the database cannot be read now. */
  look(): { readonly last: number; readonly pending: number } | null;
}

const lookMs = 150;

export function openLedger(state: string): Ledger {
  const ids = new Map<number, string>();
  const files = new Set<string>();
  let through = 0;
  const looking = new AbortController();

  function look(): ReturnType<Ledger['look']> {
    try {
      using reader = openReadOnly(state);
      return reader.read(() => {
        for (const { sequence, id, path } of reader.prepare("SELECT sequence, id, draft ->> '$.body.artifact.place.path' AS path FROM outbox WHERE sequence > ? ORDER BY sequence").all(through)) {
          through = Number(sequence);
          ids.set(through, String(id));
          if (path !== null) files.add(String(path));
        }
        const { last } = reader.prepare('SELECT last_sequence AS last FROM outbox_total').get() as { last: number };
        const { pending } = reader.prepare('SELECT sum(pending) AS pending FROM outbox_sink WHERE enabled').get() as { pending: number };
        return { last, pending };
      });
    } catch (error) {
      if (error instanceof RetryableError || error instanceof UnavailableError) return null;
      throw error;
    }
  }

  const kept = (async () => { for (; !looking.signal.aborted; await delay(lookMs)) look(); })();
  kept.catch(() => { /* told by look */ });
  return {
    ids, files, look,
    async [Symbol.asyncDispose]() {
      looking.abort();
      await Promise.allSettled([kept]);
    },
  };
}

/** A program where parameters should be: one finding, so one incident for each file. */
const program = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]);
const beatMs = 100;
/** So many stay in the folder; older ones are taken away once their incident is on the agent's disk. */
const mostFiles = 300;
/** Where the processors are so busy that the agent falls behind, files wait for it: it is not its speed that is tried here. */
const mostUntold = 500;

export interface Writer extends AsyncDisposable {
  readonly written: ReadonlySet<string>;
  /** Ends after the last file is whole. Throws what went wrong while it wrote. */
  stop(): Promise<void>;
}

/** Hostile model files, so many a second, whatever else happens. */
export function startWriter(folder: string, perSecond: number, isToldOf: (path: string) => boolean): Writer {
  const written = new Set<string>();
  const there = new Set<string>();
  const began = performance.now();
  let beats = 0;
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (; beats < (performance.now() - began) / 1_000 * perSecond; beats++) {
        if (there.size > mostFiles + mostUntold) continue;
        const path = join(folder, `m${written.size}-0000.params`);
        await writeFile(path, program);
        written.add(path);
        there.add(path);
      }
      for (const path of [...there].slice(0, -mostFiles).filter(isToldOf)) {
        await rm(path);
        there.delete(path);
      }
      await delay(beatMs);
    }
  }

  const running = run();
  running.catch(() => { /* told by stop */ });
  return {
    written,
    async stop() { stopping.abort(); await running; },
    async [Symbol.asyncDispose]() { stopping.abort(); await Promise.allSettled([running]); },
  };
}
