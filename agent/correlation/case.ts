import { createHash } from 'node:crypto';
import type { Event } from '../contract/event.ts';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { Finding } from '../contract/finding.ts';
import type { Chapter, Incident } from '../contract/incident.ts';
import type { Process } from '../contract/process.ts';
import { combine, rank } from './severity.ts';
import { titleOf } from './title.ts';

/** An incident while it is being told. Plain data, so that it can be stored and taken up again. */
export interface Case {
  readonly id: string;
  readonly openedAt: number;
  revision: number;
  status: Incident['status'];
  artifact: { place: Place; file: FileIdentity | null; sha256: string | null } | null;
  loader: Process | null;
  /** The load it belongs to; null before any load. */
  load: string | null;
  chapters: Chapter[];
  /** Ids of the events that were told or counted. */
  told: Record<string, true>;
  /** Rule → how many findings of it there were. */
  rules: Record<string, number>;
  gaps: string[];
  omitted: number;
  lastFindingAt: number;
  changedAt: number;
  publishedAt: number | null;
  dirty: boolean;
}

/** Beyond `counted`, an event that comes up again is counted again. */
const most = { chapters: 200, perRule: 8, gaps: 30, counted: 2_000 } as const;

export function openCase(key: string, at: number): Case {
  const day = new Date(at).toISOString().slice(0, 10).replaceAll('-', '');
  const id = `mw-${day}-${createHash('sha256').update(`${key} ${at}`).digest('hex').slice(0, 12)}`;
  return { id, openedAt: at, revision: 0, status: 'open', artifact: null, loader: null, load: null, chapters: [], told: {}, rules: {}, gaps: [], omitted: 0, lastFindingAt: at, changedAt: at, publishedAt: null, dirty: false };
}

/** Adds a fact to the story, once; an inspection that says again what is told already, not at all. */
export function tell(open: Case, event: Event): void {
  if (open.told[event.id]) return;
  if (event.kind === 'artifact.inspected') {
    const content = `${event.place.path} ${event.sha256 || event.id}`;
    if (open.told[content]) return;
    open.told[content] = true;
  }
  if (open.chapters.length >= most.chapters) {
    if (open.omitted < most.counted) open.told[event.id] = true;
    open.omitted += 1;
    return;
  }
  open.told[event.id] = true;
  open.chapters.push({ type: 'event', event });
  open.changedAt = Math.max(open.changedAt, event.at);
  open.dirty = true;
}

/** Adds a finding; many of one rule are counted after the first few, unless a graver one comes. */
export function suspect(open: Case, finding: Finding): void {
  const count = (open.rules[finding.rule] ?? 0) + 1;
  open.rules[finding.rule] = count;
  open.lastFindingAt = Math.max(open.lastFindingAt, finding.at);
  open.changedAt = Math.max(open.changedAt, finding.at);
  open.dirty = true;
  const graver = findingsOf(open).every(other => rank(other.severity) < rank(finding.severity));
  if ((count > most.perRule || open.chapters.length >= most.chapters) && !graver) open.omitted += 1;
  else open.chapters.push({ type: 'finding', finding });
}

export function addGap(open: Case, gap: string): void {
  if (open.gaps.includes(gap)) return;
  if (open.gaps.length < most.gaps) open.gaps.push(gap);
  open.dirty = true;
}

/** Takes over what another case told; that other one is to be closed. */
export function absorb(open: Case, other: Case): void {
  for (const chapter of other.chapters) {
    if (chapter.type === 'event') tell(open, chapter.event);
    else if (!open.chapters.some(own => own.type === 'finding' && own.finding.id === chapter.finding.id)) suspect(open, chapter.finding);
  }
  for (const gap of other.gaps) addGap(open, gap);
  open.omitted += other.omitted;
}

export const findingsOf = (open: Case): Finding[] => open.chapters.flatMap(chapter => chapter.type === 'finding' ? [chapter.finding] : []);

/** The next revision, told whole; `standing` are gaps that hold for every incident now (sensor levels). */
export function publish(open: Case, standing: readonly string[], at: number): Incident {
  open.revision += 1;
  if (open.status === 'open' && open.revision > 1) open.status = 'updated';
  open.dirty = false;
  open.publishedAt = at;
  const story = open.chapters.toSorted((a, b) => timeOf(a) - timeOf(b) || (a.type === b.type ? 0 : a.type === 'event' ? -1 : 1));
  const omitted = open.omitted > 0 ? [`${open.omitted} more facts and findings of this incident are counted, not told`] : [];
  return {
    id: open.id, revision: open.revision, status: open.status, severity: combine(findingsOf(open)),
    title: titleOf(open.artifact?.place.path ?? null, open.loader, story).slice(0, 500),
    artifact: open.artifact, loader: open.loader, story, openedAt: open.openedAt, changedAt: open.changedAt,
    gaps: [...new Set([...omitted, ...open.gaps, ...standing])],
  };
}

const timeOf = (chapter: Chapter): number => chapter.type === 'event' ? chapter.event.at : chapter.finding.at;
