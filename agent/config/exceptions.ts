import { isIP } from 'node:net';
import { z } from 'zod';

const dayMs = 86_400_000;

/**
 * What somebody has looked at and found to be fine: findings of this rule whose deed has all the facts given here are
 * suppressed and counted, until the day named by `expires` has ended (UTC). Facts are written as alerts show them.
 */
const exception = z.strictObject({
  rule: z.string().max(100).regex(/^[a-z0-9-]+\.(\*|[a-z0-9-]+)$/, 'a rule such as child.shell, or child.* for all of one detector')
    .describe('a rule such as child.shell, or child.* for all of one detector'),
  executable: z.string().min(1).max(4_096).optional().describe('path of the program that did it, whole'),
  argv: z.array(z.string().max(1_024)).max(64).readonly().optional().describe('its whole command line, word by word'),
  address: z.string().max(64).refine(isNetwork, 'an address, or a network such as 10.0.0.0/8').optional().describe('address of the other side, or a network such as 10.0.0.0/8'),
  port: z.int().min(1).max(65_535).optional(),
  path: z.string().startsWith('/').max(4_096).optional().describe('the file that was changed, loaded or inspected; with / at its end, all below that folder'),
  owner: z.string().trim().min(1).max(100).describe('who answers for it'),
  reason: z.string().trim().min(1).max(500),
  expires: z.iso.date().describe('last day on which it holds, such as 2027-03-31; from the next on (UTC) it does nothing and is reported'),
}).refine(({ executable, argv, address, port, path }) => [executable, argv, address, port, path].some(fact => fact !== undefined), {
  message: 'needs at least one of executable, argv, address, port and path: a rule is not silenced for everything',
});

export const exceptionList = z.array(exception).max(1_000).default([])
  .describe('Findings that are known to be fine, each with its owner, reason and last day.');

export type Exception = z.output<typeof exception>;

/** Epoch milliseconds from which on it does nothing. */
export const endOf = ({ expires }: Exception): number => Date.parse(`${expires}T00:00:00Z`) + dayMs;

/** One line for each that does nothing any more at this time. */
export const expiredLines = (list: readonly Exception[], at: number): readonly string[] =>
  list.filter(each => endOf(each) <= at).map(({ rule, owner, expires, reason }) => `the exception of ${owner} for ${rule} (${reason}) expired on ${expires} and does nothing`);

/** An address, or an address and how many of its bits count. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
