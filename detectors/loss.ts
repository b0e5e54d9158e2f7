import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { bounded } from './context/bounded.ts';
import { clip } from './context/wording.ts';

/** Facts without which no story of a load is whole. */
const vital = new Set<EventOf<'events.lost'>['what']>(['process.executed', 'mxnet.called']);
const vitalSensors = /^(mxnet|exec|tracefs|bpf)/;

/**
 * Suspects the agent's own blindness: whoever wants to act unseen floods a sensor or stops it. Told at once and then at
 * most once a minute for each source, with the sum of what was lost since. Low, but medium when loads or executed
 * programs may be missing, or when a sensor for them that worked goes down. A sensor that never worked (no privilege)
 * is no finding: `doctor` and the incidents say so.
 * False positives: an honest burst of activity, a restart of a sensor, an upgrade of the kernel's configuration.
 */
export default defineDetector({
  name: 'loss',
  sees: 'stream',
  wants: ['events.lost', 'sensor.changed'],
  config: z.strictObject({
    /** How long losses of one source are summed up before they are told again. */
    repeatMs: z.number().int().min(1_000).max(86_400_000).default(60_000),
  }),
  create({ repeatMs }) {
    const sources = bounded<string, { toldAt: number; count: number; known: boolean }>(256);
    const sensors = bounded<string, EventOf<'sensor.changed'>['state']>(256);

    function lost(event: EventOf<'events.lost'>): readonly Suspicion[] {
      const key = `${event.where} ${event.what} ${event.collector}`;
      const source = sources.get(key) ?? { toldAt: Number.NEGATIVE_INFINITY, count: 0, known: true };
      source.count += event.count ?? 0;
      source.known &&= event.count !== null;
      sources.set(key, source);
      if (Math.abs(event.at - source.toldAt) < repeatMs) return [];
      const amount = source.known ? `${source.count}` : source.count > 0 ? `At least ${source.count}` : 'Some';
      Object.assign(source, { toldAt: event.at, count: 0, known: true });
      const grave = vital.has(event.what) || (event.what === 'any' && event.where === 'kernel');
      return [{
        rule: 'loss.events', severity: grave ? 'medium' : 'low', confidence: 1, at: event.at, because: [event.id], techniques: ['T1562.006'],
        summary: `${amount} ${event.what === 'any' ? '' : `${event.what} `}events were lost in the ${event.where} (${clip(event.collector, 64)}): what happened then may be missing from every story`,
      }];
    }

    function sensor(event: EventOf<'sensor.changed'>): readonly Suspicion[] {
      const before = sensors.get(event.sensor);
      sensors.set(event.sensor, event.state);
      if (event.state === 'armed' || before === undefined || before === event.state || before === 'down') return [];
      const grave = event.state === 'down' && vitalSensors.test(event.sensor);
      const blind = event.blind.slice(0, 4).map(each => clip(each, 120)).join('; ');
      return [{
        rule: 'loss.sensor-down', severity: grave ? 'medium' : 'low', confidence: 0.9, at: event.at, because: [event.id], techniques: ['T1562.001'],
        summary: `The sensor ${clip(event.sensor, 64)} worked and is now ${event.state}${blind === '' ? '' : `: ${blind}`}`,
      }];
    }

    return event => {
      switch (event.kind) {
        case 'events.lost': return lost(event);
        case 'sensor.changed': return sensor(event);
        default: return event satisfies never;
      }
    };
  },
});
