import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { bounded } from './context/bounded.ts';
import { createDeeds, isForeign } from './context/deeds.ts';
import { keyOf } from './context/keys.ts';
import { pathOf, type Tree } from './context/trees.ts';
import { folderOf, quote } from './context/wording.ts';

type Accessed = EventOf<'file.accessed'>;
/** Models that a tree has opened, each with when it did so first. */
interface Reader { readonly startTicks: number; readonly opened: Map<string, number>; last: Accessed | null }

const most = { trees: 512, perTree: 256, changed: 10_000 } as const;
/** A call is told when it returns, a change when the file stands still: so long an opening may wait for its reason. */
const graceMs = 15_000;
/** Records of training data are read by the hundred. */
const data = /\.(rec|idx|lst|bin|csv|npz?|jpe?g|png|txt|log)$/i;

/**
 * Suspects a process that after a load opens many models which it neither loads nor writes: somebody takes them along.
 * Whether they are then sent is for `connection`. Files of training data do not count. What a program does before its
 * first load (a converter, a backup) is its habit. False positives: programs that check digests of a whole store.
 * Blind: models outside the watched folders; readers slower than `manyModels` in `windowMs`.
 */
export default defineDetector({
  name: 'collection',
  sees: 'stream',
  wants: ['file.accessed', 'file.changed', 'process.sampled', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** So many different files, opened within the window and not loaded, are a collection. */
    manyModels: z.number().int().min(2).max(most.perTree).default(12),
  }),
  create({ windowMs, manyModels }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    const readers = bounded<number, Reader>(most.trees);
    const changed = bounded<string, true>(most.changed);

    function readerOf(tree: Tree): Reader {
      const known = readers.get(tree.pid);
      const reader = known?.startTicks === tree.startTicks ? known : { startTicks: tree.startTicks, opened: new Map<string, number>(), last: null };
      readers.set(tree.pid, reader);
      return reader;
    }

    function accessed(event: Accessed): readonly Suspicion[] {
      const tree = event.by === null || event.what !== 'model' || data.test(event.place.path) ? undefined : deeds.treeOf(event.by);
      if (tree === undefined) return [];
      const reader = readerOf(tree);
      const path = keyOf(event.place.path);
      if (!reader.opened.has(path) && reader.opened.size < most.perTree) reader.opened.set(path, event.at);
      reader.last = event;
      return weigh(reader, event.at);
    }

    function weigh(reader: Reader, at: number): readonly Suspicion[] {
      const { opened, last } = reader;
      if (opened.size < manyModels || last?.by == null) return [];
      for (const [path, when] of opened) if (changed.has(path) || Math.abs(at - when) > windowMs) opened.delete(path);
      const count = [...opened.values()].filter(when => at - when >= graceMs).length;
      if (count < manyModels) return [];
      const tree = deeds.treeOf(last.by);
      if (tree === undefined) return [];
      opened.clear();
      const foreign = isForeign(last.by, tree);
      return deeds.judge({ event: last, process: last.by, tree }, {
        rule: 'collection.models-read', severity: foreign ? 'high' : 'medium', confidence: 0.6, about: '', habitual: true, techniques: ['T1005', 'AML.T0035'],
        what: `opened ${count} models or more that it neither loaded nor wrote, the last in ${quote(folderOf(last.place.path))}`,
      });
    }

    function loaded(event: EventOf<'mxnet.called' | 'file.opened'>): readonly Suspicion[] {
      const found = deeds.learnLoad(event);
      const path = pathOf(event);
      const reader = readers.get((event.kind === 'file.opened' ? event.by : event.process).pid);
      if (path !== null) reader?.opened.delete(keyOf(path));
      return found;
    }

    return event => {
      switch (event.kind) {
        case 'file.accessed': return accessed(event);
        case 'file.changed': if (event.change !== 'found') changed.set(keyOf(event.place.path), true); return [];
        case 'process.sampled': {
          const reader = readers.get(event.process.pid);
          return reader?.startTicks === event.process.startTicks ? weigh(reader, event.at) : [];
        }
        case 'mxnet.called': case 'file.opened': return loaded(event);
        case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});
