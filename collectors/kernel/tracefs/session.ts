import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { openCensus } from '../procfs/census.ts';
import type { Census } from '../procfs/member.ts';
import { createSharing, type Shareable } from '../sharing.ts';
import { createAccount, type Listener } from './account.ts';
import { type Armed, armed, connect, requireRoot, type SessionOptions } from './arm.ts';
import { tracefsAnswers } from './answer.ts';
import { type Clock, createClock } from './clock.ts';
import { put } from './instance.ts';
import { createProbes, inodeKey, type Probes } from './probes.ts';
import { type Reader, startReader } from './reader-process.ts';
import type { Layout, Purpose, Reply } from './wire.ts';

export interface SessionListener extends Listener {
  /** Told to the first listener only, so that each loss is counted once. Null: some. */
  lost?(purpose: Purpose, where: 'kernel' | 'collector', count: number | null): void;
  /** The reader process ended, or reads again. */
  changed?(state: 'armed' | 'down', why: string): void;
}
export interface Session {
  readonly census: Census;
  readonly clock: Clock;
  readonly probes: Probes;
  /** Kernel events that are not there, as SYSTEM/EVENT. */
  readonly absent: readonly string[];
  /** Of the process that reads the buffers; changes when that is started again. */
  readonly readerPid: number;
  join(listener: SessionListener): Disposable;
}
interface Running extends Session, Shareable { widen(bufferKb: number): Promise<void> }

const flushWithinMs = 1_000;
const shared = createSharing<Running>();

/**
 * The kernel's records of all MXNet processes and their trees; one session for each tracefs, opened by the first and
 * closed by the last who uses it. Throws UnavailableError where there is no root or no tracefs.
 */
export async function openSession(host: HostPaths, options: SessionOptions): Promise<Session & AsyncDisposable> {
  const share = await shared(`${host.tracefs}\0${host.proc}`, () => run(host, options));
  try { await share.running.widen(options.bufferKb); } catch (error) { await share[Symbol.asyncDispose](); throw error; }
  const { census, clock, probes, absent } = share.running;
  return {
    census, clock, probes, absent,
    get readerPid() { return share.running.readerPid; },
    join: listener => share.joined.use(share.running.join(listener)),
    [Symbol.asyncDispose]: () => share[Symbol.asyncDispose](),
  };
}

async function run(host: HostPaths, { log, bufferKb, mount }: SessionOptions): Promise<Running> {
  requireRoot();
  if (!await tracefsAnswers(host.tracefs)) throw new UnavailableError(`the kernel's tracing at ${host.tracefs} does not answer: it hangs, most likely since a kernel Oops (see dmesg); only a reboot mends it`);
  const clock = createClock(host.proc);
  await using stack = new AsyncDisposableStack();
  // It takes longer to start than all the rest, and needs nothing of it.
  const early = startReader(host);
  stack.defer(async () => { await early.then(reader => reader.kill(), () => { /* told where it is awaited */ }); });
  const site = stack.use(await armed(host, { log, bufferKb, mount }));
  const census = stack.use(await openCensus(host, error => log.warn(error.message)));
  const listeners = new Set<SessionListener>();
  let learned: readonly Layout[] = [];
  const lost = (purpose: Purpose, where: 'kernel' | 'collector', count: number | null): void => {
    [...listeners].find(each => each.lost !== undefined)?.lost?.(purpose, where, count);
  };

  const probes = createProbes({
    tracefs: host.tracefs, proc: host.proc, run: site.run, architecture: process.arch,
    inUse: key => [...census.members.values()].some(member => member.libraries.some(library => inodeKey(library.file) === key)),
    async learn(layouts) {
      learned = [...learned.filter(layout => probes.sites.has(layout.probe)), ...layouts];
      // When it ends before it answers, the next reader learns it from `learned`.
      await supervised.reader?.ask(id => ({ do: 'learn', id, purpose: 'api', layouts })).catch(() => {});
    },
  });
  const account = stack.use(createAccount({
    host, clock, siteOf: probe => probes.sites.get(probe), tell: toAll(listeners),
    follow: pid => supervised.reader?.send({ do: 'follow', pid }),
    lost: (what, count) => lost(what === 'mxnet.called' ? 'api' : what === 'process.executed' ? 'tree' : 'bytes', 'collector', count),
  }));
  const onReply = (reply: Reply): void => {
    switch (reply.kind) {
      case 'lost': lost(reply.purpose, reply.where, reply.count); break;
      case 'trouble': log.warn(`tracefs reader: ${reply.text}`); break;
      case 'ready': case 'done': break;
      default: account.hear(reply);
    }
  };
  const changed = (state: 'armed' | 'down', why: string): void => {
    if (state === 'down') for (const purpose of ['api', 'tree', 'bytes'] as const) lost(purpose, 'collector', null);
    for (const listener of listeners) listener.changed?.(state, why);
  };
  const supervised = stack.use(await supervise({ early, host, log, site, learned: () => learned, onReply, roots: () => account.roots, changed }));
  census.join({ mapped({ process: who }) { if (!account.has(who)) supervised.reader?.send({ do: 'follow', pid: who.pid }); } });
  const reviews = [setInterval(() => account.review(), 5_000), setInterval(() => account.reviewCalls(), 250)];
  stack.defer(() => { for (const each of reviews) clearInterval(each); });

  const owned = stack.move();
  return {
    census, clock, probes, absent: site.instances.flatMap(instance => instance.absent),
    get readerPid() { return supervised.reader?.pid ?? 0; },
    join(listener) { listeners.add(listener); return { [Symbol.dispose]() { listeners.delete(listener); } }; },
    async widen(kb) {
      if (kb <= bufferKb) return;
      bufferKb = kb;
      for (const { folder } of site.instances) await put(`${folder}/buffer_size_kb`, String(kb));
    },
    async flush() {
      const answered = supervised.reader?.ask(id => ({ do: 'answer', id })).catch(() => { /* It has ended: nothing more will come. */ });
      await Promise.race([answered, sleep(flushWithinMs)]);
      account.flush();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function toAll(listeners: ReadonlySet<SessionListener>): Required<Listener> {
  return {
    entering: told => { for (const each of listeners) each.entering?.(told); },
    called: told => { for (const each of listeners) each.called?.(told); },
    executed: told => { for (const each of listeners) each.executed?.(told); },
    exited: told => { for (const each of listeners) each.exited?.(told); },
    connected: told => { for (const each of listeners) each.connected?.(told); },
    transferred: told => { for (const each of listeners) each.transferred?.(told); },
  };
}

interface Supervision {
  readonly early: Promise<Reader>;
  readonly host: HostPaths;
  readonly log: Log;
  readonly site: Armed;
  learned(): readonly Layout[];
  onReply(reply: Reply): void;
  roots(): Iterable<number>;
  changed(state: 'armed' | 'down', why: string): void;
}

const [firstWaitMs, longestWaitMs, steadyAfterMs] = [100, 10_000, 60_000];

/** Keeps a reader alive: the kernel's buffers survive it, so a new one goes on where it ended. */
async function supervise(given: Supervision): Promise<{ readonly reader: Reader | undefined } & AsyncDisposable> {
  const { early, host, log, site, learned, onReply, roots, changed } = given;
  let reader: Reader | undefined;
  let closing = false;
  let waitMs = firstWaitMs;
  let timer: NodeJS.Timeout | undefined;

  async function begin(starting: Promise<Reader>): Promise<void> {
    const started = await starting;
    const startedAt = performance.now();
    started.hear(onReply);
    await connect(site, learned(), started);
    if (closing) { await started.kill(); return; }
    reader = started;
    for (const pid of roots()) reader.send({ do: 'follow', pid });
    void started.ended.then(why => {
      reader = undefined;
      if (closing) return;
      if (performance.now() - startedAt > steadyAfterMs) waitMs = firstWaitMs;
      changed('down', `the process that reads kernel events ended (${why}); it is started again, and goes on where the kernel's buffers begin`);
      again(why);
    });
  }

  function again(why: string): void {
    log.error('the process that reads kernel events ended; it is started again', { why, waitMs });
    timer = setTimeout(() => {
      begin(startReader(host)).then(
        () => { if (!closing) changed('armed', 'kernel events are read again; some may have been lost meanwhile'); },
        error => { if (!closing) again(String(error)); },
      );
    }, waitMs);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  }

  await begin(early);
  return {
    get reader() { return reader; },
    async [Symbol.asyncDispose]() { closing = true; clearTimeout(timer); await reader?.kill(); },
  };
}
