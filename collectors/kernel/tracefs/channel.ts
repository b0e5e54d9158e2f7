import { closeSync, constants, openSync, read, readFileSync, readSync, writeFileSync } from 'node:fs';
import { decodePage } from './page.ts';
import type { Translation } from './translate.ts';
import type { Purpose, Reply } from './wire.ts';

interface Ports {
  readonly sys: string;
  /** How many reads may block at once. */
  readonly seats: number;
  readonly translation: Translation;
  send(purpose: Purpose, replies: readonly Reply[]): void;
  trouble(text: string): void;
}

/** The buffer of one CPU in one instance. */
interface Channel {
  readonly purpose: Purpose;
  readonly cpu: number;
  readonly folder: string;
  readonly descriptor: number;
  readonly page: Buffer;
  /** Lost so far, as its `stats` said last; -1 before the first look. */
  lost: number;
  active: boolean;
}

/** How many records may be fetched one by one in 100 ms before we fetch every few milliseconds instead. */
const eagerReads = 64;
const restMs = 4;
/** Between two looks at a buffer that is not waited for: after one with, after one without records. */
const pollMs = { bytes: [100, 1_000], tree: [5, 20], api: [5, 20] } as const;
const statsMs = 1_000;
const hotplugMs = 5_000;
const mostPagesATurn = 64;

/**
 * Reads every online CPU's buffer: by a blocking read each (no cost while nothing happens, no delay when it does) as
 * long as there are threads for it, else, and for `bytes`, which are only added up, by looking regularly.
 */
export function createChannels(ports: Ports): { open(purpose: Purpose, folder: string, pageBytes: number): void } {
  const channels: Channel[] = [];
  const instances: { purpose: Purpose; folder: string; pageBytes: number }[] = [];
  let seats = ports.seats;
  let isCounting = false;

  function take(channel: Channel): number {
    const page = decodePage(channel.page);
    if (page.unreadBytes > 0) ports.send(channel.purpose, [{ kind: 'lost', purpose: channel.purpose, where: 'collector', count: null }]);
    ports.translation.take(channel.purpose, page.entries);
    channel.active = true;
    if (!isCounting) setTimeout(count, statsMs);
    isCounting = true;
    return page.entries.length;
  }

  function count(): void {
    isCounting = false;
    for (const channel of channels) {
      if (!channel.active) continue;
      channel.active = false;
      try { countLost(channel); } catch (error) { ports.trouble(`losses of CPU ${channel.cpu} cannot be read: ${String(error)}`); }
    }
  }

  function countLost(channel: Channel): void {
    const text = readFileSync(`${channel.folder}/per_cpu/cpu${channel.cpu}/stats`, 'latin1');
    const { purpose } = channel;
    const lost = [...text.matchAll(/^(?:overrun|commit overrun|dropped events): (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    if (channel.lost >= 0 && lost > channel.lost) ports.send(purpose, [{ kind: 'lost', purpose, where: 'kernel', count: lost - channel.lost }]);
    channel.lost = lost;
  }

  function park(channel: Channel): void {
    let eager = eagerReads;
    let since = 0;
    const next = (): void => read(channel.descriptor, channel.page, 0, channel.page.length, null, (error, length) => {
      if (error !== null) {
        if (error.code !== 'EINTR' && error.code !== 'EAGAIN') ports.trouble(`trace_pipe_raw: ${error.message}`);
        setTimeout(next, error.code === 'EINTR' ? 0 : statsMs);
        return;
      }
      if (length > 0) take(channel);
      const now = performance.now();
      if (now - since > 100) { since = now; eager = eagerReads; }
      const full = channel.page.readUInt16LE(8) > channel.page.length / 2;
      if (full || eager-- > 0) next(); else setTimeout(next, restMs);
    });
    next();
  }

  function poll(channel: Channel): void {
    const [busyMs, idleMs] = pollMs[channel.purpose];
    const look = (): void => {
      let pages = 0;
      while (pages < mostPagesATurn && tryRead(channel)) { take(channel); pages += 1; }
      setTimeout(look, pages === mostPagesATurn ? 0 : pages > 0 ? busyMs : idleMs);
    };
    look();
  }

  function add(purpose: Purpose, folder: string, pageBytes: number, cpu: number): void {
    if (channels.some(each => each.purpose === purpose && each.cpu === cpu)) return;
    const waits = purpose !== 'bytes' && seats > 0;
    if (waits) seats -= 1;
    const descriptor = openSync(`${folder}/per_cpu/cpu${cpu}/trace_pipe_raw`, constants.O_RDONLY | (waits ? 0 : constants.O_NONBLOCK));
    const channel: Channel = { purpose, cpu, folder, descriptor, page: Buffer.alloc(pageBytes), lost: -1, active: false };
    try { countLost(channel); } catch (error) { closeSync(descriptor); throw error; }
    channels.push(channel);
    if (waits) park(channel); else poll(channel);
  }

  const addAll = (): void => {
    for (const { purpose, folder, pageBytes } of instances) for (const cpu of onlineCpus(ports.sys)) add(purpose, folder, pageBytes, cpu);
  };
  setInterval(() => { try { addAll(); } catch (error) { ports.trouble(`a processor came and cannot be read: ${String(error)}`); } }, hotplugMs);

  return {
    open(purpose, folder, pageBytes) {
      instances.push({ purpose, folder, pageBytes });
      // The self-test waits in the buffer when reading begins: seen at once, also where we look only now and then.
      writeFileSync(`${folder}/trace_marker`, 'mxwarden');
      if (purpose === 'tree') process.kill(process.pid, 'SIGUSR2');
      addAll();
    },
  };
}

function tryRead(channel: Channel): boolean {
  try { return readSync(channel.descriptor, channel.page, 0, channel.page.length, null) > 0; } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/** `0-3,8`, from /sys/devices/system/cpu/online. */
export function onlineCpus(sys: string): number[] {
  const text = readFileSync(`${sys}/devices/system/cpu/online`, 'latin1').trim();
  return text.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
