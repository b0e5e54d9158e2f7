import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import { clip } from './context/wording.ts';

/**
 * Suspects a hand on the agent's own record: an epoch of the audit trail that is not as it was left, found at the start or
 * while the agent runs. That epoch stays as evidence. High, as an honest disk seldom does it and nobody else has a reason.
 * False positives: a failing disk, a state directory restored from a backup, a key that was mislaid.
 */
export default defineDetector({
  name: 'audit',
  sees: 'stream',
  wants: ['trail.broken'],
  config: z.strictObject({}),
  create: () => event => [{
    rule: 'audit.broken', severity: 'high', confidence: 0.8, at: event.at, because: [event.id], techniques: ['T1070', 'T1565.001'],
    summary: `The audit trail is not as it was left (epoch ${event.epoch}, ${clip(event.reason, 400)}): somebody changed it, or the disk did; a new epoch began`,
  }],
});
