import { readText } from '../../../agent/contract/text.ts';
import { bytesOf, type RawPath } from './raw-path.ts';

/** What can keep a watch from seeing. Each is about folders, files or patterns that are named. */
export type Cause =
  | 'watches' | 'instances' | 'refused' | 'unnamed' | 'unnotified' | 'forced' | 'unreadable' | 'tooLong' | 'tooManyFiles' | 'tooManyFolders'
  | 'leadsOut' | 'overflow' | 'inventory' | 'missing';

/** These are not faults of the sensor: it is whole without them. */
const harmless: ReadonlySet<Cause> = new Set(['inventory', 'missing', 'leadsOut']);
/** A cause names at most so many paths; the count goes on. */
const mostNamed = 256;

export interface Blindness {
  add(cause: Cause, path: RawPath): void;
  remove(cause: Cause, path: RawPath): void;
  /** All causes of one path. */
  forget(path: RawPath): void;
  has(cause: Cause): boolean;
  isDegraded(): boolean;
  lines(): readonly string[];
}

/** Changes are gathered this long. */
const gatherMs = 200;

/** `words` gives one sentence to each cause; `changed` is called once for many changes. */
export function trackBlindness(words: Readonly<Record<Cause, string>>, changed: () => void): Blindness {
  const causes = new Map<Cause, { readonly paths: Set<RawPath>; unnamed: number }>();
  let told = false;
  const change = (): void => {
    if (told) return;
    told = true;
    setTimeout(() => { told = false; changed(); }, gatherMs).unref();
  };
  const remove = (cause: Cause, path: RawPath): void => {
    const entry = causes.get(cause);
    if (!entry?.paths.delete(path)) return;
    if (entry.paths.size === 0) causes.delete(cause);
    change();
  };
  return {
    add: (cause, path) => {
      const entry = causes.get(cause) ?? { paths: new Set<RawPath>(), unnamed: 0 };
      causes.set(cause, entry);
      if (entry.paths.has(path)) return;
      if (entry.paths.size < mostNamed) entry.paths.add(path);
      else entry.unnamed++;
      change();
    },
    remove,
    forget: path => { for (const cause of causes.keys()) remove(cause, path); },
    has: cause => causes.has(cause),
    isDegraded: () => [...causes.keys()].some(cause => !harmless.has(cause)),
    lines: () => Array.from(causes, ([cause, { paths, unnamed }]) => {
      const [first = ''] = paths;
      const others = paths.size + unnamed - 1;
      return `${words[cause]}: ${readText(bytesOf(first), 512)}${others > 0 ? ` and ${others} more` : ''}`;
    }),
  };
}
