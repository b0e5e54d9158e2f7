import type { Event } from '../contract/event.ts';
import type { Finding } from '../contract/finding.ts';
import type { Incident } from '../contract/incident.ts';
import { addGap, type Case, findingsOf, suspect, tell } from '../correlation/case.ts';
import { type ArtifactContext, createContexts } from '../correlation/contexts.ts';
import { createDocket } from '../correlation/docket.ts';
import { createLoads, type LoadEvent, mainPath, type ModelLoad, type Tree } from '../correlation/loads.ts';
import { createSensors, lossOf } from '../correlation/sensors.ts';
import { rank } from '../correlation/severity.ts';
import { modelOf, refKey, type Subject, subjectOf } from '../correlation/subject.ts';

export interface CorrelationOptions {
  readonly quietMs: number;
  readonly attributionMs: number;
  readonly coalesceMs: number;
  readonly maxOpen: number;
}

/** What must survive a restart, as rows; `null` removes one. */
export type Rows = ReadonlyMap<string, unknown>;

export interface Correlation {
  /** One event with what the detectors made of it. */
  see(event: Event, findings: readonly Finding[]): void;
  /** Incident changes that are due at this time; `all` also those that would wait for more. */
  take(at: number, all?: boolean): readonly Incident[];
  takeRows(): Rows;
  restore(rows: Iterable<readonly [string, unknown]>): void;
  readonly open: number;
  readonly suppressed: number;
}

const hostKey = 'host';
/** A loss is told by incidents that open so soon after it. */
const lossMemoryMs = 60_000;
const quietCheckMs = 1_000;

const keyOfLoad = (load: ModelLoad) => `load:${load.id}`;
const keyOfModel = (path: string) => `model:${modelOf(path)}`;

/**
 * Joins findings into incidents: one for each load of a model by a process, or for a model before anyone loads it.
 * A load takes over the incident of its model, so that writer, load and consequences are one story under one id.
 * Deterministic: its only clocks are the events' and the one it is asked with.
 */
export function createCorrelation(options: CorrelationOptions): Correlation {
  const docket = createDocket();
  const sensors = createSensors();
  let changedRows = new Set<string>();
  // What is forgotten here must not stay on the disk either.
  const loads = createLoads(key => { changedRows.add(`tree:${key}`); });
  const contexts = createContexts(path => { changedRows.add(`context:${path}`); });
  let quietCheckedAt = 0;
  let suppressed = 0;
  let recentLoss: { readonly at: number; readonly text: string } | null = null;

  /** What a finding about this subject is about: a load when there is one, else the model, the process or the host. */
  function aboutOf(subject: Exclude<Subject, null>, event: Event): { key: string; load: ModelLoad | null; path: string | null } {
    if (subject.type === 'host') return { key: hostKey, load: null, path: null };
    if (subject.type === 'artifact') {
      const load = loadThatHas(event);
      return load ? { key: keyOfLoad(load), load, path: subject.path } : { key: keyOfModel(subject.path), load: null, path: subject.path };
    }
    const load = loads.lastBefore(subject.process, event.at, options.attributionMs) ?? inheritedLoad(subject, event.at);
    const path = subject.type === 'load' ? subject.path : load && mainPath(load);
    return load ? { key: keyOfLoad(load), load, path } : { key: `process:${refKey(subject.process)}`, load: null, path };
  }

  function inheritedLoad(subject: Exclude<Subject, null>, at: number): ModelLoad | null {
    for (const parent of subject.type === 'tree' ? subject.ancestors : []) {
      const load = loads.lastBefore(parent, at, options.attributionMs);
      if (load) return load;
    }
    return null;
  }

  /** A file that is judged after it was loaded: what is said of it belongs to that load. */
  function loadThatHas(event: Event): ModelLoad | null {
    if (event.kind !== 'artifact.inspected') return null;
    const loader = contexts.loaderOf(event.place.path, event.file);
    return loader ? loads.byId(loader) : null;
  }

  function loaded(event: LoadEvent, { process, path }: Extract<Subject, { type: 'load' }>) {
    const load = loads.add(event, process, path);
    changedRows.add(`tree:${refKey(process)}`);
    const file = event.kind === 'file.opened' ? event.file : event.argument.type === 'path' ? event.argument.file : null;
    if (path !== null) contexts.loaded(path, file, load.id);
    if (path !== null) docket.adopt(keyOfModel(path), keyOfLoad(load));
    docket.adopt(`process:${refKey(process)}`, keyOfLoad(load));
    const open = docket.get(keyOfLoad(load));
    if (open) { belong(open, load); tell(open, event); }
  }

  /** Names the load's file and process, and tells what is known of how the file came here. */
  function belong(open: Case, load: ModelLoad) {
    open.load = load.id;
    open.loader ??= load.process;
    for (const path of load.paths) describe(open, path);
    for (const call of load.calls) tell(open, call);
  }

  function describe(open: Case, path: string) {
    const context = contexts.get(path);
    for (const event of context?.changes ?? []) tell(open, event);
    if (context?.inspected) tell(open, context.inspected);
    if (open.artifact === null || (context && open.artifact.place.path === path)) {
      open.artifact = { place: context?.place ?? { path }, file: context?.file ?? null, sha256: context?.sha256 ?? null };
    }
  }

  function judge(event: Event, subject: Exclude<Subject, null>, findings: readonly Finding[]) {
    const { key, load, path } = aboutOf(subject, event);
    const open = docket.get(key) ?? begin(key, event, load, findings);
    if (!open) return;
    const gravest = Math.max(-1, ...findingsOf(open).map(finding => rank(finding.severity)));
    if (path !== null) describe(open, path);
    if (load) belong(open, load);
    else if (subject.type === 'load') open.loader ??= subject.process;
    else if (event.kind === 'mxnet.mapped' || event.kind === 'process.executed') open.loader ??= event.process;
    tell(open, event);
    for (const finding of findings) suspect(open, finding);
    // Of several files of a model, the one that the gravest finding names is the incident's.
    const context = subject.type === 'artifact' ? contexts.get(subject.path) : undefined;
    if (context && findings.some(finding => rank(finding.severity) > gravest)) open.artifact = { place: context.place, file: context.file, sha256: context.sha256 };
  }

  /** Opens a case when something at least low was found and there is room. */
  function begin(key: string, event: Event, load: ModelLoad | null, findings: readonly Finding[]): Case | null {
    if (findings.every(finding => rank(finding.severity) < rank('low'))) return null;
    if (docket.size >= options.maxOpen && key !== hostKey) { suppress(event.at, findings); return null; }
    const open = docket.open(key, event.at);
    if (recentLoss && event.at - recentLoss.at <= lossMemoryMs) addGap(open, recentLoss.text);
    for (const earlier of load ? loads.since(load.process) : []) tell(open, earlier);
    return open;
  }

  /** Too many at once: counted, and told by one incident of the host. */
  function suppress(at: number, findings: readonly Finding[]) {
    suppressed += findings.length;
    const host = docket.get(hostKey) ?? docket.open(hostKey, at);
    for (const finding of findings) suspect(host, finding);
    host.gaps = [...host.gaps.filter(gap => !gap.startsWith('too many')), `too many incidents at once (${options.maxOpen} open): ${suppressed} findings are told here or only counted`];
  }

  /** Facts that nobody suspects still belong to a story that is open, or to one that may open. */
  function follow(event: Event, subject: Exclude<Subject, null>) {
    if ((event.kind === 'file.changed' && event.what !== 'system') || event.kind === 'artifact.inspected') {
      if (contexts.note(event)) changedRows.add(`context:${event.place.path}`);
      const open = event.kind === 'artifact.inspected' ? docket.get(aboutOf(subject, event).key) : undefined;
      if (open) { tell(open, event); describe(open, event.place.path); }
    } else if (event.kind === 'process.executed' || event.kind === 'network.connected' || (event.kind === 'process.exited' && refKey(event.process) === refKey(event.tree))) {
      loads.note(event.tree, event);
      const open = docket.get(aboutOf(subject, event).key);
      if (open) tell(open, event);
    }
  }

  function noteLoss(event: Event) {
    if (event.kind === 'sensor.changed') sensors.note(event);
    const text = lossOf(event);
    if (text === null) return;
    recentLoss = { at: event.at, text };
    docket.gapForAll(text);
  }

  return {
    see(event, findings) {
      const subject = subjectOf(event);
      noteLoss(event);
      if (subject === null) return;
      if (subject.type === 'load' && (event.kind === 'mxnet.called' || event.kind === 'file.opened')) loaded(event, subject);
      follow(event, subject);
      if (findings.length > 0) judge(event, subject, findings);
    },
    take(at, all = false) {
      // A clock that is set back must not hold anything up: only the distance counts.
      if (Math.abs(at - quietCheckedAt) >= quietCheckMs) { quietCheckedAt = at; docket.closeQuiet(at, options.quietMs); }
      return docket.publish(at, open => all || open.publishedAt === null || Math.abs(at - open.publishedAt) >= options.coalesceMs, sensors.gaps());
    },
    takeRows() {
      const rows = new Map<string, unknown>();
      for (const [key, open] of docket.takeChanged()) rows.set(`case:${key}`, open);
      for (const row of changedRows) {
        const key = row.slice(row.indexOf(':') + 1);
        rows.set(row, (row.startsWith('tree:') ? loads.get(key) : contexts.get(key)) ?? null);
      }
      changedRows = new Set();
      return rows;
    },
    restore(rows) {
      for (const [row, value] of rows) {
        const key = row.slice(row.indexOf(':') + 1);
        if (row.startsWith('case:')) docket.restore(key, value as Case);
        else if (row.startsWith('tree:')) loads.restore(key, value as Tree);
        else contexts.restore(key, value as ArtifactContext);
      }
    },
    get open() { return docket.size; },
    get suppressed() { return suppressed; },
  };
}
