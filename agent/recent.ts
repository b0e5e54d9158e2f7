import type { Event, SensorChanged } from './contract/event.ts';
import type { Finding } from './contract/finding.ts';
import type { Process, ProcessRef } from './contract/process.ts';

/** A finding of late, with what tells whose deed it is about. */
export interface RecentFinding extends Finding {
  /** When the agent said it, epoch milliseconds; `at` is when it happened. */
  readonly toldAt: number;
  /** Which collector's fact made the detector speak, and at which level that works; null where it has none. */
  readonly collector: string;
  readonly level: SensorChanged['level'] | null;
  /** Of that fact: the process, the one with MXNet whose tree it belongs to, and its ancestors; empty when it names none. */
  readonly processes: readonly ProcessRef[];
  /** Of that fact: the file, as it was named where it could not be found; null when there is none. */
  readonly path: string | null;
}

export interface Recent {
  note(event: Event, findings: readonly Finding[], level: SensorChanged['level'] | null): void;
  /** What happened at or after a moment, in the order in which it was said. */
  since(at: number): readonly RecentFinding[];
}

/** The last `most` findings: what `mxwarden simulate` asks for. */
export function createRecent(most: number): Recent {
  const all: RecentFinding[] = [];
  return {
    note(event, findings, level) {
      if (findings.length === 0) return;
      const about = { toldAt: Date.now(), collector: event.collector, level, processes: processesOf(event), path: pathOf(event) };
      for (const finding of findings) all.push({ ...finding, ...about });
      if (all.length > most) all.splice(0, all.length - most);
    },
    since: at => all.filter(each => each.at >= at),
  };
}

const isWhole = (who: ProcessRef): who is Process => 'ancestors' in who;

function processesOf(event: Event): readonly ProcessRef[] {
  const who = 'process' in event ? event.process : 'by' in event ? event.by : null;
  const refs = [...who === null ? [] : [who, ...isWhole(who) ? who.ancestors : []], ...'tree' in event ? [event.tree] : []];
  return refs.map(({ pid, startTicks }) => ({ pid, startTicks }));
}

function pathOf(event: Event): string | null {
  if ('place' in event) return event.place.path;
  if (event.kind === 'mxnet.mapped') return event.library.place.path;
  return event.kind === 'mxnet.called' && event.argument.type === 'path' ? event.argument.place?.path ?? event.argument.raw : null;
}
