import { lstatSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import type { FileChanged } from '../agent/contract/event.ts';
import type { Process } from '../agent/contract/process.ts';
import { did } from './kernel/fanotify/record.ts';
import { type Deed, openFileEvents } from './kernel/fanotify/session.ts';
import { patterns } from './kernel/inotify/patterns.ts';
import { createPlaces, type Places } from './kernel/inotify/places.ts';
import { below, bytesOf, folderOf, placeOf, type RawPath } from './kernel/inotify/raw-path.ts';
import { openCensus } from './kernel/procfs/census.ts';
import { fileIdentity } from './kernel/procfs/describe.ts';
import type { Census } from './kernel/procfs/member.ts';
import { createBudget } from './kernel/tracefs/budget.ts';

/** From where the system, a login or a shell runs things by itself, and what says who may do what. */
const usualFiles = [
  ...['ld.so.preload', 'ld.so.conf', 'crontab', 'anacrontab', 'passwd', 'shadow', 'group', 'gshadow', 'sudoers', 'doas.conf', 'rc.local', 'inittab', 'profile', 'bash.bashrc', 'environment', 'modules', 'pam.conf'],
  ...['ld.so.conf.d', 'cron.d', 'cron.hourly', 'cron.daily', 'cron.weekly', 'cron.monthly', 'sudoers.d', 'pam.d', 'security', 'profile.d', 'init.d', 'update-motd.d', 'udev/rules.d', 'modules-load.d', 'modprobe.d', 'apt/apt.conf.d', 'logrotate.d', 'xdg/autostart', 'ssh/sshd_config.d', 'systemd/system', 'systemd/system/*', 'systemd/user', 'systemd/user/*'].map(folder => `${folder}/*`),
  'ssh/{sshd_config,sshrc}',
].map(name => `/etc/${name}`).concat(
  '/var/spool/cron/*', '/var/spool/cron/{crontabs,atjobs}/*', '/var/spool/at/*',
  ['/root', '/home/*'].flatMap(home => [
    '.{bashrc,bash_profile,bash_login,bash_logout,bash_aliases,profile,zshrc,zshenv,zprofile,zlogin,xinitrc,xprofile,xsessionrc}', '.ssh/{authorized_keys,authorized_keys2,rc,environment}',
    '.config/systemd/user/*', '.config/systemd/user/*/*', '.config/autostart/*', '.ipython/profile_*/startup/*', '.config/fish/{config.fish,conf.d/*}',
  ].map(name => `${home}/${name}`)),
);
const config = z.strictObject({
  paths: patterns.default(usualFiles).describe('Files of which it is told who of the trees with MXNet creates, writes or puts them there. * ? [] {} stand for one name.'),
  rescanMs: z.int().min(1_000).max(86_400_000).default(30_000).describe('How often folders that have come are looked for; in known folders they are noticed at once.'),
  maxFolders: z.int().min(1).max(100_000).default(1_024).describe('Folders of these files that are watched; those beyond are not, and the sensor says so.'),
});

const blind = [
  'who writes through a mapping or keeps the file open, until it is closed',
  'who was forked and gone within a fraction of a millisecond, or has lost its ancestors: whether it belongs to a tree with MXNet is then not known, and it is not told',
  'files that only a container has, files to which a link leads from such a folder, and files of /proc, /sys and control groups',
  'what is written in the first milliseconds of a new folder is taken for its maker\'s',
];
const tellsPerSecond = 100;
const leastRescanMs = 1_000;
/** Whoever makes and removes folders without end must not keep us looking. */
const restRatio = 20;

/** Who of the trees with MXNet changes files by which the system is set up. */
export default defineCollector({
  name: 'system-files',
  needs: ['fanotify'],
  without: 'who of MXNet\'s processes writes jobs of cron, units of systemd, start files of shells, keys that may log in, preloaded libraries',
  config,
  async start({ paths, rescanMs, maxFolders }, port) {
    const places = createPlaces(paths, maxFolders);
    let rescanTimer: NodeJS.Timeout | null = null;
    let rescannedAt = Number.NEGATIVE_INFINITY;
    let tookMs = 0;
    let work: Promise<void> = Promise.resolve();
    let isStopping = false;
    /** Of folders that came a moment ago and may be among ours: who made them. */
    const makers = new Map<RawPath, Deed>();
    /** Folders in which one of ours would come to be. */
    let awaited: ReadonlySet<RawPath> = new Set();

    const say = (state: 'armed' | 'degraded', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'system-files', level: 'fanotify', state, blind: [...why, ...places.tooMany ? [`folders beyond maxFolders (${maxFolders})`] : [], ...blind] });
    const lost = (count: number | null): void =>
      port.emit({ kind: 'events.lost', at: Date.now(), where: count === null ? 'kernel' : 'collector', what: 'file.changed', count });

    await using stack = new AsyncDisposableStack();
    const census = stack.use(await openCensus(port.host, error => port.log.warn(error.message)));
    const tell = createTeller(port, census, places, lost);

    function heard(deed: Deed): void {
      if (!deed.seenBy.includes('writes') && !deed.seenBy.includes('names')) return;
      if ((deed.mask & did.folder) !== 0) {
        if (!places.mayHold(deed.path)) return;
        if (makers.size < maxFolders) makers.set(deed.path, deed); else lost(1);
        rescanSoon();
      } else tell(deed);
    }

    const events = stack.use(await openFileEvents(port.host, port.log, {
      deed: heard, refused: (kind, path, error) => { if (kind === 'writes' && error !== 'ENOENT') port.log.warn('a folder of the system is not watched', { path, why: error }); },
      lost: (what, count) => { if (what === 'changes') lost(count); },
      changed: (state, why) => {
        if (state === 'down') lost(null);
        say(state === 'down' ? 'degraded' : 'armed', state === 'down' ? [`all, for now: ${why}`] : []);
      },
    }));

    async function rescan(): Promise<void> {
      rescannedAt = performance.now();
      const before = places.tooMany;
      const made = new Map(makers);
      makers.clear();
      const { there, gone, above } = await places.look();
      tookMs = performance.now() - rescannedAt;
      if (isStopping) return;
      for (const path of awaited) if (!above.has(path)) events.unmark('names', path);
      for (const path of above) events.mark('names', path);
      awaited = above;
      for (const path of gone) events.unmark('writes', path);
      // Each again: another folder may have its name by now.
      for (const path of there) events.mark('writes', path);
      await events.settled(leastRescanMs);
      for (const path of there) {
        const maker = makerOf(made, path);
        if (maker !== undefined) for (const file of await filesIn(path)) tell({ ...maker, path: file, inside: null, mask: did.create, target: null });
      }
      if (places.tooMany !== before) say(events.isUp ? 'armed' : 'degraded');
    }

    /** The first at once: whoever makes a folder may write into it next. */
    function rescanSoon(): void {
      rescanTimer ??= setTimeout(() => {
        rescanTimer = null;
        work = work.then(rescan).catch(port.fail);
      }, Math.max(0, rescannedAt + Math.max(leastRescanMs, restRatio * tookMs) - performance.now()));
    }

    await rescan();
    const timer = setInterval(rescanSoon, rescanMs);
    if (events.isUp) say('armed');
    else say('degraded', ['all, for now: the process that watches files did not start yet']);
    const running = stack.move();
    return {
      async [Symbol.asyncDispose]() {
        isStopping = true;
        clearInterval(timer);
        if (rescanTimer) clearTimeout(rescanTimer);
        await work;
        await running.disposeAsync();
      },
    };
  },
});

/** Tells what a process of a tree with MXNet did; of all others, nothing is kept. */
function createTeller(port: CollectorPort, { members }: Census, places: Places, lost: (count: number) => void): (deed: Deed) => void {
  const mayTell = createBudget(tellsPerSecond);
  const isMember = ({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }): boolean => members.get(pid)?.process.startTicks === startTicks;
  const isOurs = (by: Process | null): by is Process => by !== null && [by, ...by.ancestors].some(isMember);
  return ({ at, mask, path, inside, by }) => {
    const name = places.nameOf(path);
    if (name === null || !isOurs(by)) return;
    if (!mayTell()) { lost(1); return; }
    port.emit({ kind: 'file.changed', at, place: placeOf(name, inside), change: changeOf(mask), ...seenAt(path), by, what: 'system' });
  };
}

const changeOf = (mask: number): FileChanged['change'] => (mask & did.movedTo) !== 0 ? 'renamed' : (mask & did.create) !== 0 ? 'created' : 'written';

/** The file as it is now, no link followed. */
function seenAt(path: RawPath): Pick<FileChanged, 'file' | 'access'> {
  try {
    const stat = lstatSync(bytesOf(path), { bigint: true });
    return { file: fileIdentity(stat), access: { uid: Number(stat.uid), gid: Number(stat.gid), mode: Number(stat.mode & 0o7777n) } };
  } catch { return { file: null, access: null }; } // gone again
}

/** Who made the folder, or one above it. */
const makerOf = (makers: ReadonlyMap<RawPath, Deed>, path: RawPath): Deed | undefined =>
  makers.get(path) ?? (path === '/' ? undefined : makerOf(makers, folderOf(path)));

const mostListed = 256;
async function filesIn(folder: RawPath): Promise<RawPath[]> {
  try {
    const real = await realpath(bytesOf(folder), 'latin1');
    return (await readdir(bytesOf(real), { encoding: 'latin1', withFileTypes: true })).filter(entry => !entry.isDirectory()).slice(0, mostListed).map(entry => below(real, entry.name));
  } catch { return []; } // gone again
}
