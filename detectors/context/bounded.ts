/** A map of at most `cap` keys: whoever was set longest ago is forgotten first. `get` does not refresh, `set` does. */
export interface Bounded<Key, Value> {
  readonly size: number;
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
}

export function bounded<Key, Value>(cap: number): Bounded<Key, Value> {
  const kept = new Map<Key, Value>();
  return {
    get size() { return kept.size; },
    get: key => kept.get(key),
    has: key => kept.has(key),
    delete(key) { kept.delete(key); },
    set(key, value) {
      if (kept.delete(key)) { kept.set(key, value); return; }
      kept.set(key, value);
      if (kept.size <= cap) return;
      const oldest = kept.keys().next();
      if (!oldest.done) kept.delete(oldest.value);
    },
  };
}

/**
 * Counts how often something was told under a key, so that a flood is told once and then only counted: true for the
 * first `most` times. The summary of the last one should say that the rest is left out: `last` is true for it.
 */
export function createTally(most: number, cap = 10_000) {
  const counts = bounded<string, number>(cap);
  return (key: string): { readonly tell: boolean; readonly last: boolean } => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, Math.min(count, most + 1));
    return { tell: count <= most, last: count === most };
  };
}

/** True once per key, as far as `cap` keys are remembered. */
export function createOnce(cap = 20_000): (key: string) => boolean {
  const seen = bounded<string, true>(cap);
  return key => {
    if (seen.has(key)) return false;
    seen.set(key, true);
    return true;
  };
}
