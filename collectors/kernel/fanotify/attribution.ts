/**
 * Puts the names of those who did it to the changes that the file watch sees. A change is held back until all that
 * happened before it has been heard, mostly a millisecond, at most `mostHeldMs`; the order stays.
 */
import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import type { RawPath } from '../inotify/raw-path.ts';
import type { Tiding } from '../inotify/telling.ts';
import { type Author, createDeeds } from './deeds.ts';
import { did } from './record.ts';
import { type Deed, type FileEvents, openFileEvents } from './session.ts';
import { type Loss, targetKey } from './wire.ts';

export interface AttributionOptions {
  readonly host: HostPaths;
  readonly log: Log;
  /** Folders beyond are not marked, and it is said. */
  readonly maxFolders: number;
  tell(tiding: Tiding, author: Author): void;
  /** A marked file was opened, by somebody who did not write to it. */
  opened(deed: Deed): void;
  /** Written without a notice of inotify(7): through a mapping, or under a name outside. */
  stirred(path: RawPath): void;
  lost(what: Loss, count: number | null): void;
  /** What is not seen has changed. */
  changed(): void;
}

export interface Attribution extends AsyncDisposable {
  /** Resolves once armed, or once it is known that it cannot be. */
  readonly started: Promise<void>;
  readonly state: 'armed' | 'down' | 'unavailable';
  /** What cannot be seen of who does it, in words. */
  blind(): readonly string[];
  folder(path: RawPath): void;
  noFolder(path: RawPath): void;
  isMarked(path: RawPath): boolean;
  tell(tiding: Tiding): void;
  /** All that is held back is told. */
  flush(): Promise<void>;
}

const mostHeldMs = 3_000;
/** Files with several names, each marked by itself. */
const mostLinked = 1_024;

export function attribute(options: AttributionOptions): Attribution {
  const { host, log } = options;
  const deeds = createDeeds();
  const folders = new Set<RawPath>();
  const linked = new Set<RawPath>();
  const refused = new Map<RawPath, string>();
  let held: Tiding[] = [];
  let isAsking = false;
  let beyond = 0;
  let events: FileEvents | null = null;
  let state: Attribution['state'] = 'unavailable';
  let why = 'it is being started';

  async function start(): Promise<void> {
    try {
      events = await openFileEvents(host, log, {
        deed, lost: options.lost,
        refused: (kind, path, error) => { if (kind === 'folder' && error !== 'ENOENT') { refused.set(path, error); options.changed(); } },
        changed: (now, reason) => {
          state = now === 'up' ? 'armed' : 'down';
          why = reason;
          if (now === 'down') { options.lost('changes', null); options.lost('opens', null); }
          options.changed();
        },
      });
      state = events.isUp ? 'armed' : 'down';
      why = 'the process that watches files did not start yet';
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
      log[error instanceof UnavailableError ? 'warn' : 'error'](`who changes model files is known only by chance: ${why}`);
    }
    options.changed();
    for (const path of folders) events?.mark('folder', path);
    for (const path of linked) events?.mark('content', path);
    if (events) await events.settled(mostHeldMs);
  }

  function deed(one: Deed): void {
    // Seen by marks of others alone.
    if (!one.seenBy.includes('folder') && !one.seenBy.includes('content')) return;
    if ((one.mask & did.open) !== 0) {
      if ((one.mask & did.folder) === 0) options.opened(one);
      return;
    }
    deeds.note(one);
    if ((one.mask & did.closeWrite) !== 0 || ((one.mask & did.modify) !== 0 && !one.seenBy.includes('folder'))) options.stirred(one.path);
    if (one.target !== null && one.target.links > 1 && (one.mask & did.folder) === 0) followLinked(one.path);
  }

  /** It may be written under a name that lies in no marked folder. */
  function followLinked(path: RawPath): void {
    if (linked.has(path) || linked.size >= mostLinked) return;
    linked.add(path);
    events?.mark('content', path);
  }

  function ask(): void {
    if (isAsking || held.length === 0) return;
    if (state !== 'armed' || events === null) { release(held.length); return; }
    const due = held.length;
    isAsking = true;
    void events.settled(mostHeldMs).then(() => { isAsking = false; release(due); ask(); });
  }

  function release(count: number): void {
    const some = held.slice(0, count);
    held = held.slice(count);
    for (const tiding of some) say(tiding);
  }

  function say(tiding: Tiding): void {
    const { change, path, sight } = tiding;
    if (change === 'removed' && linked.delete(path)) events?.unmark('content', path);
    if (sight !== null && sight.row.target === null && sight.row.links > 1) followLinked(path);
    const file = sight === null ? null
      : { key: targetKey(sight.stat), modifiedAt: Number(sight.stat.mtimeNs / 1_000n) / 1_000, changedAt: Number(sight.stat.ctimeNs / 1_000n) / 1_000 };
    options.tell(tiding, deeds.authorOf({ change, path, file }, Date.now()));
  }

  const started = start();
  return {
    started,
    get state() { return state; },
    isMarked: path => state === 'armed' && folders.has(path) && !refused.has(path),
    folder(path) {
      if (!folders.has(path) && folders.size >= options.maxFolders) { if (beyond++ === 0) options.changed(); return; }
      folders.add(path);
      refused.delete(path);
      events?.mark('folder', path);
    },
    noFolder(path) {
      if (folders.delete(path)) events?.unmark('folder', path);
      refused.delete(path);
    },
    blind() {
      if (state !== 'armed') return [
        `who changes and opens model files, but for whoever still has one open for writing when the notice comes: ${why}`,
        'what is written through a mapping or through a hard link outside the roots is seen at the next rescan only',
      ];
      const [first] = refused;
      return [
        events?.knowsBirths === true ? 'who did it, when it was forked and gone within a fraction of a millisecond: then only its pid is told'
          : 'who did it, when it was gone within a fraction of a millisecond: then only its pid is told (the process connector is not to be had)',
        'what is written through a mapping is seen when the mapping ends, or at the next rescan',
        ...first ? [`who changes what is in ${refused.size} folders that the kernel would not mark (${first[1]})`] : [],
        ...beyond > 0 ? [`who changes what is in folders beyond the first ${options.maxFolders} (maxWatches)`] : [],
      ];
    },
    tell(tiding) {
      // Who put there what was there before is not known, and is not waited for.
      held.push(tiding);
      if (tiding.change === 'found' && held.length === 1) release(1);
      else ask();
    },
    async flush() {
      if (events !== null && state === 'armed') await events.settled(mostHeldMs);
      release(held.length);
    },
    async [Symbol.asyncDispose]() {
      // One that is still being started ends by itself when it is up, or with the agent.
      if (events === null) void started.then(() => events?.[Symbol.asyncDispose]());
      else await events[Symbol.asyncDispose]();
    },
  };
}
