import type { EventsLost } from '../../../agent/contract/event.ts';
import type { Purpose } from './wire.ts';

const kinds: Readonly<Record<Purpose, EventsLost['what']>> = { api: 'mxnet.called', tree: 'any', bytes: 'network.transferred' };

/** What a loss in one of our buffers means to those who read events. */
export const lossDraft = (purpose: Purpose, where: 'kernel' | 'collector', count: number | null): Omit<EventsLost, 'id' | 'collector'> =>
  ({ kind: 'events.lost', at: Date.now(), where, what: kinds[purpose], count });
