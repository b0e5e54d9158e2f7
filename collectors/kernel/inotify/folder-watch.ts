import { FSWatcher } from 'chokidar';

/**
 * One inotify watch a folder, through chokidar, and nothing else of chokidar: it keeps the handles, shares them, and sets
 * a new one when a folder was replaced under its name. Its own listing is not used. It costs 245 MB and blocks for 0.8 s
 * with 100,000 files (6.0.0, Node 26), knows no name that is not UTF-8 and takes a backslash in a name for a slash; so
 * folders are handed to its observation engine one by one, and it is told of nothing below them.
 *
 * What the kernel does not tell through it: IN_Q_OVERFLOW, which libuv drops. A queue that overflowed held at least
 * max_queued_events, and libuv empties it within one turn of the event loop: so many notices in one turn are taken for one.
 */
export interface FolderWatch {
  /** Notices come from now on, also for what happens before this returns. */
  open(folder: string): Opened;
  close(): Promise<void>;
}
export type Opened = { readonly close: () => void } | { readonly problem: Problem };
/** 'watches', 'instances': a limit of the kernel. 'gone': there is no such folder now. */
export type Problem = 'watches' | 'instances' | 'gone' | 'refused';

export interface FolderWatchListener {
  /** `name` in the folder has changed in some way; null when it is not known which. */
  notice(folder: string, name: string | null): void;
  overflow(): void;
  /** A watch ended by itself. */
  trouble(error: Error): void;
}

/** libuv has one inotify instance for all watches of a thread, so one queue: whoever fills it, everybody loses. */
const queue = { inThisTurn: 0, listeners: new Map<FolderWatchListener, number>() };
/** Not all of a full queue need come here: watches that are not ours share it, and a closed one's events go nowhere. */
const fullQueue = 0.9;

function count(): void {
  if (queue.inThisTurn++ > 0) return;
  setImmediate(() => {
    for (const [listener, limit] of queue.listeners) if (queue.inThisTurn >= limit) listener.overflow();
    queue.inThisTurn = 0;
  });
}

/** `queuedEvents`: max_queued_events of inotify(7). */
export function watchFolders(queuedEvents: number, listener: FolderWatchListener): FolderWatch {
  const watcher = new FSWatcher({ backend: 'native', atomic: false, followSymlinks: false, persistent: true });
  const closers = new Set<() => void>();
  let failure: NodeJS.ErrnoException | null = null;
  let opening = false;
  queue.listeners.set(listener, queuedEvents * fullQueue);
  watcher.on('raw', (_event, name, details) => {
    count();
    listener.notice((details as { readonly watchedPath: string }).watchedPath, typeof name === 'string' ? name : null);
  });
  watcher.on('error', error => {
    if (opening) failure = error as NodeJS.ErrnoException;
    else listener.trouble(error as Error);
  });
  return {
    open: folder => {
      opening = true;
      failure = null;
      const closer = watcher.handler.subscribePath(folder, () => {});
      opening = false;
      if (!closer) return { problem: problemOf(failure) };
      const close = (): void => { closers.delete(close); void closer(); };
      closers.add(close);
      return { close };
    },
    close: () => {
      queue.listeners.delete(listener);
      for (const close of closers) close();
      return watcher.close();
    },
  };
}

/** CHOKIDAR_USEPOLLING in the environment turns chokidar into one timer a folder that sees no file. */
export const isCrippled = (): boolean => new FSWatcher({ backend: 'native' }).options.backend !== 'native';

function problemOf(failure: NodeJS.ErrnoException | null): Problem {
  switch (failure?.code) {
    case undefined: return 'gone';
    case 'ENOSPC': return 'watches';
    case 'EMFILE': case 'ENFILE': return 'instances';
    default: return 'refused';
  }
}
