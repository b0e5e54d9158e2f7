import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { bounded } from './context/bounded.ts';
import { clip } from './context/wording.ts';

/** Facts without which no story of a load is whole. */
const vital = new Set<EventOf<'events.lost'>['what']>(['process.executed', 'mxnet.called']);
const vitalSensors = /^(mxnet|exec|tracefs|bpf)/;

/**
 * Suspects the agent's own blindness: whoever wants to act unseen floods a sensor or stops it. Told at once and then at
 * most once a minute for each source, with the sum of what was lost since. Low, but medium when loads or executed
 * programs may be missing, or when a sensor for them that worked goes down; as grave as the alerts that the outbox
 * dropped, from medium on. A sensor that never worked (no privilege) is no finding: `doctor` and the incidents say so.
 * A damaged state is medium, and high when alerts were lost with it that no receiver may have had.
 * False positives: an honest burst of activity, a restart of a sensor, an upgrade of the kernel's configuration, a
 * receiver that was away for very long, a failing disk.
 */
export default defineDetector({
  name: 'loss',
  sees: 'stream',
  wants: ['events.lost', 'sensor.changed', 'store.damaged'],
  config: z.strictObject({
    /** How long losses of one source are summed up before they are told again. */
    repeatMs: z.number().int().min(1_000).max(86_400_000).default(60_000),
  }),
  create({ repeatMs }) {
    const sources = bounded<string, { toldAt: number; count: number; known: boolean }>(256);
    const sensors = bounded<string, EventOf<'sensor.changed'>['state']>(256);

    function lost(event: EventOf<'events.lost'>): readonly Suspicion[] {
      const key = `${event.where} ${event.what} ${event.collector} ${event.severity ?? ''}`;
      const source = sources.get(key) ?? { toldAt: Number.NEGATIVE_INFINITY, count: 0, known: true };
      source.count += event.count ?? 0;
      source.known &&= event.count !== null;
      sources.set(key, source);
      if (Math.abs(event.at - source.toldAt) < repeatMs) return [];
      const amount = source.known ? `${source.count}` : source.count > 0 ? `At least ${source.count}` : 'Some';
      Object.assign(source, { toldAt: event.at, count: 0, known: true });
      return [{
        rule: 'loss.events', severity: gravityOf(event), confidence: 1, at: event.at, because: [event.id], techniques: ['T1562.006'],
        summary: event.severity === undefined
          ? `${amount} ${event.what === 'any' ? '' : `${event.what} `}events were lost in the ${event.where} (${clip(event.collector, 64)}): what happened then may be missing from every story`
          : `${amount} alerts of severity ${event.severity} were dropped from the ${event.where} before every receiver had them`,
      }];
    }

    function damaged({ at, id, setAside, reason, saved, lost, alertsLost }: EventOf<'store.damaged'>): readonly Suspicion[] {
      const alerts = alertsLost === null ? 'alerts that were not delivered may be among them' : `${alertsLost} undelivered alerts among them`;
      return [{
        rule: 'loss.state', severity: alertsLost === 0 ? 'medium' : 'high', confidence: 0.9, at, because: [id], techniques: ['T1070', 'T1565.001'],
        summary: `The agent's state was damaged (${clip(reason, 200)}): it is set aside as ${clip(setAside, 80)}; ${saved} rows are saved, ${lost === 0 ? 'none lost' : `${lost ?? 'an unknown number'} lost, ${alerts}`}`,
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
        case 'store.damaged': return damaged(event);
        default: return event satisfies never;
      }
    };
  },
});

/** Alerts that nobody got are as grave as what they told, but no alarm of their own above high. */
function gravityOf({ where, what, severity }: EventOf<'events.lost'>): Severity {
  if (severity !== undefined) return severity === 'critical' ? 'high' : severity === 'info' ? 'low' : severity;
  return vital.has(what) || (what === 'any' && where === 'kernel') ? 'medium' : 'low';
}
