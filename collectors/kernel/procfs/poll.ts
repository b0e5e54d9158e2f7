/**
 * Looks through /proc for as long as it lives. Four times a second it lists the pids: new ones are examined, members that
 * are gone or zombies end. A third of the known ones is asked each time for the size of its address space, and examined
 * when that changed. Every half minute each is examined whether it changed or not. Each of these has a share of the
 * processor; who does not fit waits, and waiting too long is counted.
 */
import { readdirSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Members } from './members.ts';
import { parsePages } from './parse.ts';
import { hasEnded, statusOf, tryRecord } from './status.ts';
import type { Look, Survey } from './survey.ts';
import type { Suspects } from './suspects.ts';
import type { Tally } from './tally.ts';

const tickMs = 250;
/** A known process is asked in every third tick, so a change is seen within three. */
const phases = 3;
const fullRoundMs = 30_000;
const lateMs = 1_000;
/** Milliseconds of work in one tick. */
const share = { changed: 6, round: 1.5, symbols: 3, start: 8 };
const mostPids = 100_000;

interface Tracked {
  readonly pid: number;
  look: Look | null;
  pages: number;
  /** When it was first seen to have changed; null when there is nothing new. */
  changedAt: number | null;
  examinedAt: number;
  seenIn: number;
}

export interface Poll extends Disposable {
  look(pid: number): void;
  /** With the next tick, as one whose address space changed. */
  lookSoon(pid: number): void;
}

/** Resolves when each process that was there has been examined once. */
export async function startPoll(host: HostPaths, members: Members, survey: Survey, suspects: Suspects, tally: Tally): Promise<Poll> {
  const tracked = new Map<number, Tracked>();
  let turn = 0;

  function examine(entry: Tracked): void {
    if (entry.changedAt !== null && performance.now() - entry.changedAt > lateMs && entry.look !== null) tally.note(`process examined more than ${lateMs} ms after it changed`);
    entry.changedAt = null;
    entry.examinedAt = performance.now();
    attempt(() => {
      entry.pages = pagesOf(entry.pid);
      entry.look = survey.examine(entry.pid);
    }, String(entry.pid));
  }

  /** What goes wrong with one process must not hide the others. */
  function attempt(work: () => void, subject: string): void {
    try { work(); } catch (error) { tally.add('process that could not be examined', `${subject}: ${error instanceof Error ? error.message : String(error)}`); }
  }

  function pagesOf(pid: number): number {
    const bytes = tryRecord(`${host.proc}/${pid}/statm`);
    return bytes === null ? 0 : parsePages(bytes);
  }

  function list(): void {
    turn += 1;
    let beyond = 0;
    for (const name of readdirSync(host.proc)) {
      const first = name.charCodeAt(0);
      if (first < 0x30 || first > 0x39) continue;
      const pid = Number(name);
      const entry = tracked.get(pid);
      if (entry !== undefined) entry.seenIn = turn;
      else if (tracked.size < mostPids) tracked.set(pid, { pid, look: null, pages: 0, changedAt: performance.now(), examinedAt: 0, seenIn: turn });
      else beyond += 1;
    }
    if (beyond > 0) tally.add(`process beyond ${mostPids}, not looked at`, String(beyond));
    for (const entry of tracked.values()) if (entry.seenIn !== turn) tracked.delete(entry.pid);
  }

  function endMembers(): void {
    for (const [pid, member] of [...members.all]) {
      attempt(() => {
        const stat = statusOf(host, pid);
        if (stat === null || stat.startTicks !== member.process.startTicks || hasEnded(stat)) survey.examine(pid);
      }, String(pid));
    }
  }

  /** An address space of no pages is that of a zombie, or of a process whose first thread has ended. */
  function askSome(now: number): void {
    let place = 0;
    for (const entry of tracked.values()) {
      if (place++ % phases !== turn % phases || entry.look !== 'seen' || entry.changedAt !== null) continue;
      const pages = pagesOf(entry.pid);
      if (pages !== entry.pages || pages === 0) entry.changedAt = now;
    }
  }

  function work(entries: readonly Tracked[], milliseconds: number): void {
    const start = performance.now();
    for (const entry of entries) {
      if (performance.now() - start > milliseconds) break;
      examine(entry);
    }
  }

  /** Never examined first, then who has waited longest. */
  const changed = (): Tracked[] => [...tracked.values()].filter(entry => entry.changedAt !== null).sort((a, b) => a.examinedAt - b.examinedAt);

  function tick(): void {
    const now = performance.now();
    attempt(list, 'the list of processes');
    endMembers();
    attempt(() => askSome(now), 'address spaces');
    work(changed(), share.changed);
    work([...tracked.values()].filter(entry => now - entry.examinedAt > fullRoundMs), share.round);
    attempt(() => { if (suspects.step(share.symbols)) again(); }, 'symbols');
  }

  function again(): void {
    survey.reconsider();
    for (const entry of tracked.values()) if (entry.look === 'seen') entry.changedAt ??= performance.now();
  }

  list();
  for (let left = changed(); left.length > 0; left = changed()) {
    work(left, share.start);
    await new Promise(resolve => setImmediate(resolve));
  }
  const timer = setInterval(tick, tickMs);
  return {
    look(pid) {
      const entry = tracked.get(pid) ?? { pid, look: null, pages: 0, changedAt: null, examinedAt: 0, seenIn: turn };
      tracked.set(pid, entry);
      examine(entry);
    },
    lookSoon(pid) {
      const entry = tracked.get(pid);
      if (entry?.look === 'seen') entry.changedAt ??= performance.now();
    },
    [Symbol.dispose]() { clearInterval(timer); },
  };
}
