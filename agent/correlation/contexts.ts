import type { EventOf } from '../contract/event.ts';
import type { FileIdentity, Place } from '../contract/file.ts';

/** What is known of a file before anyone loads it: how it came here, and what the inspector saw. */
export interface ArtifactContext {
  place: Place;
  file: FileIdentity | null;
  sha256: string | null;
  /** The last changes, oldest first. */
  readonly changes: EventOf<'file.changed'>[];
  inspected: EventOf<'artifact.inspected'> | null;
  /** The last load of it, and of what content. */
  loadedBy: string | null;
  loadedFile: FileIdentity | null;
}

const most = { files: 20_000, changes: 5 } as const;

export const sameFile = (a: FileIdentity | null, b: FileIdentity | null): boolean =>
  a !== null && b !== null && a.device === b.device && a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs;

/** Bounded: the file that was not spoken of for the longest time is forgotten first, and `forgotten` hears its path. */
export function createContexts(forgotten: (path: string) => void) {
  const contexts = new Map<string, ArtifactContext>();

  function keep(path: string, context: ArtifactContext) {
    contexts.delete(path);
    contexts.set(path, context);
    const oldest = contexts.keys().next().value;
    if (contexts.size <= most.files || oldest === undefined) return;
    contexts.delete(oldest);
    forgotten(oldest);
  }

  function touch(place: Place): ArtifactContext {
    const context = contexts.get(place.path) ?? { place, file: null, sha256: null, changes: [], inspected: null, loadedBy: null, loadedFile: null };
    keep(place.path, context);
    return context;
  }

  return {
    get: (path: string) => contexts.get(path),
    /** True when it is worth keeping across a restart: somebody changed the file while we looked. */
    note(event: EventOf<'file.changed'> | EventOf<'artifact.inspected'>): boolean {
      const context = touch(event.place);
      if (event.kind === 'artifact.inspected') {
        context.inspected = event;
        context.file = event.file;
        context.sha256 = event.sha256;
        return context.changes.length > 0;
      }
      if (!sameFile(event.file, context.file)) { context.sha256 = null; context.inspected = null; }
      context.file = event.file;
      if (event.change === 'found') return false;
      context.changes.push(event);
      if (context.changes.length > most.changes) context.changes.shift();
      return true;
    },
    loaded(path: string, file: FileIdentity | null, load: string) {
      const context = touch(contexts.get(path)?.place ?? { path });
      context.loadedBy = load;
      context.loadedFile = file;
    },
    /** The load that has this very content of the path, if one has. */
    loaderOf(path: string, file: FileIdentity): string | null {
      const context = contexts.get(path);
      return context && sameFile(context.loadedFile, file) ? context.loadedBy : null;
    },
    restore: keep,
  };
}
