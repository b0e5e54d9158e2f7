import { z } from 'zod';
import { type Severity, severities } from '../contract/finding.ts';
import type { Database } from './database.ts';
import type { Stored } from './failure.ts';
import type { Dropped } from './outbox-room.ts';
import type { StateStore } from './state.ts';

/** What was dropped while no agent ran, for the next one to tell. */
const name = 'drops';
const counts = z.partialRecord(z.enum(severities), z.int().min(0));

export function noteDrops(database: Database, state: StateStore, dropped: readonly Dropped[]): Stored<void> {
  return database.transaction(() => {
    const before = readDrops(state);
    const all = severities.map(severity => [severity, (before.get(severity) ?? 0) + dropped.filter(each => each.severity === severity).reduce((sum, { count }) => sum + count, 0)]);
    state.saveNote(name, JSON.stringify(Object.fromEntries(all.filter(([, count]) => count !== 0))));
  });
}

/** By severity; a note that the disk has spoilt tells nothing. */
export function readDrops(state: StateStore): ReadonlyMap<Severity, number> {
  const note = state.note(name);
  const told = typeof note === 'string' && note !== '' ? counts.safeParse(parse(note)).data ?? {} : {};
  return new Map(severities.flatMap(severity => told[severity] ? [[severity, told[severity]]] : []));
}

export const dropsTold = (database: Database, state: StateStore): Stored<void> => database.transaction(() => { state.saveNote(name, ''); });

function parse(text: string): unknown {
  try { return JSON.parse(text); } catch { return null; /* No note of ours. */ }
}
