import type { Row } from './fact.ts';
import type { RawPath } from './raw-path.ts';

/** One folder below a root, and what was last seen in it. */
export interface Folder {
  readonly path: RawPath;
  readonly root: RawPath;
  readonly device: bigint;
  readonly inode: bigint;
  readonly bornNs: bigint;
  /** What a file not seen before is reported as until the folder has been surveyed once; after that it is news. */
  readonly arrival: 'found' | 'created';
  /** Its file system tells of every change. */
  readonly isNotified: boolean;
  /** Null: no notice comes, so it is polled. */
  watch: { readonly close: () => void } | null;
  isSurveyed: boolean;
  readonly files: Map<RawPath, Row>;
  readonly folders: Set<RawPath>;
  /** What is there and is neither: said once. */
  readonly others: Set<RawPath>;
}

/** What was last seen under every name, so that whatever nobody told of is found by comparing. */
export interface Ledger {
  readonly folders: Map<RawPath, Folder>;
  /** Paths of folders that are roots. */
  readonly roots: Set<RawPath>;
  /** Names kept, folders apart. */
  size(): number;
  set(folder: Folder, name: RawPath, row: Row): void;
  addOther(folder: Folder, name: RawPath): void;
  /** The row, when it was a file. */
  take(folder: Folder, name: RawPath): Row | null;
}

export function createLedger(): Ledger {
  let size = 0;
  const take = (folder: Folder, name: RawPath): Row | null => {
    const row = folder.files.get(name) ?? null;
    if (folder.files.delete(name)) size--;
    if (folder.others.delete(name)) size--;
    return row;
  };
  return {
    folders: new Map(),
    roots: new Set(),
    size: () => size,
    set: (folder, name, row) => {
      if (folder.others.delete(name)) size--;
      if (!folder.files.has(name)) size++;
      folder.files.set(name, row);
    },
    addOther: (folder, name) => {
      take(folder, name);
      folder.others.add(name);
      size++;
    },
    take,
  };
}
