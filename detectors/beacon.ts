import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { canonical, metadataServices, rangeOf } from './context/address.ts';
import { bounded } from './context/bounded.ts';
import { keyOf, learn } from './context/keys.ts';
import { programOf } from './context/programs.ts';
import { createTrees, type Load } from './context/trees.ts';
import { duration, quote, who } from './context/wording.ts';
import { type Rhythm, rhythmOf } from './network/rhythm.ts';

type Connection = EventOf<'network.connected'>;
interface Series { readonly times: readonly number[]; readonly ids: readonly string[]; readonly load: Load; readonly soon: boolean }

const most = { series: 8_192, times: 8 } as const;
/** Names and time are asked for regularly by everybody. */
const regularPorts = new Set([53, 123, 853]);
const bounds = { shortestMs: 1_000, longestMs: 7_200_000 } as const;

/**
 * Suspects a tree that after a load connects to one destination again and again at even intervals, as what waits for
 * orders does: implants ask their master in a beat, people and their requests have none. A destination that the program
 * used before any load is its habit, and so is one that was told once: told once for each program and destination.
 * Medium for public addresses when the beat began within `windowMs` after a load, else low. Loopback, the metadata service,
 * name servers and time servers are not judged.
 * False positives: health checks, pushed metrics, a queue or a registry that is polled.
 * Blind: beats with more jitter than a tenth, slower than two hours or faster than a second, one connection kept open,
 * destinations that change.
 */
export default defineDetector({
  name: 'beacon',
  sees: 'stream',
  wants: ['network.connected', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a first connection counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** So many connections make a beat. */
    connections: z.number().int().min(6).max(most.times).default(6),
    /** Scaled median absolute deviation of the intervals, as a share of their median. */
    jitterRatio: z.number().min(0).max(0.5).default(0.1),
  }),
  create({ windowMs, connections, jitterRatio }, memory, isExcepted = () => false) {
    const trees = createTrees();
    const all = bounded<string, Series>(most.series);

    function judge(event: Connection): readonly Suspicion[] {
      const address = canonical(event.address);
      if (event.direction === 'listen' || regularPorts.has(event.port) || rangeOf(address) === 'loopback' || metadataServices.has(address)) return [];
      const tree = trees.get(event.tree, event.process);
      const load = trees.lastLoad(tree, event.at);
      const habit = keyOf('beacon', tree?.program ?? programOf(event.process), event.protocol, address, event.port);
      const key = keyOf(event.tree.pid, event.tree.startTicks, event.protocol, address, event.port);
      const before = all.get(key);
      if (!before && (!load || memory.get(habit) !== undefined)) { learn(memory, habit, event.at); return []; }
      const began = before?.load ?? load;
      if (!began) return [];
      const series: Series = {
        times: [...before?.times ?? [], event.at].slice(-connections), ids: [...before?.ids ?? [], event.id].slice(-connections),
        load: began, soon: before?.soon ?? event.at - began.until <= windowMs,
      };
      all.set(key, series);
      const rhythm = series.times.length < connections ? null : rhythmOf(series.times, jitterRatio);
      if (rhythm === null || rhythm.everyMs < bounds.shortestMs || rhythm.everyMs > bounds.longestMs || isExcepted('beacon.regular', event)) return [];
      all.delete(key);
      learn(memory, habit, event.at);
      return [asSuspicion(event, series, rhythm, rangeOf(address) === 'public')];
    }

    return event => {
      switch (event.kind) {
        case 'network.connected': return judge(event);
        case 'mxnet.mapped': trees.mapped(event); return [];
        case 'mxnet.called': case 'file.opened': trees.loaded(event); return [];
        default: return event satisfies never;
      }
    };
  },
});

function asSuspicion(event: Connection, { load, ids, times, soon }: Series, { everyMs, jitter }: Rhythm, isPublic: boolean): Suspicion {
  const grave = isPublic && soon;
  return {
    rule: 'beacon.regular', severity: grave ? 'medium' : 'low', confidence: grave ? 0.6 : 0.3, at: event.at,
    because: [event.id, ...ids.slice(0, -1), load.id], techniques: ['T1071', 'AML.T0072'],
    summary: `${who(event.process)} connects to ${quote(event.address, 64)} ${event.protocol} port ${event.port} every ${duration(everyMs)} (${times.length} times, straying by ${Math.round(jitter * 100)} %), since ${duration((times[0] ?? event.at) - load.until)} after loading ${quote(load.what)}`,
  };
}
