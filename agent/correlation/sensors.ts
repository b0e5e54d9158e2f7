import type { Event, EventOf } from '../contract/event.ts';

/** What no incident of this host can know at the moment, by sensor. */
export function createSensors() {
  const known = new Map<string, EventOf<'sensor.changed'>>();
  return {
    note(event: EventOf<'sensor.changed'>) { if (known.has(event.sensor) || known.size < 64) known.set(event.sensor, event); },
    /** One line for those that work, whose limits `mxwarden status` tells; one each for those that do not. */
    gaps(): string[] {
      const all = [...known.values()];
      const armed = all.filter(({ state, blind }) => state === 'armed' && blind.length > 0).map(({ sensor, level }) => `${sensor} (${level})`);
      const impaired = all.filter(({ state }) => state !== 'armed').map(({ sensor, state, level, blind }) =>
        `${sensor} is ${state} (${level}): ${blind.join('; ') || 'it sees nothing'}`);
      return [...impaired, ...(armed.length > 0 ? [`seen by ${armed.join(', ')}; what these cannot see: mxwarden status`] : [])];
    },
  };
}

/** What this event says about something that nobody saw; null when it says nothing of the kind. */
export function lossOf(event: Event): string | null {
  if (event.kind !== 'events.lost' && event.kind !== 'sensor.changed' && event.kind !== 'agent.started') return null;
  const when = new Date(event.at).toISOString();
  if (event.kind === 'events.lost') return `${event.count ?? 'some'} ${lostWhat(event)} were lost in the ${event.where} at ${when}`;
  if (event.kind === 'sensor.changed' && event.state === 'down') return `the sensor ${event.sensor} went down at ${when}`;
  if (event.kind === 'agent.started' && event.unwatchedSince !== null) return `the agent did not run from ${new Date(event.unwatchedSince).toISOString()} to ${when}`;
  return null;
}

const lostWhat = ({ what, severity }: EventOf<'events.lost'>): string => severity !== undefined ? `${severity} alerts` : what === 'any' ? 'events' : `${what} events`;
