import { createRequire } from 'node:module';
import type kafkajs from 'kafkajs';
import type { Log } from '../../agent/contract/component.ts';
import type { Quote } from './verdict.ts';

export type Kafkajs = typeof kafkajs;
interface RequestQueue { readonly pending: readonly unknown[]; readonly throttledUntil: number }
interface RequestQueueClass { readonly prototype: { scheduleCheckPendingRequests: (this: RequestQueue) => void } }

const cured = Symbol('mxwarden.cured');

/**
 * kafkajs 2.2.4 with its faults on Node ≥ 24 cured. Its request queue asks itself "anything pending?" by a timer that
 * it re-arms for ever with a time in the past: a TimeoutNegativeWarning at the first connection, then a wake-up each
 * millisecond while idle. Ours re-arms it only while something is pending or the broker throttles us; each new request
 * arms it again, so nothing waits longer than before.
 */
export async function loadKafkajs(): Promise<Kafkajs> {
  const { default: library } = await import('kafkajs');
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as RequestQueueClass;
  const original = prototype.scheduleCheckPendingRequests;
  if (typeof original !== 'function') throw new TypeError('kafkajs has changed: see whether its request queue still needs the cure');
  if (cured in original) return library;
  const cure = function scheduleWhenNeeded(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) original.call(this);
  };
  prototype.scheduleCheckPendingRequests = Object.assign(cure, { [cured]: true });
  return library;
}

/**
 * Its log lines are for whoever debugs the connection: every failure that matters reaches the agent as an error, with a
 * reason, and is told from there.
 */
export const logTo = (log: Log, quote: Quote): kafkajs.logCreator => () => ({ namespace, label, log: { message, broker, error } }) => {
  log.debug(`kafkajs ${namespace}: ${quote(message)}`, { level: label, broker: quote(String(broker ?? '')), error: quote(String(error ?? '')) });
};
