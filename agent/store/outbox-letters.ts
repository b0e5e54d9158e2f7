import { severities } from '../contract/finding.ts';
import type { Database } from './database.ts';
import type { Stored } from './failure.ts';
import type { Dropped } from './outbox-room.ts';
import type { Entry, Filter, OutboxView } from './outbox-view.ts';

/** What an operator may do with what does not arrive. A filter without a state means dead letters. */
export interface Letters {
  /** Dead letters wait for their sink again, before all else. Tells how many. */
  retry(filter: Filter): Stored<number>;
  /** Gives up what the filter names, for the sinks it names. What went is told as the caller tells any loss. */
  drop(filter: Filter): Stored<readonly Dropped[]>;
}

const mostAtOnce = 1_000_000;

export function letters(database: Database, view: OutboxView, sinks: readonly string[]): Letters {
  const forgive = database.prepare('DELETE FROM outbox_dead WHERE sink = ? AND sequence = ?');
  const again = database.prepare('INSERT INTO outbox_again (sink, sequence) VALUES (?, ?)');
  const notAgain = database.prepare('DELETE FROM outbox_again WHERE sink = ? AND sequence = ?');
  const more = database.prepare('UPDATE outbox_sink SET pending = pending + 1, bytes = bytes + ? WHERE name = ?');
  const fewer = database.prepare('UPDATE outbox_sink SET pending = pending - 1, bytes = bytes - ? WHERE name = ?');
  const passed = database.prepare('SELECT cursor >= ? AS passed FROM outbox_sink WHERE name = ?');
  // Ahead of the cursor only a dead letter is passed over: one without a reason is nobody's any more, and is not listed.
  const forgo = database.prepare("INSERT INTO outbox_dead (sink, sequence, at, reason) VALUES (?, ?, ?, '') ON CONFLICT (sink, sequence) DO UPDATE SET reason = ''");

  const chosen = (filter: Filter): readonly Entry[] => view.list({ state: 'dead', ...filter, limit: mostAtOnce }).filter(({ sink }) => sinks.includes(sink));

  function giveUp({ sink, sequence, state, bytes }: Entry) {
    if (state === 'pending') {
      notAgain.run(sink, sequence);
      fewer.run(bytes, sink);
    }
    if (passed.get(sequence, sink)?.['passed'] === 1) forgive.run(sink, sequence);
    else forgo.run(sink, sequence, Date.now());
  }

  return {
    retry: filter => database.transaction(() => {
      const dead = chosen({ ...filter, state: 'dead' });
      for (const { sink, sequence, bytes } of dead) {
        forgive.run(sink, sequence);
        // Ahead of the cursor it waits already, once it is no dead letter.
        if (passed.get(sequence, sink)?.['passed'] === 1) again.run(sink, sequence);
        more.run(bytes, sink);
      }
      return dead.length;
    }),
    drop: filter => database.makingRoom(() => {
      const gone = chosen(filter);
      for (const entry of gone) giveUp(entry);
      return severities.flatMap(severity => {
        const those = gone.filter(entry => entry.severity === severity);
        return those.length === 0 ? [] : [{ severity, count: those.length, bytes: those.reduce((sum, { bytes }) => sum + bytes, 0) }];
      });
    }),
  };
}
