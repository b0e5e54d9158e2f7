import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import type { Process } from '../../../agent/contract/process.ts';
import type { RawPath } from '../inotify/raw-path.ts';
import { startWatcher, type Watcher } from './watcher-process.ts';
import type { Did, Loss, MarkKind, Reply } from './wire.ts';

/** What somebody did; `by` null when it was gone before it could be looked at, and `pid` is all there is of it. */
export interface Deed extends Pick<Did, 'at' | 'mask' | 'path' | 'inside' | 'target' | 'pid'> {
  readonly seenBy: readonly MarkKind[];
  readonly by: Process | null;
}

export interface FileEventsListener {
  deed(deed: Deed): void;
  /** `count` null: some. */
  lost(what: Loss, count: number | null): void;
  refused(kind: MarkKind, path: RawPath, error: string): void;
  /** Between 'down' and 'up' nothing was seen. */
  changed(state: 'down' | 'up', why: string): void;
}

/** One collector's share of the watcher process, which ends with the last of them. */
export interface FileEvents extends AsyncDisposable {
  /** Asked for once, it is marked again whenever the watcher has to be started anew. */
  mark(kind: MarkKind, path: RawPath): void;
  unmark(kind: MarkKind, path: RawPath): void;
  /** Resolves when all that happened before has been heard, or after `withinMs`: false then, and while the watcher is down. */
  settled(withinMs: number): Promise<boolean>;
  readonly isUp: boolean;
  /** Whether who is gone at once is mostly known. */
  readonly knowsBirths: boolean;
}

interface Shared {
  readonly host: HostPaths;
  readonly log: Log;
  readonly members: Set<FileEventsListener>;
  /** How many members asked for each. */
  readonly marks: Map<string, { readonly kind: MarkKind; readonly path: RawPath; count: number }>;
  /** Null while it is down. */
  watcher: Watcher | null;
  readonly started: Promise<void>;
  timer: NodeJS.Timeout | null;
  delayMs: number;
  isOver: boolean;
}

const firstDelayMs = 500;
const longestDelayMs = 60_000;
const soundMs = 300_000;
/** More than the watcher keeps, in the same order of use: whoever it speaks of is known. */
const mostActors = 1_024;

/** One for each `proc`: all collectors of a host share it. */
const sessions = new Map<string, Shared>();

/** Resolves once armed, or down and tried again; UnavailableError when this host does not allow it. */
export async function openFileEvents(host: HostPaths, log: Log, listener: FileEventsListener): Promise<FileEvents> {
  const shared = sessions.get(host.proc) ?? begin(host, log);
  shared.members.add(listener);
  try { await shared.started; } catch (error) {
    await leave(shared, listener);
    throw error;
  }
  const own = new Map<string, { readonly kind: MarkKind; readonly path: RawPath }>();
  return {
    mark(kind, path) {
      const key = `${kind} ${path}`;
      if (!own.has(key)) change(shared, kind, path, 1);
      own.set(key, { kind, path });
      // Asked for again, it is set again: another folder may have its name by now.
      shared.watcher?.send({ do: 'mark', mark: kind, path });
    },
    unmark(kind, path) { if (own.delete(`${kind} ${path}`)) change(shared, kind, path, -1); },
    settled: withinMs => settled(shared, withinMs),
    get isUp() { return shared.watcher !== null; },
    get knowsBirths() { return shared.watcher?.knowsBirths ?? false; },
    async [Symbol.asyncDispose]() {
      for (const { kind, path } of own.values()) change(shared, kind, path, -1);
      own.clear();
      await leave(shared, listener);
    },
  };
}

function begin(host: HostPaths, log: Log): Shared {
  const started = Promise.withResolvers<void>();
  const shared: Shared = {
    host, log, members: new Set(), marks: new Map(), watcher: null, started: started.promise, timer: null, delayMs: firstDelayMs, isOver: false,
  };
  sessions.set(host.proc, shared);
  start(shared).then(started.resolve, error => {
    if (error instanceof UnavailableError) { started.reject(error); return; }
    log.warn('who changes files is not seen, and is tried again', { error });
    restart(shared);
    started.resolve();
  });
  return shared;
}

function change(shared: Shared, kind: MarkKind, path: RawPath, by: 1 | -1): void {
  const key = `${kind} ${path}`;
  const entry = shared.marks.get(key) ?? { kind, path, count: 0 };
  entry.count += by;
  if (entry.count > 0) { shared.marks.set(key, entry); return; }
  shared.marks.delete(key);
  shared.watcher?.send({ do: 'unmark', mark: kind, path });
}

function settled(shared: Shared, withinMs: number): Promise<boolean> {
  const { watcher } = shared;
  if (watcher === null) return Promise.resolve(false);
  return new Promise(resolve => {
    const late = setTimeout(() => resolve(false), withinMs);
    void watcher.settle().then(done => { clearTimeout(late); resolve(done); });
  });
}

async function leave(shared: Shared, listener: FileEventsListener): Promise<void> {
  shared.members.delete(listener);
  if (shared.members.size > 0 || shared.isOver) return;
  shared.isOver = true;
  if (sessions.get(shared.host.proc) === shared) sessions.delete(shared.host.proc);
  if (shared.timer) clearTimeout(shared.timer);
  await shared.watcher?.stop();
}

async function start(shared: Shared): Promise<void> {
  const startedAt = performance.now();
  const watcher = await startWatcher(shared.host, listenTo(shared));
  if (shared.isOver) return watcher.stop();
  shared.watcher = watcher;
  for (const { kind, path } of shared.marks.values()) watcher.send({ do: 'mark', mark: kind, path });
  void watcher.ended.then(why => {
    shared.watcher = null;
    if (shared.isOver) return;
    if (performance.now() - startedAt > soundMs) shared.delayMs = firstDelayMs;
    for (const member of shared.members) member.changed('down', `the process that watches files ended: ${why}`);
    restart(shared);
  });
}

function restart(shared: Shared): void {
  shared.timer = setTimeout(() => {
    void start(shared).then(
      () => { for (const member of shared.members) member.changed('up', 'it was started again'); },
      error => {
        shared.log.warn('who changes files is not seen, and is tried again', { error });
        if (!shared.isOver) restart(shared);
      },
    );
  }, shared.delayMs);
  shared.timer.unref();
  shared.delayMs = Math.min(shared.delayMs * 2, longestDelayMs);
}

function listenTo(shared: Shared): (reply: Reply) => void {
  const actors = new Map<number, Process>();
  const actorOf = (number: number): Process | null => {
    const process = actors.get(number);
    if (process === undefined) return null;
    actors.delete(number);
    actors.set(number, process);
    return process;
  };
  return reply => {
    switch (reply.kind) {
      case 'actor': {
        actors.set(reply.number, reply.process);
        const oldest = actors.size > mostActors ? actors.keys().next().value : undefined;
        if (oldest !== undefined) actors.delete(oldest);
        break;
      }
      case 'did': {
        const { at, mask, path, inside, target, pid } = reply;
        const deed: Deed = { at, mask, path, inside, target, pid, seenBy: reply.by, by: reply.actor === null ? null : actorOf(reply.actor) };
        for (const member of shared.members) member.deed(deed);
        break;
      }
      case 'lost': for (const member of shared.members) member.lost(reply.what, reply.count); break;
      case 'refused': for (const member of shared.members) member.refused(reply.mark, reply.path, reply.error); break;
      case 'ready': case 'unavailable': case 'settled': break;
      default: reply satisfies never;
    }
  };
}
