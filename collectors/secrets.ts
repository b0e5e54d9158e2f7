import { realpath, stat } from 'node:fs/promises';
import { z } from 'zod';
import { defineCollector } from '../agent/contract/collector.ts';
import { did } from './kernel/fanotify/record.ts';
import { type Deed, openFileEvents } from './kernel/fanotify/session.ts';
import { candidatesOf } from './kernel/inotify/globs.ts';
import { patterns } from './kernel/inotify/patterns.ts';
import { bytesOf, folderOf, placeOf, type RawPath } from './kernel/inotify/raw-path.ts';

/** Nothing that ordinary programs read all the time, such as /etc/passwd: who reads these has a reason. */
const usualSecrets = [
  '/etc/shadow', '/etc/gshadow', '/etc/ssh/ssh_host_*_key', '/etc/kubernetes/admin.conf', '/etc/kubernetes/pki/*.key', '/etc/krb5.keytab',
  ...['/root', '/home/*'].flatMap(home => [
    '.ssh/*', '.aws/credentials', '.aws/sso/cache/*', '.config/gcloud/*', '.azure/*', '.kube/config', '.docker/config.json', '.netrc', '.git-credentials',
    '.pypirc', '.pgpass', '.huggingface/token', '.cache/huggingface/token', '.gnupg/private-keys-v1.d/*', '.vault-token',
  ].map(name => `${home}/${name}`)),
  ...['/run', '/var/run'].flatMap(run => ['*/serviceaccount/token', 'azure/tokens/*', '*'].map(name => `${run}/secrets/${name}`)),
  '/var/lib/kubelet/pods/*/volumes/kubernetes.io~projected/*/token', '/var/lib/kubelet/pods/*/volumes/kubernetes.io~secret/*/*',
  '/var/lib/kubelet/pki/*.pem',
];
const config = z.strictObject({
  paths: patterns.default(usualSecrets).describe('Files whose every opening is told, whoever opens them. * ? [] {} stand for one name.'),
  rescanMs: z.int().min(1_000).max(86_400_000).default(30_000).describe('How often files that have come are looked for; in known folders they are noticed at once.'),
  maxFiles: z.int().min(1).max(100_000).default(4_096).describe('Files and their folders that are watched; those beyond are not, and the sensor says so.'),
});

const blind = [
  'the same file under another mount that hides it, and copies of it inside containers: only what the host\'s paths lead to is watched',
  'who reads it through a descriptor that was opened before or that another process handed over',
  'who opened it, when it was forked and gone within a fraction of a millisecond: then only its pid is told',
];
/** After a notice: both ends of a replacement are there by then. */
const settleMs = 50;
const leastRescanMs = 1_000;

/** Who opens files that hold credentials. Whether that process has MXNet is not asked here: it carries its ancestors. */
export default defineCollector({
  name: 'secrets',
  needs: ['fanotify'],
  without: 'opens of credentials: password hashes, SSH keys, cloud and cluster tokens',
  config,
  async start({ paths, rescanMs, maxFiles }, port) {
    /** Real path to the name it is configured by. */
    const watched = new Map<RawPath, RawPath>();
    const folders = new Set<RawPath>();
    let tooMany = false;
    let rescanTimer: NodeJS.Timeout | null = null;
    let rescannedAt = Number.NEGATIVE_INFINITY;
    let work: Promise<void> = Promise.resolve();
    let isStopping = false;

    const say = (state: 'armed' | 'degraded', why: readonly string[] = []): void =>
      port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'secrets', level: 'fanotify', state, blind: [...why, ...tooMany ? [`files beyond maxFiles (${maxFiles})`] : [], ...blind] });
    const lost = (count: number | null): void =>
      port.emit({ kind: 'events.lost', at: Date.now(), where: count === null ? 'kernel' : 'collector', what: 'file.accessed', count });

    function deed({ at, mask, path, inside, seenBy, target, by, pid }: Deed): void {
      if (seenBy.includes('names') && folders.has(folderOf(path))) rescanSoon();
      const name = watched.get(path);
      if ((mask & did.open) === 0 || (mask & did.folder) !== 0 || !seenBy.includes('opens') || name === undefined) return;
      if (target === null) lost(1);
      else port.emit({ kind: 'file.accessed', at, place: placeOf(name, inside), file: target.file, what: 'secret', by, ...by === null && pid > 0 ? { gone: pid } : {} });
    }

    await using stack = new AsyncDisposableStack();
    const events = stack.use(await openFileEvents(port.host, port.log, {
      deed, refused: () => { /* Gone again: looked for at the next rescan. */ },
      lost: (what, count) => { if (what === 'opens') lost(count); },
      changed: (state, why) => {
        if (state === 'down') lost(null);
        say(state === 'down' ? 'degraded' : 'armed', state === 'down' ? [`all, for now: ${why}`] : []);
      },
    }));

    /** Marks what is there now; what has been replaced under its name is marked anew. */
    async function rescan(): Promise<void> {
      rescannedAt = performance.now();
      const [files, parents] = [new Map<RawPath, RawPath>(), new Set<RawPath>()];
      const before = tooMany;
      tooMany = false;
      for (const pattern of paths) {
        for (const name of await candidatesOf(pattern)) {
          if (isStopping) return;
          const real = await fileAt(name);
          if (files.size + parents.size >= maxFiles) { tooMany = true; break; }
          if (await isFolder(folderOf(name))) parents.add(folderOf(name));
          if (real !== null && !files.has(real)) { files.set(real, name); parents.add(folderOf(real)); }
        }
      }
      for (const path of watched.keys()) if (!files.has(path)) { watched.delete(path); events.unmark('opens', path); }
      for (const path of folders) if (!parents.has(path)) { folders.delete(path); events.unmark('names', path); }
      for (const [real, name] of files) { watched.set(real, name); events.mark('opens', real); }
      for (const path of parents) { folders.add(path); events.mark('names', path); }
      if (tooMany !== before) say(events.isUp ? 'armed' : 'degraded');
    }

    function rescanSoon(): void {
      rescanTimer ??= setTimeout(() => {
        rescanTimer = null;
        work = work.then(rescan).catch(port.fail);
      }, Math.max(settleMs, rescannedAt + leastRescanMs - performance.now()));
    }

    await rescan();
    await events.settled(leastRescanMs);
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

/** The real path of a file, all links followed; null for what is not there, or is none. */
async function fileAt(name: RawPath): Promise<RawPath | null> {
  try {
    const real = await realpath(bytesOf(name), 'latin1');
    return (await stat(bytesOf(real))).isFile() ? real : null;
  } catch { return null; } // looked for again at the next rescan
}

async function isFolder(path: RawPath): Promise<boolean> {
  try { return (await stat(bytesOf(path))).isDirectory(); } catch { return false; }
}
