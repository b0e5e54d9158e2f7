import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, linkSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectory } from '../store/directory.ts';
import { TrailDamage } from './damage.ts';
import { type AuditRecord, bounded, timeText } from './entry.ts';
import { makeFolders, ownAsAround, readFile, writeWhole } from './files.ts';

/*
 * Whoever reads the trail by a command leaves a notice beside it, which the agent that owns the trail takes in; at once
 * or, when none runs, at its next start. So there is one writer, and no reader has to wait for it.
 */

const folder = 'notices';
const mostBytes = 8_192;
const mostText = 1_000;
/** Taken in at a time. */
const mostAtOnce = 100;
const notice = z.strictObject({ at: z.int(), uid: z.int(), login: z.int().nullable(), what: z.string().max(mostText) });

/** Throws what the disk throws. */
export function leaveNotice(directory: string, what: string): void {
  const place = join(directory, folder);
  makeFolders(place);
  const told: z.output<typeof notice> = { at: Date.now(), uid: process.getuid?.() ?? -1, login: loginUid(), what: bounded(what, 900).slice(0, mostText) };
  const name = `${told.at}-${randomBytes(6).toString('hex')}`;
  const unfinished = join(place, `.${name}`);
  const descriptor = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeWhole(descriptor, Buffer.from(JSON.stringify(told)), 0);
    ownAsAround(unfinished);
    fsyncSync(descriptor);
    linkSync(unfinished, join(place, name));
  } finally {
    closeSync(descriptor);
    rmSync(unfinished, { force: true });
  }
  syncDirectory(place);
}

export interface Notices {
  readonly records: readonly AuditRecord[];
  /** Call when the records are on disk. Whoever is killed between the two tells them twice, under the same id. */
  taken(): void;
}

/** What was left since. A notice that is none is told as such. */
export function takeNotices(directory: string): Notices {
  const place = join(directory, folder);
  const names = listed(place).filter(name => /^[0-9]{1,16}-[0-9a-f]{12}$/.test(name)).sort().slice(0, mostAtOnce);
  return {
    records: names.map(name => recordOf(name, parse(join(place, name)))),
    taken() { for (const name of names) rmSync(join(place, name), { force: true, recursive: true }); },
  };
}

function listed(place: string): string[] {
  try { return readdirSync(place); } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}

function parse(path: string): z.output<typeof notice> | null {
  try { return notice.safeParse(JSON.parse(readFile(path, mostBytes)?.toString() ?? '')).data ?? null; } catch (error) {
    if (error instanceof SyntaxError || error instanceof TrailDamage) return null;
    throw error;
  }
}

function recordOf(id: string, told: z.output<typeof notice> | null): AuditRecord {
  const actor = told === null ? 'unknown' : `uid:${told.uid}${told.login === null ? '' : ` login:${told.login}`}`;
  return {
    action: 'trail.read', at: Date.now(), actor, object: 'trail', outcome: told === null ? 'a notice that cannot be read' : 'read',
    detail: { what: bounded(told?.what ?? '', mostText), noticed: timeText(told?.at ?? 0), id },
  };
}

/** Who logged in to start all this, /proc/PID/loginuid; null when nobody did. */
function loginUid(): number | null {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    return Number.isSafeInteger(uid) && uid < 4_294_967_295 ? uid : null;
  } catch { return null; }
}
