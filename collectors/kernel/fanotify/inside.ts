/** What a process in another mount namespace calls a file that the host has at a path. Of the watcher process. */
import type { HostPaths } from '../../../agent/contract/component.ts';
import { below, folderOf, nameOf, type RawPath } from '../inotify/raw-path.ts';
import { type Mount, mountsOf, samePlaces } from '../procfs/mounts.ts';
import { readLink } from '../procfs/read.ts';
import { sameFile } from '../procfs/view.ts';

/** Null when it shares our mounts, when it does not have the file in its view, or when it is gone. */
export type Inside = (actor: number | null, pid: number, path: RawPath) => RawPath | null;

const mostActors = 256;
/** Mounts of a container hardly change, and are long to read. */
const mountsMs = 1_000;
const mostNamespaces = 64;

export function createInside(host: HostPaths): Inside {
  const own = readLink(`${host.proc}/self/ns/mnt`);
  const namespaces = new Map<number, string | null>();
  const mounts = new Map<string, { readonly at: number; readonly list: readonly Mount[] }>();

  function namespaceOf(actor: number, pid: number): string | null {
    const known = namespaces.get(actor);
    if (known !== undefined) return known;
    const found = readLink(`${host.proc}/${pid}/ns/mnt`);
    bound(namespaces, mostActors);
    namespaces.set(actor, found);
    return found;
  }

  function mountsIn(namespace: string, pid: number | 'self'): readonly Mount[] {
    const known = mounts.get(namespace);
    if (known !== undefined && performance.now() - known.at < mountsMs) return known.list;
    mounts.delete(namespace);
    bound(mounts, mostNamespaces);
    const list = mountsOf(host, pid) ?? [];
    mounts.set(namespace, { at: performance.now(), list });
    return list;
  }

  return (actor, pid, path) => {
    const namespace = actor === null ? null : namespaceOf(actor, pid);
    if (namespace === null || own === null || namespace === own) return null;
    const folder = folderOf(path);
    const places = samePlaces(folder, mountsIn(own, 'self'), mountsIn(namespace, pid));
    const found = places.find(place => sameFile(`${host.proc}/${pid}/root${place}`, folder));
    return found === undefined ? null : below(found, nameOf(path));
  };
}

function bound<Key>(map: Map<Key, unknown>, most: number): void {
  const oldest = map.size >= most ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
