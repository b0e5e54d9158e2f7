import { RejectedError, RetryableError } from '../../agent/contract/errors.ts';
import type { Envelope } from '../../agent/contract/forwarder.ts';
import type { Refused } from './verdict.ts';

/** An envelope as it goes over the wire. */
export interface Parcel<Value> { readonly id: string; readonly value: Value }
/** Sends these together. Null when they were taken; throws when they have to wait. */
export type Attempt<Value> = (parcels: readonly Parcel<Value>[], signal: AbortSignal) => Promise<Refused | null>;
/** `unwanted` are refused already; they are named together with what the far side refuses. */
export type Courier<Value> = (groups: readonly (readonly Parcel<Value>[])[], unwanted: readonly Unwanted[], signal: AbortSignal) => Promise<void>;
export interface Unwanted { readonly id: string; readonly reason: string }

/** An envelope that cannot be encoded is a bug of ours, and must not hold up those behind it. */
export function pack<Value, Sealed extends Envelope>(batch: readonly Sealed[], encode: (envelope: Sealed) => Value): { parcels: Parcel<Value>[]; unwanted: Unwanted[] } {
  const parcels: Parcel<Value>[] = [];
  const unwanted: Unwanted[] = [];
  for (const envelope of batch) {
    try { parcels.push({ id: envelope.id, value: encode(envelope) }); } catch (error) {
      unwanted.push({ id: envelope.id, reason: `it cannot be encoded: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  return { parcels, unwanted };
}

/** Throws RejectedError when there is any; the first reason speaks for all. */
export function reject(unwanted: readonly Unwanted[]): void {
  const [first, ...others] = unwanted;
  if (!first) return;
  throw new RejectedError(`${first.reason}${others.length > 0 ? ` (and ${others.length} more)` : ''}`, unwanted.map(({ id }) => id));
}

/**
 * Delivers groups one after the other, halving a refused one until the guilty are alone. Should a later part have to
 * wait, what was taken before is remembered and left out of the next try, so that it does not arrive twice.
 */
export function courier<Value>(attempt: Attempt<Value>): Courier<Value> {
  const taken = new Set<string>();

  async function deliver(parcels: readonly Parcel<Value>[], signal: AbortSignal): Promise<(Unwanted & { how: Refused['how'] })[]> {
    if (parcels.length === 0) return [];
    if (signal.aborted) throw new RetryableError('stopped before it was sent');
    const answer = await attempt(parcels, signal);
    if (answer === null) {
      for (const { id } of parcels) taken.add(id);
      return [];
    }
    if (parcels.length === 1 || answer.how === 'final') return parcels.map(({ id }) => ({ id, reason: answer.reason, how: answer.how }));
    const middle = Math.ceil(parcels.length / 2);
    return [...await deliver(parcels.slice(0, middle), signal), ...await deliver(parcels.slice(middle), signal)];
  }

  return async (groups, unwanted, signal) => {
    const all: (Unwanted & { how?: Refused['how'] })[] = [...unwanted];
    for (const group of groups) all.push(...await deliver(group.filter(({ id }) => !taken.has(id)), signal));
    const doubtful = all.filter(({ how }) => how === 'doubtful');
    const nobodyPassed = taken.size === 0;
    if (doubtful.length > 0 && nobodyPassed) throw new RetryableError(doubtful[0]?.reason ?? '');
    taken.clear();
    reject(all);
  };
}
