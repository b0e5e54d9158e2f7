import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { AuditRecord } from '../../../agent/audit/entry.ts';
import { type Found, ever, recordsOf } from '../../../agent/audit/records.ts';
import { openTrail, type Trail, type TrailOptions } from '../../../agent/audit/trail.ts';
import { verifyTrail } from '../../../agent/audit/verify-trail.ts';
import { noon } from '../../builders.ts';
import { notebook } from '../store/drafts.ts';

export const hostId = 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa';

export interface Place extends TrailOptions { readonly log: ReturnType<typeof notebook> }

/** Where waiting for the disk costs nothing: what these tests speak of does not need one. */
const memory = '/dev/shm';

/** A trail's place of its own. */
export function place(t: ExecutionContext, change: Partial<TrailOptions> = {}): Place {
  const root = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'mxwarden-audit-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  return { directory: join(root, 'audit'), keyFile: join(root, 'keys/audit.key'), hostId, bootId: 'boot-1', remembered: null, ...change, log: notebook() };
}

/** A record that tells its number. */
export const record = (number: number, at = noon + number): AuditRecord => ({
  action: 'clock.jumped', at, actor: 'agent', object: `clock ${number}`, outcome: 'forward', detail: { byMs: number },
});
export const records = (from: number, count: number, at?: number): AuditRecord[] => Array.from({ length: count }, (_, index) => record(from + index, at));

export const put = (trail: Trail, all: readonly AuditRecord[]): void => trail.append(all, () => {});

/** Writes so many records with a checkpoint behind each batch, and closes it in order. */
export function written(at: Place, ...batches: readonly number[]): void {
  using trail = openTrail(at);
  let number = 0;
  for (const count of batches) {
    put(trail, records(number, count));
    trail.sign(false);
    number += count;
  }
}

export function found({ directory }: Place): Found[] {
  return [...recordsOf(directory, ever, (epoch, damage) => { throw new Error(`epoch ${epoch}: ${damage.place}: ${damage.message}`); })];
}

/** Numbers of the records that `record` made, as they are read back. */
export const numbers = (at: Place): number[] => found(at).flatMap(({ entry }) => entry.action === 'clock.jumped' ? [Number(entry.detail['byMs'])] : []);

export const faults = ({ directory }: Place): string[] => verifyTrail(directory, []).flatMap(({ epoch, faults }) => faults.map(({ place, fault }) => `${epoch}: ${place}: ${fault}`));

/** Every file of an epoch, by its name below the epoch's folder. */
export function filesOf(directory: string, epoch = 1): Map<string, Buffer> {
  const root = join(directory, String(epoch));
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return new Map(names.map(entry => join(entry.parentPath, entry.name)).map(path => [path.slice(root.length + 1), readFileSync(path)]));
}
