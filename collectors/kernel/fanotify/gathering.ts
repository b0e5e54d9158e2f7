/** What is done again and again is told once every few milliseconds; opens once in a while. Pure but for its clock, which is given. */
import { did } from './record.ts';
import type { Did } from './wire.ts';

export interface Gathering {
  add(deed: Omit<Did, 'kind'>): void;
  /** When something falls due, on the clock that `add` was given; null when nothing waits. */
  readonly due: number | null;
  /** What is due at this time, in the order of the last time it was done. `changes`: all changes, due or not. */
  take(now: number, changes: boolean): { readonly deeds: readonly Did[]; readonly lostOpens: number };
}

const changesMs = 10;
/** A writer opens first: what it then writes says more than that it opened. */
const opensMs = 50;
/** One process and one file are told once so often. */
const quietMs = 10_000;
const most = { opens: 2_048, quiet: 16_384, changes: 4_096, opensPerSecond: 500 } as const;

const wrote = did.modify | did.closeWrite | did.create;

export function createGathering(clock: () => number): Gathering {
  const changes = new Map<string, Omit<Did, 'kind'>>();
  const opens = new Map<string, { readonly deed: Omit<Did, 'kind'>; readonly since: number }>();
  const quiet = new Map<string, number>();
  let changesSince = 0;
  let lostOpens = 0;
  let second = 0;
  let toldThisSecond = 0;

  function addOpen(deed: Omit<Did, 'kind'>, key: string): void {
    const now = clock();
    const last = quiet.get(key);
    if ((last !== undefined && now - last < quietMs) || opens.has(key)) return;
    if (opens.size >= most.opens) { lostOpens += 1; return; }
    opens.set(key, { deed, since: now });
  }

  function addChange(deed: Omit<Did, 'kind'>, key: string): void {
    const whole = `${key} ${deed.path}`;
    const before = changes.get(whole);
    if (changes.size === 0) changesSince = clock();
    changes.delete(whole);
    changes.set(whole, before === undefined ? deed : { ...deed, mask: before.mask | deed.mask, target: deed.target ?? before.target });
    if ((deed.mask & wrote) !== 0) { opens.delete(key); silence(key, clock()); }
  }

  function silence(key: string, now: number): void {
    quiet.delete(key);
    quiet.set(key, now);
    const oldest = quiet.size > most.quiet ? quiet.keys().next().value : undefined;
    if (oldest !== undefined) quiet.delete(oldest);
  }

  function* dueOpens(now: number): Generator<Did> {
    for (const [key, { deed, since }] of opens) {
      if (now - since < opensMs) return;
      opens.delete(key);
      silence(key, now);
      if (now - second >= 1_000) { second = now; toldThisSecond = 0; }
      if (++toldThisSecond > most.opensPerSecond) lostOpens += 1;
      else yield { kind: 'did', ...deed };
    }
  }

  return {
    add(deed) {
      const key = `${deed.actor ?? `gone ${deed.pid}`} ${deed.target?.key ?? deed.path}`;
      if ((deed.mask & did.open) !== 0) addOpen(deed, key);
      else addChange(deed, key);
    },
    get due() {
      const first = opens.values().next().value;
      const times = [...changes.size > 0 ? [changesSince + changesMs] : [], ...first ? [first.since + opensMs] : []];
      return times.length === 0 ? null : Math.min(...times);
    },
    take(now, all) {
      const deeds = [...dueOpens(now)];
      if (changes.size > 0 && (all || now - changesSince >= changesMs || changes.size >= most.changes)) {
        for (const deed of changes.values()) deeds.push({ kind: 'did', ...deed });
        changes.clear();
      }
      const lost = lostOpens;
      lostOpens = 0;
      return { deeds, lostOpens: lost };
    },
  };
}
