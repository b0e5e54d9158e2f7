import type { Follow } from './follow.ts';
import type { Entry } from './page.ts';
import { mostPeekBytes, type Peeks, processOf, statOf } from './peek.ts';
import { addressText, entryStack, type Raw, readRecord } from './record.ts';
import { isEnding, killSignal } from './signals.ts';
import type { KernelRecord, Layout, Purpose, Reply } from './wire.ts';

interface Ports {
  readonly proc: string;
  readonly self: number;
  readonly architecture: string;
  readonly peeks: Peeks;
  readonly follow: Follow;
  send(purpose: Purpose, replies: readonly Reply[]): void;
}
export interface Translation {
  learn(purpose: Purpose, layouts: readonly Layout[]): void;
  take(purpose: Purpose, entries: readonly Entry[]): void;
}

const sumMs = 1_000;
const mostSums = 16_384;
const mostName = 8_192;
const [synSent, listen] = [2, 10];
const peekFlag = 2; // MSG_PEEK: the bytes stay and are counted when they are taken

/**
 * Records into replies, and what must be read from a living process at once: its arguments, the process of a thread, a
 * name that the kernel did not deliver. A caller of the library is followed from its first call on.
 */
export function createTranslation(ports: Ports): Translation {
  const layouts: Record<Purpose, Map<number, Layout>> = { api: new Map(), tree: new Map(), bytes: new Map() };
  const sums = new Map<number, [sent: number, received: number]>();
  let summing: NodeJS.Timeout | undefined;
  let summedSince = 0;
  let serials = 0;
  let named = { tid: 0, sp: '', readable: false };
  let caller = { tid: 0, at: 0, pid: null as number | null };

  /** Asks for what only the living process has; the answer follows under the number returned. Null: there will be none. */
  function ask(from: Purpose, path: string, position: number | null, length: number): number | null {
    serials += 1;
    const serial = serials;
    const asked = ports.peeks.peek(path, position, length, bytes => ports.send(from, [{
      kind: 'amended', serial, at: Number(process.hrtime.bigint()), bytes: bytes === null ? null : bytes.toString('latin1'),
    }]));
    return asked ? serial : null;
  }

  /** Calls come in pairs of records, so the last answer is kept for a moment; not longer: thread ids are used again. */
  function callerOf(raw: Raw): number | null {
    if (caller.tid !== raw.tid || raw.at - caller.at > 1e6) caller = { tid: raw.tid, at: raw.at, pid: processOf(ports.proc, raw.tid) };
    if (caller.pid !== null && !ports.follow.has(raw.tid)) ports.follow.add(caller.pid);
    return caller.pid;
  }

  const entryOf = (raw: Raw) => ({
    at: raw.at, tid: raw.tid, probe: raw.probe, sp: raw.big('sp').toString(16), ip: raw.big('__probe_ip').toString(16), pid: callerOf(raw),
  });

  function entered(raw: Raw, layout: Layout): KernelRecord {
    const stamp = { kind: 'entered' as const, ...entryOf(raw) };
    if (!('ptr' in layout.fields)) {
      return { ...stamp, second: raw.big('second').toString(), third: raw.big('third').toString(), head: null, serial: null };
    }
    const head = ['head0', 'head1', 'head2', 'head3'].map(name => raw.bytes(name).toString('latin1')).join('');
    if (named.tid === raw.tid && named.sp === stamp.sp && named.readable) return { ...stamp, second: null, third: null, head, serial: null };
    return { ...stamp, second: null, third: null, head, serial: ask('api', `${ports.proc}/${raw.tid}/mem`, Number(raw.big('ptr')), mostName) };
  }

  function executed(raw: Raw): KernelRecord {
    const pid = raw.number('pid');
    const serial = ask('tree', `${ports.proc}/${pid}/cmdline`, null, mostPeekBytes);
    return { kind: 'executed', at: raw.at, tid: raw.number('old_pid'), pid, file: raw.text('filename') ?? '', serial };
  }

  function exited(raw: Raw, layout: Layout): KernelRecord {
    ports.follow.forget(raw.tid);
    const last = 'group_dead' in layout.fields ? raw.number('group_dead') !== 0 : null;
    return { kind: 'exited', at: raw.at, tid: raw.tid, last, status: statOf(ports.proc, raw.tid)?.status ?? null };
  }

  function connected(raw: Raw): KernelRecord | null {
    const state = raw.number('newstate');
    if (state !== synSent && state !== listen) return null;
    const protocol = raw.number('protocol');
    if (protocol !== 6 && protocol !== 262) return null; // TCP, and TCP in several paths
    const which = state === synSent ? 'd' : 's';
    return {
      kind: 'connected', at: raw.at, tid: raw.tid, direction: state === synSent ? 'outbound' : 'listen', port: raw.number(`${which}port`),
      address: addressText(raw.number('family'), raw.bytes(`${which}addr`), raw.bytes(`${which}addr_v6`)),
    };
  }

  function add(raw: Raw, which: 0 | 1): void {
    const bytes = raw.number('ret');
    if (bytes <= 0 || (which === 1 && (raw.number('flags') & peekFlag) !== 0)) return;
    const tid = sums.has(raw.tid) || sums.size < mostSums ? raw.tid : 0;
    const sum = sums.get(tid) ?? [0, 0];
    sum[which] += bytes;
    sums.set(tid, sum);
    if (summing !== undefined) return;
    summedSince = performance.now();
    summing = setTimeout(flushSums, sumMs);
  }

  function flushSums(): void {
    const list = [...sums].map(([tid, [sent, received]]) => [tid, sent, received] as const);
    sums.clear();
    summing = undefined;
    const intervalMs = Math.round(performance.now() - summedSince);
    ports.send('bytes', [{ kind: 'transferred', at: Number(process.hrtime.bigint()), intervalMs, sums: list }]);
  }

  /** A real event proves more than a mark, where there is one that we can bring about. */
  const bySignal = (purpose: Purpose): boolean => [...layouts[purpose].values()].some(layout => layout.kind === 'signalled');

  function translate(purpose: Purpose, raw: Raw, layout: Layout): Reply | null {
    const stamp = { at: raw.at, tid: raw.tid };
    switch (raw.kind) {
      case 'named': {
        const name = raw.text('name');
        const entry = entryOf(raw);
        named = { tid: raw.tid, sp: entry.sp, readable: name !== null };
        return { kind: 'named', ...entry, name };
      }
      case 'entered': return entered(raw, layout);
      case 'left': return { ...stamp, kind: 'left', probe: raw.probe, sp: entryStack(raw.big('sp'), ports.architecture), result: raw.number('ret') };
      case 'cloned': {
        const child = raw.number('pid');
        ports.follow.inherit(raw.tid, child);
        return { ...stamp, kind: 'cloned', child, flags: raw.number('clone_flags') };
      }
      case 'executed': return executed(raw);
      case 'exited': return exited(raw, layout);
      case 'signalled': {
        const [signal, byDefault] = [raw.number('sig'), raw.big('sa_handler') === 0n];
        if (raw.tid === ports.self) return { kind: 'ready', purpose };
        if (!isEnding(signal, byDefault)) return null;
        const status = signal === killSignal ? statOf(ports.proc, raw.tid)?.status ?? null : null;
        return { ...stamp, kind: 'signalled', signal, code: raw.number('code'), byDefault, status };
      }
      case 'connected': return connected(raw);
      case 'sent': add(raw, 0); return null;
      case 'received': add(raw, 1); return null;
      case 'marked': return raw.tid === ports.self && !bySignal(purpose) ? { kind: 'ready', purpose } : null;
      default: raw.kind satisfies never; return null;
    }
  }

  function take(purpose: Purpose, entries: readonly Entry[]): void {
    const replies: Reply[] = [];
    let unread = 0;
    for (const { at, data } of entries) {
      try {
        const raw = readRecord(layouts[purpose], at, data);
        const layout = raw === null ? undefined : layouts[purpose].get(data.readUInt16LE(0));
        const reply = raw === null || layout === undefined ? undefined : translate(purpose, raw, layout);
        if (reply === undefined) unread += 1;
        else if (reply !== null) replies.push(reply);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        unread += 1;
      }
    }
    if (unread > 0) replies.push({ kind: 'lost', purpose, where: 'collector', count: unread });
    ports.send(purpose, replies);
  }

  return {
    learn(purpose, list) { for (const layout of list) layouts[purpose].set(layout.id, layout); },
    take,
  };
}
