import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { openCensus } from '../procfs/census.ts';
import { createClock } from '../tracefs/clock.ts';
import { inodeKey } from '../tracefs/probes.ts';
import type { Session } from '../tracefs/session.ts';
import { createSharing, type Shareable } from '../sharing.ts';
import { createAccount, type SensorListener } from './account.ts';
import { decodeRecords } from './decode.ts';
import { createProbes } from './probes.ts';
import { type SensorProcess, startSensor } from './sensor-process.ts';
import type { RecordName } from './table.ts';
import type { Setup, Sight, Told } from './wire.ts';

export interface BpfOptions {
  readonly log: Log;
  /** Of the ring for what may never be pushed out; the other has a quarter of it. The largest that anyone asks for at the start. */
  readonly bufferKb: number;
  readonly syscalls: boolean;
}
export interface BpfListener extends SensorListener {
  /** Told to the first listener only, so that each loss is counted once. Null: some. */
  lostRecords?(what: RecordName | 'any', where: 'kernel' | 'collector', count: number | null): void;
  /** The sensor process ended, or works again. */
  changed?(state: 'armed' | 'down', why: string): void;
}
export interface BpfSession extends Pick<Session, 'census' | 'clock' | 'probes'> {
  /** By what each fact is seen on this kernel. */
  readonly sights: readonly Sight[];
  /** Of the process that owns the programs; changes when that is started again. */
  readonly sensorPid: number;
  join(listener: BpfListener): Disposable;
}
interface Running extends BpfSession, Shareable {}

const flushWithinMs = 1_000;
const reviewMs = 5_000;
const [leastRing, mostRing] = [256 << 10, 64 << 20];
const shared = createSharing<Running>();

/**
 * What the kernel's programs see of all MXNet processes and their trees; one session for each `host.proc`, opened by the
 * first and closed by the last who uses it. Throws UnavailableError with the reason where the programs do not work.
 */
export async function openBpfSession(host: HostPaths, options: BpfOptions): Promise<BpfSession & AsyncDisposable> {
  const share = await shared(`${host.proc}\0${host.sys}`, () => run(host, options));
  const { census, clock, probes, sights } = share.running;
  return {
    census, clock, probes, sights,
    get sensorPid() { return share.running.sensorPid; },
    join: listener => share.joined.use(share.running.join(listener)),
    [Symbol.asyncDispose]: () => share[Symbol.asyncDispose](),
  };
}

async function run(host: HostPaths, { log, bufferKb, syscalls }: BpfOptions): Promise<Running> {
  const clock = createClock(host.proc);
  const listeners = new Set<BpfListener>();
  const lost = (what: RecordName | 'any', where: 'kernel' | 'collector', count: number | null): void => {
    [...listeners].find(each => each.lostRecords !== undefined)?.lostRecords?.(what, where, count);
  };
  await using stack = new AsyncDisposableStack();
  const account = createAccount({
    host, siteOf: probe => probes.sites.get(probe), tell: toAll(listeners),
    lost: (what, count) => lost(what === 'mxnet.called' ? 'entered' : 'any', 'collector', count),
  });
  const hearer = {
    records(bytes: Buffer): void {
      const decoded = decodeRecords(bytes);
      for (const record of decoded.records) account.hear(record);
      if (decoded.lost > 0) lost('any', 'collector', decoded.lost);
    },
    told(told: Told): void {
      switch (told.kind) {
        case 'adopted': account.adopt(told.root, told.members); break;
        case 'moved': account.moved(told); break;
        case 'lost': lost(told.what, told.where, told.count); break;
        case 'trouble': log.warn(`kernel sensor: ${told.text}`); break;
        case 'ready': case 'unavailable': case 'done': break;
        default: told satisfies never;
      }
    },
  };
  const ring = ringBytes(bufferKb);
  const setup: Setup = { proc: host.proc, sys: host.sys, mainBytes: ring, bulkBytes: Math.max(leastRing, ring / 4), syscalls };
  const supervised = stack.use(await supervise(() => startSensor(setup, hearer), log, {
    down(why) {
      lost('any', 'collector', null);
      for (const listener of listeners) listener.changed?.('down', why);
    },
    async again(sensor) {
      account.restart();
      for (const unseen of await probes.again()) log.error('a library cannot be probed again', { why: unseen });
      for (const pid of new Set([...account.roots, ...census.members.keys()])) sensor.send({ do: 'watch', pid });
      for (const listener of listeners) listener.changed?.('armed', 'the kernel is watched again; what happened meanwhile was not seen');
    },
  }));
  const none = new Error('the sensor process does not run');
  const probes = createProbes({
    attach: (path, places, file) => supervised.sensor?.ask(id => ({ do: 'attach', id, path, places, file })) ?? Promise.reject(none),
    detach: numbers => supervised.sensor?.ask(id => ({ do: 'detach', id, probes: numbers })) ?? Promise.resolve([]),
    inUse: key => [...census.members.values()].some(member => member.libraries.some(library => inodeKey(library.file) === key)),
  });
  // The programs are there before anyone looks into /proc: no process slips through between the two.
  const census = stack.use(await openCensus(host, error => log.warn(error.message)));
  census.join({ mapped: member => supervised.sensor?.send({ do: 'watch', pid: member.process.pid }) });
  const timer = setInterval(() => account.review(), reviewMs);
  stack.defer(() => { clearInterval(timer); });

  const owned = stack.move();
  return {
    census, clock, probes, sights: supervised.sensor?.sights ?? [],
    get sensorPid() { return supervised.sensor?.pid ?? 0; },
    join(listener) { listeners.add(listener); return { [Symbol.dispose]() { listeners.delete(listener); } }; },
    async flush() {
      const answered = supervised.sensor?.ask(id => ({ do: 'answer', id })).catch(() => { /* It has ended: nothing more will come. */ });
      const late = Promise.withResolvers<void>();
      const timeout = setTimeout(late.resolve, flushWithinMs);
      await Promise.race([answered, late.promise]);
      clearTimeout(timeout);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A power of two, as the kernel wants it. */
const ringBytes = (kb: number): number => Math.min(mostRing, Math.max(leastRing, 2 ** Math.ceil(Math.log2(kb * 4 * 1024))));

function toAll(listeners: ReadonlySet<BpfListener>): Required<SensorListener> {
  return {
    entering: told => { for (const each of listeners) each.entering?.(told); },
    called: told => { for (const each of listeners) each.called?.(told); },
    executed: told => { for (const each of listeners) each.executed?.(told); },
    exited: told => { for (const each of listeners) each.exited?.(told); },
    connected: told => { for (const each of listeners) each.connected?.(told); },
    transferred: told => { for (const each of listeners) each.transferred?.(told); },
    noticed: told => { for (const each of listeners) each.noticed?.(told); },
  };
}

const [firstWaitMs, longestWaitMs, steadyAfterMs] = [100, 10_000, 60_000];
interface Events { down(why: string): void; again(sensor: SensorProcess): Promise<void> }

/** Keeps a sensor process alive. With it go its programs and all that they knew. */
async function supervise(start: () => Promise<SensorProcess>, log: Log, { down, again }: Events): Promise<{ readonly sensor: SensorProcess | undefined } & AsyncDisposable> {
  let sensor: SensorProcess | undefined;
  let closing = false;
  let waitMs = firstWaitMs;
  let timer: NodeJS.Timeout | undefined;

  function watch(started: SensorProcess): void {
    const startedAt = performance.now();
    sensor = started;
    void started.ended.then(why => {
      sensor = undefined;
      if (closing) return;
      if (performance.now() - startedAt > steadyAfterMs) waitMs = firstWaitMs;
      down(`the process that watches the kernel ended (${why}); it is started again`);
      retry(why);
    });
  }

  function retry(why: string): void {
    log.error('the process that watches the kernel ended; it is started again', { why, waitMs });
    timer = setTimeout(() => {
      start().then(async started => {
        if (closing) { await started.kill(); return; }
        watch(started);
        await again(started);
      }).catch((error: unknown) => {
        if (!closing && sensor === undefined) retry(String(error)); else log.error('the kernel is not watched as before', { error });
      });
    }, waitMs);
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  }

  watch(await start());
  return {
    get sensor() { return sensor; },
    async [Symbol.asyncDispose]() { closing = true; clearTimeout(timer); await sensor?.kill(); },
  };
}
