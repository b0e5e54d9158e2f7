import type { Incident } from '../contract/incident.ts';
import { absorb, addGap, type Case, findingsOf, openCase, publish } from './case.ts';

/** The cases that are open, each under the key of what it is about: `load:…`, `model:…`, `process:…`, `host`. */
export function createDocket() {
  const cases = new Map<string, Case>();
  let changed = new Set<string>();
  let closing: Case[] = [];

  function put(key: string, open: Case) { cases.set(key, open); changed.add(key); }
  function remove(key: string) { cases.delete(key); changed.add(key); }
  function close(open: Case) { open.status = 'closed'; open.dirty = true; closing.push(open); }

  return {
    get: (key: string) => cases.get(key),
    get size() { return cases.size; },
    open(key: string, at: number): Case {
      const open = openCase(key, at);
      put(key, open);
      return open;
    },
    /** What was told under one key goes on under another; where that has a case already, it takes the first one in. */
    adopt(from: string, to: string): Case | null {
      const waiting = cases.get(from);
      if (!waiting) return null;
      const open = cases.get(to);
      remove(from);
      if (!open) {
        put(to, waiting);
        waiting.dirty = true;
        return waiting;
      }
      absorb(open, waiting);
      addGap(waiting, `this story goes on in incident ${open.id}`);
      close(waiting);
      return open;
    },
    gapForAll(gap: string) { for (const open of cases.values()) addGap(open, gap); },
    /** Only the distance counts: what happened before a clock was set back must not stay open until it has caught up. */
    closeQuiet(now: number, quietMs: number) {
      for (const [key, open] of cases) {
        if (Math.abs(now - open.lastFindingAt) < quietMs) continue;
        open.changedAt = now;
        remove(key);
        close(open);
      }
    },
    /** The changes that are due, told whole, with the gaps that stand for all of them. */
    publish(now: number, due: (open: Case) => boolean, standing: readonly string[]): Incident[] {
      const changes: Incident[] = [];
      for (const [key, open] of cases) {
        if (!open.dirty || findingsOf(open).length === 0 || !due(open)) continue;
        changes.push(publish(open, standing, now));
        changed.add(key);
      }
      for (const open of closing) changes.push(publish(open, standing, now));
      closing = [];
      return changes;
    },
    /** Keys changed since the last call, with their case or null. */
    takeChanged(): Map<string, Case | null> {
      const rows = new Map([...changed].map(key => [key, cases.get(key) ?? null] as const));
      changed = new Set();
      return rows;
    },
    restore(key: string, open: Case) { cases.set(key, open); },
  };
}
