import { setTimeout as sleep } from 'node:timers/promises';
import { MisconfiguredError, RejectedError, RetryableError } from '../contract/errors.ts';

export interface Limit<T> {
  readonly ms: number;
  /** How long the work may take to heed its signal. */
  readonly graceMs: number;
  /** Ends it early, with little grace. */
  readonly cancel: AbortSignal;
  /** It heeds nothing: what comes of it is the caller's to look after. */
  abandoned(late: Promise<T>): void;
}

const cancelGraceMs = 250;

/**
 * Waits for `work` no longer than the limit. When that is over the signal is aborted, and what the work then makes of it
 * counts: it may still succeed, or say what is wrong. Whatever else it throws after that is a RetryableError.
 */
export async function limited<T>(work: (signal: AbortSignal) => Promise<T>, { ms, graceMs, cancel, abandoned }: Limit<T>): Promise<T> {
  const controller = new AbortController();
  const deaf = Promise.withResolvers<never>();
  let grace: NodeJS.Timeout | undefined;
  const abort = (message: string, graceMs: number) => {
    if (controller.signal.aborted) return;
    const reason = new RetryableError(message);
    controller.abort(reason);
    grace = setTimeout(() => { abandoned(running); deaf.reject(reason); }, graceMs);
  };
  const overdue = setTimeout(abort, ms, `no answer within ${ms} ms`, graceMs);
  const cancelled = () => abort('stopped before an answer came', cancelGraceMs);
  const running = (async () => work(controller.signal))();
  if (cancel.aborted) cancelled(); else cancel.addEventListener('abort', cancelled, { once: true });
  try {
    return await Promise.race([running, deaf.promise]);
  } catch (error) {
    throw controller.signal.aborted && !isVerdict(error) ? controller.signal.reason : error;
  } finally {
    clearTimeout(overdue);
    clearTimeout(grace);
    cancel.removeEventListener('abort', cancelled);
  }
}

const isVerdict = (error: unknown): boolean =>
  error instanceof RetryableError || error instanceof MisconfiguredError || error instanceof RejectedError;

/** Resolves after `ms`, or as soon as the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try { await sleep(ms, undefined, { signal }); } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Something to sleep on. What rings while nobody sleeps is kept for the next who lies down, once. */
export interface Bell {
  ring(): void;
  heard(): Promise<void>;
}

export function bell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() { rung = true; wake?.(); },
    async heard() {
      if (!rung) await new Promise<void>(resolve => { wake = resolve; });
      wake = undefined;
      rung = false;
    },
  };
}
