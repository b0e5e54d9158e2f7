import type { HostIdentity, Log } from '../contract/component.ts';
import type { Draft } from '../contract/event.ts';
import type { Severity } from '../contract/finding.ts';
import type { Incident } from '../contract/incident.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import type { Database } from '../store/database.ts';
import { type EnvelopeDraft, type Outbox, severityOf } from '../store/outbox.ts';
import type { IncidentStore } from '../store/incidents.ts';
import type { StateStore } from '../store/state.ts';
import type { Correlation } from './correlate.ts';
import type { Detection } from './detect.ts';

export interface CommitParts {
  readonly database: Database;
  readonly state: StateStore;
  readonly artifacts: ArtifactStore;
  readonly incidents: IncidentStore;
  readonly correlation: Correlation;
  /** Asked each time: a reload swaps them. */
  outbox(): Pick<Outbox, 'append'>;
  detection(): Pick<Detection, 'memories'>;
  readonly host: HostIdentity;
  readonly version: string;
  readonly log: Log;
  emit(draft: Draft): void;
  /** These are on disk, and nobody has heard of them yet. */
  stored(drafts: readonly EnvelopeDraft[]): void;
  /** There is something new to deliver. */
  notify(): void;
}

export interface Commit {
  /** After each batch of events: what is due becomes durable before anyone else hears of it. */
  tick(): void;
  /** Everything, whether due or not. False when the disk refused it. */
  all(): boolean;
  /** Something else that must leave the host; stored at the next tick. */
  add(draft: EnvelopeDraft): void;
  /** Why nothing can be stored at the moment, or null. */
  readonly failure: string | null;
  readonly waiting: number;
}

/** What was remembered without an incident is written so often; an incident at once. */
const saveMs = 1_000;
/** Where there is nothing to write, that we are alive is, so often: each write waits for the disk. */
const aliveMs = 10_000;
/** Incident changes kept in memory while the disk refuses them. */
const mostWaiting = 10_000;

export function createCommit(parts: CommitParts): Commit {
  const { database, state, artifacts, incidents, outbox, correlation, detection, host, version, log, emit, stored, notify } = parts;
  const drafts = new Map<string, EnvelopeDraft>();
  const rows = new Map<string, unknown>();
  const memories = new Map<string, { set: Map<string, string | number>; forgotten: Set<string> }>();
  let savedAt = 0;
  let failure: string | null = null;

  function collect(all: boolean) {
    for (const incident of correlation.take(Date.now(), all)) add(envelope(incident, host, version));
    for (const [key, value] of correlation.takeRows()) rows.set(key, value);
  }

  function add(draft: EnvelopeDraft) {
    if (drafts.size < mostWaiting) drafts.set(draft.id, draft);
    else lose(severityOf(draft), 1);
  }

  function lose(severity: Severity, count: number) {
    emit({ kind: 'events.lost', at: Date.now(), where: 'outbox', what: 'any', count, severity });
  }

  function collectMemories() {
    for (const [detector, memory] of detection().memories) {
      const { set, forgotten } = memory.takeChanges();
      if (set.length === 0 && forgotten.length === 0) continue;
      const kept = memories.get(detector) ?? { set: new Map(), forgotten: new Set() };
      for (const [key, value] of set) { kept.set.set(key, value); kept.forgotten.delete(key); }
      for (const key of forgotten) { kept.set.delete(key); kept.forgotten.add(key); }
      memories.set(detector, kept);
    }
  }

  /** One transaction for all of it: the outbox and what correlation remembers never disagree. */
  function write(): boolean {
    savedAt = Date.now();
    collectMemories();
    const taken = [...drafts.values()];
    const result = database.transaction(() => {
      const appended = taken.length > 0 ? outbox().append(taken) : null;
      if (appended && !appended.stored) throw appended.error;
      incidents.save(taken.flatMap(draft => draft.type === 'incident' ? [draft.body] : []));
      state.saveCorrelation(rows);
      for (const [detector, { set, forgotten }] of memories) state.saveMemory(detector, [...set], [...forgotten]);
      state.saveNote('aliveAt', savedAt);
      return { dropped: appended?.value.dropped ?? [], artifactsSaved: artifacts.save() };
    });
    if (!result.stored) {
      if (failure === null) log.error('nothing can be stored; alerts wait in memory until it can', { reason: result.error.message, waiting: drafts.size });
      failure = result.error.message;
      return false;
    }
    if (failure !== null) log.warn('storing works again', { stored: taken.length });
    failure = null;
    for (const draft of taken) drafts.delete(draft.id);
    rows.clear();
    memories.clear();
    result.value.artifactsSaved();
    for (const { severity, count } of result.value.dropped) {
      log.error('the outbox is full: alerts were dropped', { severity, count });
      lose(severity, count);
    }
    if (taken.length > 0) { stored(taken); notify(); }
    return true;
  }

  return {
    tick() {
      collect(false);
      const age = Math.abs(Date.now() - savedAt);
      if (age >= saveMs) collectMemories();
      const something = drafts.size + rows.size + memories.size + artifacts.unsaved > 0;
      if (age >= aliveMs || (age >= saveMs && something) || (drafts.size > 0 && failure === null)) write();
    },
    all() { collect(true); return write(); },
    add,
    get failure() { return failure; },
    get waiting() { return drafts.size; },
  };
}

function envelope(incident: Incident, host: HostIdentity, version: string): EnvelopeDraft {
  return { id: `${incident.id}.${incident.revision}`, host, version, type: 'incident', body: incident };
}
