import type { HostIdentity } from '../contract/component.ts';
import { RetryableError } from '../contract/errors.ts';
import type { Event } from '../contract/event.ts';
import type { Heartbeat as Body, HeartbeatEnvelope, SensorLife } from '../contract/forwarder.ts';

export interface HeartbeatParts {
  readonly host: HostIdentity;
  readonly version: string;
  /** Of the agent. */
  readonly run: string;
  /** Asked each time: a reload changes it. */
  settings(): { readonly enabled: boolean; readonly intervalMs: number };
  sensors(): readonly Omit<SensorLife, 'spokeAt'>[];
  facts(): Pick<Body, 'startedAt' | 'events' | 'openIncidents' | 'storeFailure'>;
  /** Throws RetryableError. */
  lastSequence(): number;
  send(envelope: HeartbeatEnvelope): void;
}

export interface Heartbeat {
  /** A sensor that tells something lives. */
  see(event: Event): void;
  /** Sends what is due. */
  tick(): void;
}

/** Says at its interval that the agent lives; the first time at the first tick. */
export function createHeartbeat({ host, version, run, settings, sensors, facts, lastSequence, send }: HeartbeatParts): Heartbeat {
  const spoke = new Map<string, number>();
  let count = 0;
  let sequence = 0;
  // Of the clock that nobody sets.
  let due = Number.NEGATIVE_INFINITY;

  /** A disk that cannot be read is no reason to be silent. */
  function newest(): number {
    try { sequence = lastSequence(); } catch (error) { if (!(error instanceof RetryableError)) throw error; }
    return sequence;
  }

  function made(intervalMs: number): HeartbeatEnvelope {
    const all = sensors().map(sensor => ({ ...sensor, spokeAt: spoke.get(sensor.name) ?? null }));
    count += 1;
    return {
      type: 'heartbeat', id: `${host.id}.${run}.beat-${count}`, sequence: newest(), host, version,
      body: { title: titleOf(all), at: Date.now(), intervalMs, sensors: all, ...facts() },
    };
  }

  return {
    see({ collector, at }) { spoke.set(collector, at); },
    tick() {
      const { enabled, intervalMs } = settings();
      const now = performance.now();
      if (!enabled || now < due) return;
      due = now + intervalMs;
      send(made(intervalMs));
    },
  };
}

function titleOf(sensors: readonly SensorLife[]): string {
  const impaired = sensors.filter(({ state }) => state !== 'armed');
  const most = impaired.slice(0, 10).map(({ name, state }) => `${name} is ${state}`).join(', ');
  return `The agent lives, ${sensors.length - impaired.length} of ${sensors.length} sensors work${most === '' ? '' : `: ${most}`}`;
}
