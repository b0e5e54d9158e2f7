import { ConfigError, MisconfiguredError, RetryableError, UnavailableError } from '../contract/errors.ts';
import { escapeText } from '../contract/text.ts';

/** How long a sink that fails is left alone, in milliseconds. */
export interface Pace {
  /** The first wait is anything up to this; the limit doubles with each failed try. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** About how often it is tried while only an operator can help. */
  readonly misconfiguredMs: number;
}

export const pace: Pace = { firstMs: 1_000, maxMs: 300_000, misconfiguredMs: 60_000 };

/** Why a sink did not take a batch. 'faulty': it threw what no sink may throw, which is a bug in it. */
export interface Failure {
  readonly state: 'retrying' | 'misconfigured' | 'faulty';
  /** One line, bounded and escaped: part of it may be the far side's words. */
  readonly reason: string;
  /** What the far side asked for. */
  readonly afterMs: number;
}

const longestReason = 500;
// Retry-After is the far side's word: an hour of silence is all it can ask for.
const longestAfterMs = 3_600_000;
// However the dice fall, a dead sink does not keep the event loop busy.
const leastMs = 50;

export function failureOf(error: unknown): Failure {
  const reason = oneLine(error);
  if (error instanceof RetryableError) return { state: 'retrying', reason, afterMs: bounded(error.afterMs) };
  if (error instanceof MisconfiguredError || error instanceof ConfigError || error instanceof UnavailableError) return { state: 'misconfigured', reason, afterMs: 0 };
  return { state: 'faulty', reason, afterMs: 0 };
}

/** Full jitter: any moment up to a limit that doubles, so that many hosts do not come back at once. `tries` ≥ 1 have failed. */
export function waitMs({ state, afterMs }: Failure, tries: number, pace: Pace, random = Math.random): number {
  if (state === 'misconfigured') return pace.misconfiguredMs * (0.75 + random() / 2);
  const limit = Math.min(pace.maxMs, pace.firstMs * 2 ** Math.min(tries - 1, 30));
  return Math.max(afterMs, random() * limit, Math.min(leastMs, pace.firstMs));
}

const bounded = (ms: number | undefined): number => ms !== undefined && ms > 0 ? Math.min(ms, longestAfterMs) : 0;

export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return escapeText(text.length > longestReason ? `${text.slice(0, longestReason)}…` : text);
}
