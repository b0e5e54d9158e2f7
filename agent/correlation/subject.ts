import type { Event } from '../contract/event.ts';
import type { Process, ProcessRef } from '../contract/process.ts';

/** What an event speaks of: the thing an incident can be about. */
export type Subject =
  | { readonly type: 'artifact'; readonly path: string }
  | { readonly type: 'load'; readonly process: Process; readonly path: string | null }
  /** `ancestors`: a worker that was forked after a load has it from its parent. */
  | { readonly type: 'tree'; readonly process: ProcessRef; readonly ancestors: readonly ProcessRef[] }
  | { readonly type: 'host' }
  | null;

export function subjectOf(event: Event): Subject {
  switch (event.kind) {
    case 'file.changed':
      if (event.what !== 'system') return { type: 'artifact', path: event.place.path };
      return event.by === null ? null : { type: 'tree', process: event.by, ancestors: event.by.ancestors };
    case 'artifact.inspected': return { type: 'artifact', path: event.place.path };
    case 'mxnet.called': return { type: 'load', process: event.process, path: event.argument.type === 'path' ? event.argument.place?.path ?? event.argument.raw : null };
    case 'file.opened': return { type: 'load', process: event.by, path: event.place.path };
    case 'file.accessed': return event.by === null ? null : { type: 'tree', process: event.by, ancestors: event.by.ancestors };
    case 'process.executed': case 'network.connected': case 'memory.protected': case 'process.traced': case 'credentials.changed': case 'kernel.used':
      return { type: 'tree', process: event.tree, ancestors: event.process.ancestors };
    case 'process.exited': return { type: 'tree', process: event.tree, ancestors: [] };
    case 'mxnet.mapped': case 'library.mapped': case 'mxnet.registered': return { type: 'tree', process: event.process, ancestors: event.process.ancestors };
    case 'process.sampled': case 'network.transferred': return { type: 'tree', process: event.process, ancestors: [] };
    case 'sensor.changed': case 'events.lost': case 'agent.sampled': case 'agent.started': case 'store.damaged': case 'trail.broken': return { type: 'host' };
    case 'host.sampled': case 'baseline.restored': return null;
    default: return event satisfies never;
  }
}

export const refKey = (process: ProcessRef): string => `${process.pid}:${process.startTicks}`;

/** `/m/resnet` for `/m/resnet-symbol.json`, `/m/resnet-0012.params` and `/m/resnet-0012.states`: the files of one model. */
export function modelOf(path: string): string {
  return path.replace(/(-symbol\.json|-\d{4,}\.(params|states)|\.(params|states|nd|buckets|json))$/, '');
}

export const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
export const fileNameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1) || path;
