import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import { type Attribution, attribute } from './kernel/fanotify/attribution.ts';
import type { Author } from './kernel/fanotify/deeds.ts';
import type { Deed } from './kernel/fanotify/session.ts';
import { type Cause, trackBlindness } from './kernel/inotify/blindness.ts';
import { type FolderWatch, isCrippled, watchFolders } from './kernel/inotify/folder-watch.ts';
import { keepFolders } from './kernel/inotify/folders.ts';
import { type NameFilter, nameFilter } from './kernel/inotify/globs.ts';
import { createLedger, type Ledger } from './kernel/inotify/ledger.ts';
import { cureOf, type Limits, readLimits } from './kernel/inotify/limits.ts';
import { createObserver, type Observer } from './kernel/inotify/observer.ts';
import { folderOf, nameOf, placeOf, type RawPath, rawOf } from './kernel/inotify/raw-path.ts';
import { createTelling, type Tiding } from './kernel/inotify/telling.ts';
import { searchWriters } from './kernel/inotify/writer.ts';
import { fileIdentity } from './kernel/procfs/describe.ts';

const pattern = z.string().min(1).max(4_095);
const config = z.strictObject({
  roots: z.array(pattern.refine(root => !root.includes('**'), '** would walk the whole disk: a * stands for one folder name')).max(256)
    .default(['./models', '/opt/ml/model', '/var/lib/*/models'])
    .describe('Folders that models live in, each with all below it; they need not exist yet. * ? [] {} stand for one folder name.'),
  include: z.array(pattern).max(256).default([])
    .describe('Patterns of the files to watch, below a root, or of names when without a slash; empty for all: who attacks chooses the names.'),
  exclude: z.array(pattern).max(256).default([]).describe('Patterns of files and folders not to watch.'),
  stableMs: z.int().min(20).max(60_000).default(500).describe('A written file is reported when its size and time of change stood still so long.'),
  maxUnstableMs: z.int().min(100).max(3_600_000).default(10_000).describe('... and at the latest after so long, and then again.'),
  rescanMs: z.int().min(200).max(86_400_000).default(60_000)
    .describe('All is compared with what was last seen in about this time, a little at a time, at most 1 % of it busy.'),
  pollMs: z.int().min(100).max(3_600_000).default(2_000)
    .describe('How often roots that do not exist yet, and file systems without notification, are looked at; at most 5 % of it busy.'),
  forcePoll: z.boolean().default(false).describe('Treat every file system as one without notification.'),
  followOutside: z.boolean().default(false).describe('Watch folders outside the roots that links lead to.'),
  maxFiles: z.int().min(1).max(5_000_000).default(200_000)
    .describe('Files and folders; what is beyond is not watched, and the sensor says so. Some 400 bytes each.'),
  maxWatches: z.int().min(0).max(1_000_000).default(10_000)
    .describe('Folders with an inotify watch, which takes some 10 kB each; folders beyond are polled, and the sensor says so.'),
  askWho: z.boolean().default(true).describe('Ask the kernel (fanotify) who changes and opens files in the roots; needs CAP_SYS_ADMIN.'),
  opens: z.boolean().default(true).describe('Tell also who opens them, whatever for; with askWho only.'),
});
type Config = z.infer<typeof config>;

const sensor = 'watch';
/** Start does not wait longer for the arming of a huge tree. */
const startMs = 1_000;
/** Nor for the process that says who: it is told when that comes later. */
const askMs = 5_000;
const renameMs = 150;
/** A change is dated by the file's ctime, which nobody can set, unless that is as old as this. */
const mostLateMs = 120_000;

export default defineCollector<Config>({
  name: 'watch',
  config,
  needs: ['inotify'],
  without: 'changes of model files are seen only by comparing, every pollMs',
  async start(config, port) {
    const limits = readLimits(port.host);
    const writers = searchWriters(port.host);
    const ledger = createLedger();
    const blindness = trackBlindness(wordsFor(config, limits), () => { if (hasStarted) sayState(); });
    const filter = nameFilter(config.include, config.exclude);
    const firstRoot = rawOf(config.roots[0] ?? '');
    let hasStarted = false;
    let isLimited = false;
    function sayState(): void {
      const wasLimited = isLimited;
      isLimited = blindness.has('watches') || blindness.has('instances');
      if (isLimited && !wasLimited) port.emit({ kind: 'events.lost', at: Date.now(), where: 'kernel', what: 'file.changed', count: null });
      const blind = [...blindness.lines(), ...authors?.state === 'down' ? authors.blind() : []];
      const state = blindness.isDegraded() || authors?.state === 'down' ? 'degraded' : 'armed';
      if (state === 'degraded') port.log.error('the watch on model files is not whole', { blind });
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor, level: authors?.state === 'armed' ? 'fanotify' : 'unprivileged', state, blind: [...new Set([...blind, ...authors?.blind() ?? blindOfWho, ...alwaysBlind])] });
    }
    const authors = !config.askWho ? null : askWho(config, port, {
      ledger, filter, lookAgain: path => observer.lookAgain([path]), changed: () => { if (hasStarted) sayState(); },
      tell: (tiding, author) => tell(tiding, port, author.by ? author : { ...author, by: isAsked(tiding.path) ? null : writerNow(tiding) }),
    });
    const isAsked = (path: RawPath): boolean => authors?.isMarked(folderOf(path)) ?? false;
    const writerNow = ({ sight, change }: Tiding) => (sight && change !== 'found' ? writers.writerOf(sight.row) : null);
    const telling = createTelling({
      stableMs: config.stableMs, maxUnstableMs: config.maxUnstableMs, renameMs,
      tell: tiding => (authors ? authors.tell(tiding) : tell(tiding, port, { by: writerNow(tiding), pid: null })),
      lookAgain: paths => observer.lookAgain(paths),
    });
    const watch: FolderWatch = watchFolders(limits.queuedEvents ?? Number.POSITIVE_INFINITY, {
      notice: (folder, name) => observer.notice(folder, name),
      overflow: () => observer.overflow(),
      trouble: error => { port.log.warn('a watch ended by itself; all is compared again', { reason: error.message }); observer.trouble(error); },
    });
    const folders = keepFolders({
      ...config, forcePoll: config.forcePoll || isCrippled(), host: port.host, log: port.log, ledger, telling, blindness, watch,
      filter, startedNs: BigInt(Date.now()) * 1_000_000n,
      opened: path => { authors?.folder(path); observer.opened(path); },
      closed: path => authors?.noFolder(path),
      stirred: path => observer.stirred(path),
      isNoticed: (folder, name) => observer.isNoticed(folder, name),
      takeNoticed: () => observer.takeNoticed(),
      between: () => observer.between(),
    });
    const observer: Observer = createObserver({
      ...config, ledger, folders, telling, blindness,
      // Where the kernel tells who it was, nobody is searched for.
      stirring: paths => { const unasked = paths.values().filter(path => !isAsked(path)).toArray(); if (unasked.length > 0) writers.search(new Set(unasked)); },
      overflowed: () => {
        port.log.error('the kernel may have dropped notices; all is compared again', { cure: cureOf.queue(limits) });
        port.emit({ kind: 'events.lost', at: Date.now(), where: 'kernel', what: 'file.changed', count: null });
      },
      inventoryTaken: () => {
        blindness.remove('inventory', firstRoot);
        port.log.info('inventory of the model roots taken', { roots: ledger.roots.size, folders: ledger.folders.size, files: ledger.size() });
      },
      failed: error => port.fail(error),
    });
    blindness.add('inventory', firstRoot);
    await Promise.all([observer.start(startMs), authors && Promise.race([authors.started, delay(askMs, undefined, { ref: false })])]);
    hasStarted = true;
    sayState();
    return {
      async [Symbol.asyncDispose]() {
        hasStarted = false;
        await observer.stop();
        await authors?.flush();
        await authors?.[Symbol.asyncDispose]();
        await watch.close();
      },
    };
  },
});

interface AskedBy {
  readonly ledger: Ledger;
  readonly filter: NameFilter;
  lookAgain(path: RawPath): void;
  changed(): void;
  tell(tiding: Tiding, author: Author): void;
}

/** Who does it, asked of the kernel; who opens a file is told here, as nothing in the folder changes by it. */
function askWho(config: Config, port: CollectorPort, { ledger, filter, lookAgain, changed, tell }: AskedBy): Attribution {
  function opened({ at, path, inside, target, by, pid }: Deed): void {
    const folder = ledger.folders.get(folderOf(path));
    if (!config.opens || !folder || !(folder.files.has(nameOf(path)) || filter.file(path.slice(folder.root.length + 1)))) return;
    if (target === null) port.emit({ kind: 'events.lost', at, where: 'collector', what: 'file.accessed', count: 1 });
    else port.emit({ kind: 'file.accessed', at, place: placeOf(path, inside), file: target.file, what: 'model', by, ...by === null && pid > 0 ? { gone: pid } : {} });
  }
  return attribute({
    host: port.host, log: port.log, maxFolders: config.maxWatches, tell, opened, changed,
    stirred: path => { if (ledger.folders.has(folderOf(path))) lookAgain(path); },
    lost: (what, count) => port.emit({
      kind: 'events.lost', at: Date.now(), where: count === null ? 'kernel' : 'collector', what: what === 'opens' ? 'file.accessed' : 'file.changed', count,
    }),
  });
}

function tell({ change, path, from, sight }: Tiding, port: CollectorPort, author: Author): void {
  const now = Date.now();
  const ctime = sight ? Number(sight.stat.ctimeNs / 1_000n) / 1_000 : now;
  port.emit({
    kind: 'file.changed', change, place: placeOf(path, author.by ? author.inside : null), ...(from === null ? {} : { from: placeOf(from) }),
    at: change !== 'found' && ctime <= now && now - ctime < mostLateMs ? ctime : now,
    file: sight ? fileIdentity(sight.stat) : null,
    access: sight ? { uid: sight.row.uid, gid: sight.row.gid, mode: sight.row.mode } : null,
    by: author.by, ...author.by === null && author.pid !== null ? { gone: author.pid } : {},
  });
}

const blindOfWho = [
  'who writes a file is known only when it is still open for writing when the notice of it comes; of several writers, one',
  'what is written through a mapping or through a hard link outside the roots is seen at the next rescan only',
];
const alwaysBlind = [
  'what is written below an overlay is seen at the next rescan only',
  'a change that is undone before it is looked at, within some 20 ms, is not seen',
] as const;

const wordsFor = (config: Config, limits: Limits): Readonly<Record<Cause, string>> => ({
  watches: `polled every ${config.pollMs} ms, as the limit of inotify watches (${limits.watches ?? 'unknown'}) is reached; ${cureOf.watches(limits)}`,
  instances: `polled every ${config.pollMs} ms, as the limit of inotify instances or open files is reached; ${cureOf.instances(limits)}`,
  refused: `polled every ${config.pollMs} ms, as the kernel refused to watch it`,
  unnamed: `polled every ${config.pollMs} ms, as its name is not UTF-8`,
  unnotified: `polled every ${config.pollMs} ms, as its file system does not tell of all changes`,
  forced: `polled every ${config.pollMs} ms, as forcePoll or CHOKIDAR_USEPOLLING says`,
  unreadable: 'cannot be read, so not watched',
  tooLong: 'not watched, as its path is longer than the kernel takes (4,095 bytes)',
  tooManyFiles: `more files and folders than maxFiles (${config.maxFiles}), so those met later are not watched at all, below`,
  tooManyFolders: `more folders than maxWatches (${config.maxWatches}), so those met later are polled every ${config.pollMs} ms, below`,
  leadsOut: 'a link leads out of the roots, so changes there are seen at the next rescan or, in a folder, not at all',
  overflow: `the kernel may have dropped notices and all is compared again; ${cureOf.queue(limits)}; first root`,
  inventory: 'the first inventory goes on, so not every file is known yet; first root',
  missing: `does not exist yet, looked for every ${config.pollMs} ms`,
});
