import type { Memory } from '../contract/detector.ts';

export type MemoryValue = string | number;
export type MemoryEntries = readonly (readonly [key: string, value: MemoryValue])[];

const keys = 20_000;
const keyLength = 512;
const valueLength = 1_024;

/** A detector's memory that knows what has changed since it was last stored. */
export interface KeptMemory extends Memory {
  entries(): MemoryEntries;
  restore(entries: MemoryEntries): void;
  /** What was set since the last call, and what was forgotten. */
  takeChanges(): { readonly set: MemoryEntries; readonly forgotten: readonly string[] };
}

export function createMemory(): KeptMemory {
  const kept = new Map<string, MemoryValue>();
  let changed = new Set<string>();
  let forgotten = new Set<string>();

  function put(key: string, value: MemoryValue) {
    kept.delete(key);
    kept.set(key, value);
    forgotten.delete(key);
    changed.add(key);
    if (kept.size <= keys) return;
    const oldest = kept.keys().next().value;
    if (oldest === undefined) return;
    kept.delete(oldest);
    changed.delete(oldest);
    forgotten.add(oldest);
  }

  return {
    get: key => kept.get(key.slice(0, keyLength)),
    set: (key, value) => put(key.slice(0, keyLength), typeof value === 'string' ? value.slice(0, valueLength) : value),
    entries: () => [...kept],
    restore(entries) {
      for (const [key, value] of entries) put(key, value);
      changed = new Set();
    },
    takeChanges() {
      const set = [...changed].flatMap(key => {
        const value = kept.get(key);
        return value === undefined ? [] : [[key, value] as const];
      });
      const gone = [...forgotten];
      changed = new Set();
      forgotten = new Set();
      return { set, forgotten: gone };
    },
  };
}
