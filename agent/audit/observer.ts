import type { Event, EventOf } from '../contract/event.ts';
import type { FileIdentity } from '../contract/file.ts';
import type { Incident } from '../contract/incident.ts';
import type { Process } from '../contract/process.ts';
import { type AuditRecord, bounded, timeText } from './entry.ts';

/** What of the agent's events belongs in the trail. */
export interface Observer {
  see(event: Event): readonly AuditRecord[];
  /** Losses since the last call, summed up by where, what and severity. */
  losses(): readonly AuditRecord[];
}

const most = { path: 4_096, text: 1_000, name: 256, list: 50, blind: 20, known: 20_000 } as const;

/**
 * A verdict is told once for each content at a path, and a load once for each process, content and outcome, as far as
 * 20,000 of each are remembered: a server that loads the same model a thousand times a second tells nothing new.
 */
export function createObserver(): Observer {
  const verdicts = createNovelty();
  const loads = createNovelty();
  let lost = new Map<string, EventOf<'events.lost'> & { count: number | null }>();

  return {
    see(event) {
      switch (event.kind) {
        case 'agent.started': return [started(event)];
        case 'sensor.changed': return [sensor(event)];
        case 'artifact.inspected': return verdicts.isNew(event.place.path, `${identityText(event.file)} ${event.sha256} ${event.verdict}`) ? [inspected(event)] : [];
        case 'mxnet.called': case 'file.opened': {
          const record = loaded(event);
          return loads.isNew(`${record.detail.process} ${record.object}`, `${record.detail.identity} ${record.outcome}`) ? [record] : [];
        }
        case 'store.damaged': return [replaced(event)];
        case 'events.lost': {
          const key = `${event.where} ${event.what} ${event.collector} ${event.severity ?? ''}`;
          const before = lost.get(key);
          lost.set(key, { ...event, count: before === undefined ? event.count : before.count === null || event.count === null ? null : before.count + event.count });
          return [];
        }
        default: return [];
      }
    },
    losses() {
      const told = [...lost.values()];
      lost = new Map();
      return told.map(({ at, where, collector, what, count, severity = null }) => ({
        action: 'events.lost', at, actor: 'agent', object: bounded(collector, most.name), outcome: where, detail: { what, count, severity },
      }));
    },
  };
}

/** Whether this value is not the last one that was told under this key. */
function createNovelty() {
  const known = new Map<string, string>();
  return {
    isNew(key: string, value: string): boolean {
      if (known.get(key) === value) return false;
      known.delete(key);
      known.set(key, value);
      const oldest = known.keys().next().value;
      if (known.size > most.known && oldest !== undefined) known.delete(oldest);
      return true;
    },
  };
}

function started({ at, version, unwatchedSince }: EventOf<'agent.started'>): AuditRecord {
  return {
    action: 'agent.started', at, actor: 'agent', object: 'mxwarden', outcome: unwatchedSince === null ? 'in order' : 'after a crash',
    detail: { version, pid: process.pid, unwatchedSince: unwatchedSince === null ? null : timeText(unwatchedSince) },
  };
}

function sensor({ at, sensor, state, level, blind }: EventOf<'sensor.changed'>): AuditRecord {
  return { action: 'sensor.changed', at, actor: 'agent', object: bounded(sensor, most.name), outcome: state, detail: { level, blind: texts(blind, most.blind) } };
}

function replaced({ at, setAside, reason, saved, lost, alertsLost }: EventOf<'store.damaged'>): AuditRecord {
  return {
    action: 'state.replaced', at, actor: 'agent', object: bounded(setAside, most.name), outcome: lost === 0 ? 'salvaged' : 'salvaged in part',
    detail: { reason: bounded(reason, most.text), saved, lost, alertsLost },
  };
}

function inspected({ at, place, file, sha256, format, verdict, coverage, observations }: EventOf<'artifact.inspected'>): AuditRecord {
  return {
    action: 'artifact.inspected', at, actor: 'agent', object: bounded(place.path, most.path), outcome: verdict,
    detail: {
      sha256, format: bounded(format, most.name), bytes: coverage.bytes, parsed: coverage.parsed, identity: identityText(file),
      rules: texts([...new Set(observations.map(({ rule }) => rule))], most.list),
    },
  };
}

function loaded(event: EventOf<'mxnet.called'> | EventOf<'file.opened'>): Extract<AuditRecord, { action: 'model.loaded' }> {
  const by = event.kind === 'file.opened' ? event.by : event.process;
  const { path, file } = event.kind === 'file.opened' ? { path: event.place.path, file: event.file } : argumentOf(event.argument);
  return {
    action: 'model.loaded', at: event.at, actor: 'agent', object: bounded(path, most.path), outcome: event.kind === 'file.opened' ? 'seen open' : event.outcome,
    detail: {
      process: `${by.pid}:${by.startTicks}`, executable: bounded(by.executable.path, most.path), uid: by.uid, container: containerOf(by),
      api: event.kind === 'file.opened' ? 'open' : bounded(event.api, most.name), identity: file && identityText(file),
    },
  };
}

function argumentOf(argument: EventOf<'mxnet.called'>['argument']): { readonly path: string; readonly file: FileIdentity | null } {
  switch (argument.type) {
    case 'path': return { path: argument.place?.path ?? argument.raw, file: argument.file };
    case 'buffer': return { path: `(memory of ${argument.bytes ?? 'unknown'} bytes)`, file: null };
    case 'unread': return { path: `(not read: ${argument.why})`, file: null };
    default: return argument satisfies never;
  }
}

/** An incident's change, as it went into the outbox. */
export function incidentRecord(incident: Incident, envelope: string): AuditRecord {
  const { id, revision, status, severity, title, artifact, story, changedAt } = incident;
  const rules = story.flatMap(chapter => chapter.type === 'finding' ? [chapter.finding.rule] : []);
  return {
    action: 'incident.changed', at: changedAt, actor: 'agent', object: bounded(id, most.name), outcome: status,
    detail: {
      revision, severity, title: bounded(title, most.text), path: artifact && bounded(artifact.place.path, most.path), sha256: artifact?.sha256 ?? null,
      rules: texts([...new Set(rules)], most.list), envelope: bounded(envelope, most.name),
    },
  };
}

const identityText = ({ device, inode, size, mtimeNs, ctimeNs }: FileIdentity): string => `${device} ${inode} ${size} ${mtimeNs} ${ctimeNs}`;
const containerOf = ({ container }: Process): string | null => container && bounded(container.id, most.name);
const texts = (all: readonly string[], limit: number): string[] => all.slice(0, limit).map(text => bounded(text, most.text));
