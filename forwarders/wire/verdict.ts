import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';
import { escapeText } from '../../agent/contract/text.ts';

/** What the far side's answer means for the records that were sent. */
export type Verdict = Postponed | Refused;
/** Keep the records: try again, or try slowly until an operator has acted. */
export interface Postponed { readonly outcome: 'retry' | 'configuration'; readonly reason: string; readonly afterMs?: number }
/**
 * The far side will not have these records. 'split': one of them is to blame, find it. 'doubtful': perhaps; only when
 * others of the same batch pass is it the record and not the server. 'final': must not be sent again, whoever is to blame.
 */
export interface Refused { readonly outcome: 'refused'; readonly how: 'split' | 'doubtful' | 'final'; readonly reason: string }

export const retry = (reason: string, afterMs?: number): Postponed => ({ outcome: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) });
export const configuration = (reason: string): Postponed => ({ outcome: 'configuration', reason });
export const refused = (how: Refused['how'], reason: string): Refused => ({ outcome: 'refused', how, reason });

/** The original error is left behind on purpose: libraries put requests, and so secrets, into theirs. */
export const errorOf = ({ outcome, reason, afterMs }: Postponed): Error =>
  (outcome === 'retry' ? new RetryableError(reason, afterMs === undefined ? {} : { afterMs }) : new MisconfiguredError(reason));

/** Text from outside for a log line: no secret that we sent comes back in it, nothing in it acts on a terminal, 300 characters. */
export function quoter(secrets: readonly string[]): (text: string) => string {
  const hidden = secrets.filter(secret => secret.length >= 3).sort((one, other) => other.length - one.length);
  return text => {
    const safe = hidden.reduce((rest, secret) => rest.replaceAll(secret, '***'), text.slice(0, 4_096));
    return escapeText(safe.replaceAll(/\s+/g, ' ').trim()).slice(0, 300);
  };
}
export type Quote = ReturnType<typeof quoter>;
