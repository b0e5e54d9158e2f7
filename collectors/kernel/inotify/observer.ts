import type { Blindness } from './blindness.ts';
import type { FolderWatchListener } from './folder-watch.ts';
import type { Folders } from './folders.ts';
import type { Folder, Ledger } from './ledger.ts';
import { below, folderOf, nameOf, type RawPath, rawOf } from './raw-path.ts';
import { visitRoots } from './roots.ts';
import type { Telling } from './telling.ts';

export interface ObserverOptions {
  readonly roots: readonly string[];
  readonly pollMs: number;
  readonly rescanMs: number;
  readonly ledger: Ledger;
  readonly folders: Folders;
  readonly telling: Telling;
  readonly blindness: Blindness;
  /** Names that notices speak of, before anything is looked at. */
  stirring(paths: ReadonlySet<RawPath>): void;
  /** Notices were lost in the kernel. */
  overflowed(): void;
  /** Every file there was at the start has been told of. */
  inventoryTaken(): void;
  failed(error: Error): void;
}

/**
 * Does one thing at a time, the most urgent first: what notices name, then new folders to arm, then folders to survey.
 * Owns every timer; whatever waits is done or told before `stop` resolves.
 */
export interface Observer extends FolderWatchListener {
  /** Resolves once all there is now is armed, or after `withinMs`. */
  start(withinMs: number): Promise<void>;
  stop(): Promise<void>;
  /** For Folders: what waits for its turn. */
  opened(path: RawPath): void;
  stirred(path: RawPath): void;
  lookAgain(paths: readonly RawPath[]): void;
  isNoticed(folder: RawPath, name: RawPath): boolean;
  /** All that waits to be looked at, by folder; it waits no longer. */
  takeNoticed(): ReadonlyMap<RawPath, ReadonlySet<RawPath>>;
  /** A breath between pieces of work, in which urgent things are done; false when it is time to stop. */
  between(): Promise<boolean>;
}

/** Notices are gathered this long, so that both ends of a rename are seen together. */
const gatherMs = 20;
/** Of all time, at most this share goes into polling, and this into rescans. */
const pollShare = 0.05;
const rescanShare = 0.01;
/** What a survey takes of a processor, in milliseconds, as measured: however busy the agent is made, the next is not put off. */
const costOf = ({ files, folders, others }: Folder): number => 0.5 + 0.02 * (files.size + folders.size + others.size);
/** Most of the time of arming goes into waiting; surveys stay one by one, as side by side they take 30 MB more. */
const armedTogether = 4;
/** A full rescan after an overflow at most so often. */
const leastRescanMs = 5_000;

export function createObserver(options: ObserverOptions): Observer {
  const { ledger, folders, telling, blindness, roots, pollMs, rescanMs } = options;
  let noticed = new Map<RawPath, Set<RawPath>>();
  let stirring = new Set<RawPath>();
  const arming: RawPath[] = [];
  const surveys = new Map<RawPath, 'all' | 'strange'>();
  const timers: NodeJS.Timeout[] = [];
  let gatherTimer: NodeJS.Timeout | null = null;
  let rescanTimer: NodeJS.Timeout | null = null;
  let isGathered = false;
  let isSettling = false;
  let areRootsDue = true;
  let isStopping = false;
  let isInventoryTaken = false;
  let hasOverflowed = false;
  let wake = (): void => {};
  let armed = (): void => {};
  let work: Promise<void> = Promise.resolve();
  /** When polling, and rescanning, have paid for what they took. */
  let pollFrom = 0;
  let rescanFrom = 0;
  let fullRescanFrom = 0;
  let rescan = ledger.folders.values();
  let dueFolders = 0;

  const push = (path: RawPath, which: 'all' | 'strange'): void => {
    if (surveys.get(path) !== 'all') surveys.set(path, which);
    wake();
  };

  function note(folder: RawPath, name: RawPath): void {
    const names = noticed.get(folder);
    if (names) names.add(name);
    else noticed.set(folder, new Set([name]));
    gatherTimer ??= setTimeout(() => { gatherTimer = null; isGathered = true; wake(); }, gatherMs);
  }

  function notice(folderText: string, name: string | null): void {
    const folder = rawOf(folderText);
    if (name === null) return push(folder, 'all');
    if (name.includes('\ufffd')) return push(folder, 'strange');
    const raw = rawOf(name);
    // A folder's own end is told under its own name; only a root has no parent that tells of it too.
    if (raw === nameOf(folder) && ledger.roots.has(folder)) areRootsDue = true;
    if (stirring.size === 0) setImmediate(() => { const paths = stirring; stirring = new Set(); options.stirring(paths); });
    stirring.add(below(folder, raw));
    note(folder, raw);
  }

  async function settle(): Promise<void> {
    isGathered = false;
    isSettling = true;
    await folders.settle();
    isSettling = false;
  }

  function takeNoticed(): ReadonlyMap<RawPath, ReadonlySet<RawPath>> {
    const taken = noticed;
    noticed = new Map();
    return taken;
  }

  async function loop(): Promise<void> {
    while (!isStopping) {
      telling.hold(noticed.size + arming.length + surveys.size > 0);
      if (isGathered) await settle();
      else if (areRootsDue) await visit();
      else if (arming.length > 0) await armSome();
      else if (surveys.size > 0) await surveyNext();
      else await rest();
      if (arming.length === 0) armed();
    }
  }

  async function visit(): Promise<void> {
    areRootsDue = false;
    await visitRoots(roots, ledger, folders, blindness, isInventoryTaken ? 'created' : 'found');
  }

  async function armSome(): Promise<void> {
    await Promise.all(arming.splice(0, armedTogether).map(folders.arm));
  }

  async function surveyNext(): Promise<void> {
    const [[path, which] = ['', 'all'] as const] = surveys;
    surveys.delete(path);
    await folders.survey(path, which);
  }

  /** Everything has been done. */
  function rest(): Promise<void> {
    if (!isInventoryTaken) {
      isInventoryTaken = true;
      options.inventoryTaken();
    }
    if (hasOverflowed) {
      hasOverflowed = false;
      blindness.remove('overflow', rawOf(roots[0] ?? ''));
    }
    return new Promise(resolve => { wake = resolve; });
  }

  function poll(): void {
    areRootsDue = true;
    wake();
    const now = performance.now();
    if (now < pollFrom) return;
    pollFrom = now;
    for (const folder of ledger.folders.values()) {
      if (folder.watch) continue;
      pollFrom += costOf(folder) / pollShare;
      push(folder.path, 'all');
    }
  }

  /** A few folders at each tick, so that all have had their turn after `rescanMs`. */
  function rescanSome(): void {
    const now = performance.now();
    if (!isInventoryTaken || now < rescanFrom) return;
    rescanFrom = now;
    for (dueFolders += ledger.folders.size * tickMs / rescanMs; dueFolders >= 1; dueFolders--) {
      const next = rescan.next();
      if (next.done) {
        rescan = ledger.folders.values();
        dueFolders = 0;
        forgive();
        return;
      }
      rescanFrom += costOf(next.value) / rescanShare;
      push(next.value.path, 'all');
    }
  }

  /** After a rescan of all: what no longer holds is no longer said. */
  function forgive(): void {
    const areAllWatched = ledger.folders.values().every(folder => folder.watch !== null);
    for (const root of ledger.roots) {
      if (folders.hasRoom()) blindness.remove('tooManyFiles', root);
      if (areAllWatched) blindness.remove('tooManyFolders', root);
    }
  }

  function rescanAll(): void {
    const now = performance.now();
    blindness.add('overflow', rawOf(roots[0] ?? ''));
    if (now < fullRescanFrom) {
      rescanTimer ??= setTimeout(() => { rescanTimer = null; rescanAll(); }, fullRescanFrom - now);
      return;
    }
    fullRescanFrom = now + leastRescanMs;
    hasOverflowed = true;
    for (const path of ledger.folders.keys()) push(path, 'all');
  }

  const tickMs = Math.min(1_000, Math.max(20, rescanMs / 20));
  return {
    notice,
    overflow: () => { options.overflowed(); rescanAll(); },
    trouble: () => rescanAll(),
    opened: path => { arming.push(path); push(path, 'all'); },
    stirred: path => { arming.push(path); push(path, 'all'); },
    lookAgain: paths => { for (const path of paths) note(folderOf(path), nameOf(path)); },
    takeNoticed,
    isNoticed: (folder, name) => noticed.get(folder)?.has(name) ?? false,
    between: async () => {
      await new Promise<void>(resolve => { setImmediate(resolve); });
      if (isGathered && !isSettling && !isStopping) await settle();
      return !isStopping;
    },
    start: withinMs => new Promise(resolve => {
      armed = resolve;
      timers[0] = setInterval(poll, pollMs);
      timers[1] = setInterval(rescanSome, tickMs);
      setTimeout(resolve, withinMs).unref();
      work = loop().catch(options.failed);
    }),
    stop: async () => {
      isStopping = true;
      for (const timer of [...timers, gatherTimer, rescanTimer]) if (timer) clearTimeout(timer);
      wake();
      await work;
      await settle();
      telling.flush();
    },
  };
}
