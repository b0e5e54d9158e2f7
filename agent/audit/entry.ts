import { hash } from 'node:crypto';
import type { Severity } from '../contract/finding.ts';
import type { Verdict } from '../contract/inspection.ts';
import { escapeText } from '../contract/text.ts';
import { canonicalJson } from './canonical-json.ts';

/** Of the shape of an entry: raised when a reader of it would have to change. */
const shape = 1;
/** Of an entry; a longer one loses its detail, which is then told by its digest. A bundle could hold 65,535 bytes. */
export const mostLineBytes = 60_000;

/**
 * What the trail tells. Closed: a new action is a change to the language. `object` is what it was done to, `outcome` how
 * it ended; text from outside is escaped and bounded by whoever makes the record.
 */
export type AuditRecord =
  | Told<'trail.begun', { readonly epoch: number; readonly vkey: string; readonly previous: string | null }>
  | Told<'trail.pruned', { readonly before: number; readonly olderThan: string }>
  | Told<'trail.gap', { readonly records: number; readonly since: string; readonly reason: string }>
  | Told<'trail.read', { readonly what: string; readonly noticed: string; readonly id: string }>
  | Told<'key.rotated', { readonly from: string; readonly to: string }>
  | Told<'agent.started', { readonly version: string; readonly pid: number; readonly unwatchedSince: string | null }>
  | Told<'agent.stopped', { readonly undelivered: Readonly<Record<string, number | null>> }>
  | Told<'config.loaded', { readonly sha256: string; readonly onlyAfterRestart: readonly string[] }>
  | Told<'rules.loaded', { readonly sha256: string; readonly files: number }>
  | Told<'sensor.changed', { readonly level: string; readonly blind: readonly string[] }>
  | Told<'artifact.inspected', {
    readonly sha256: string; readonly format: string; readonly bytes: number; readonly parsed: number; readonly identity: string; readonly rules: readonly string[];
  }, Verdict>
  | Told<'model.loaded', { readonly process: string; readonly executable: string; readonly uid: number; readonly container: string | null; readonly api: string; readonly identity: string | null }>
  | Told<'incident.changed', {
    readonly revision: number; readonly severity: Severity; readonly title: string; readonly path: string | null; readonly sha256: string | null;
    readonly rules: readonly string[]; readonly envelope: string;
  }>
  | Told<'events.lost', { readonly what: string; readonly count: number | null; readonly severity: Severity | null }>
  | Told<'state.replaced', { readonly reason: string; readonly saved: number; readonly lost: number | null; readonly alertsLost: number | null }>
  | Told<'delivery.changed', { readonly reason: string | null }>
  | Told<'delivery.refused', { readonly count: number; readonly reason: string | null }>
  | Told<'clock.jumped', { readonly byMs: number }>;

export type Action = AuditRecord['action'];
/** One action's record. */
export type RecordOf<Name extends Action> = Extract<AuditRecord, { readonly action: Name }>;

interface Told<Name extends string, Detail, Outcome extends string = string> {
  readonly action: Name;
  /** Epoch milliseconds. */
  readonly at: number;
  /** `agent`, or `uid:0` of whoever ran a command. */
  readonly actor: string;
  readonly object: string;
  readonly outcome: Outcome;
  readonly detail: Detail;
}

/** An entry as it is read back: from a trail that anybody may have written. */
export interface Entry {
  readonly seq: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  readonly boot: string;
  readonly action: string;
  readonly actor: string;
  readonly object: string;
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The line that is hashed: canonical JSON without a newline, at most 60,000 bytes of UTF-8. Never throws: what cannot be told is told as such. */
export function encodeEntry({ action, at, actor, object, outcome, detail }: AuditRecord, seq: number, boot: string): Buffer {
  const common = { v: shape, seq, time: timeText(at), boot: whole(boot, 64), action, actor: whole(actor, 256), object: whole(object, 8_192), outcome: whole(outcome, 1_000) };
  const told = detailText(detail);
  const line = Buffer.from(canonicalJson({ ...common, detail: told === null ? { untold: 'it has no canonical form' } : detail }));
  return line.length <= mostLineBytes ? line : Buffer.from(canonicalJson({ ...common, detail: { untold: 'it is too long', bytes: line.length, sha256: hash('sha256', told ?? '', 'hex') } }));
}

const whole = (text: string, limit: number): string => text.slice(0, limit).toWellFormed();

function detailText(detail: AuditRecord['detail']): string | null {
  try { return canonicalJson(detail); } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Throws RangeError when the line is no entry in its one form. */
export function parseEntry(line: Buffer): Entry {
  const text = line.toString();
  const value = parse(text);
  const texts = ['time', 'boot', 'action', 'actor', 'object', 'outcome'].every(key => typeof value[key] === 'string');
  const { seq, detail } = value;
  if (value['v'] !== shape) throw new RangeError('it is of a shape that this mxwarden does not know');
  if (!texts || !Number.isSafeInteger(seq) || typeof detail !== 'object' || detail === null || Array.isArray(detail)) throw new RangeError('a field is missing');
  if (!Buffer.from(canonicalJson(value)).equals(line)) throw new RangeError('it is not in the canonical form');
  return value as unknown as Entry;
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try { value = JSON.parse(text); } catch { throw new RangeError('it is no JSON'); }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('it is no JSON object');
  return value as Record<string, unknown>;
}

/** Times that no calendar has become the first one. */
export const timeText = (at: number): string => new Date(Math.abs(at) <= 8.64e15 ? Math.trunc(at) : 0).toISOString();

/** At most `limit` UTF-16 units of text from outside, escaped. */
export const bounded = (text: string, limit: number): string => escapeText(text.length > limit ? `${text.slice(0, limit - 1)}…` : text);
