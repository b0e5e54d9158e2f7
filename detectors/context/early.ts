import type { Suspicion } from '../../agent/contract/finding.ts';
import type { ProcessRef } from '../../agent/contract/process.ts';
import { bounded } from './bounded.ts';
import { isDuring, type Load, type Tree } from './trees.ts';

interface Deed { readonly at: number; readonly tree: ProcessRef }
interface Kept { readonly deed: Deed; again(load: Load): readonly Suspicion[] }

const most = { processes: 64, deeds: 8 } as const;

/**
 * What a process did while a load was still running. A call is told when it returns, so the deeds of its code (a
 * constructor of an operator library starts a shell) come before it in the stream: they are kept until then, the last 8
 * of each of 64 processes, and judged once more as what they are.
 */
export function createEarly() {
  const kept = bounded<number, readonly Kept[]>(most.processes);
  return {
    keep(deed: Deed, again: Kept['again']) {
      kept.set(deed.tree.pid, [...kept.get(deed.tree.pid) ?? [], { deed, again }].slice(-most.deeds));
    },
    settle({ tree, load }: { readonly tree: Tree; readonly load: Load }): readonly Suspicion[] {
      const all = kept.get(tree.pid);
      if (!all) return [];
      const isOurs = ({ deed }: Kept) => deed.tree.startTicks === tree.startTicks && isDuring(deed.at, load);
      kept.set(tree.pid, all.filter(each => !isOurs(each)));
      return all.filter(isOurs).flatMap(({ again }) => again(load));
    },
  };
}
