import type { Place } from '../contract/file.ts';
import type { InspectionRecord } from '../contract/inspection.ts';
import type { Known } from './inspect-pool.ts';

/** A content that was judged, and the path whose record says how. */
export interface Original extends Known { readonly path: string }

export interface Copies {
  add(path: string, record: InspectionRecord): void;
  /** What a file of this name and size may be a copy of. */
  alike(place: Place, size: number): readonly Original[];
}

const mostNames = 10_000;
const mostContents = 4;

/** Of each name and size the last few contents. It only says whose record to ask; a restart forgets it. */
export function createCopies(): Copies {
  const seen = new Map<string, readonly Original[]>();
  const key = (path: string, size: number) => `${size}/${path.slice(path.lastIndexOf('/') + 1)}`;
  return {
    add(path, { sha256, judgedAs, file }) {
      if (sha256 === '' || judgedAs === undefined) return;
      const name = key(path, file.size);
      const others = (seen.get(name) ?? []).filter(other => other.sha256 !== sha256 || other.judgedAs !== judgedAs);
      seen.delete(name);
      seen.set(name, [{ path, sha256, judgedAs }, ...others].slice(0, mostContents));
      const oldest = seen.size > mostNames ? seen.keys().next().value : undefined;
      if (oldest !== undefined) seen.delete(oldest);
    },
    alike: ({ path }, size) => seen.get(key(path, size)) ?? [],
  };
}
