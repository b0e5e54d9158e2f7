import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import type { Process, ProcessRef } from '../agent/contract/process.ts';
import { bounded } from './context/bounded.ts';
import { keyOf } from './context/keys.ts';
import { bytes, clip, duration, quote, who } from './context/wording.ts';

type Opened = EventOf<'file.accessed'>;
interface Read { readonly id: string; readonly model: string; readonly size: number }
interface Tree {
  readonly ref: ProcessRef;
  readonly label: string;
  readonly load: string;
  /** Files that MXNet itself has loaded here. */
  readonly loaded: ReadonlySet<string>;
  reads: ReadonlyMap<string, Read>;
  since: number;
  sentBytes: number;
  told: boolean;
}

const most = { trees: 1_024, members: 8_192, loaded: 64, reads: 64, evidence: 8, written: 8_192 } as const;

/**
 * Suspects that models are carried away: a process that loads models, or something in its tree, opens the files of
 * several others without loading them, and within `windowMs` sends about as much as they hold. What MXNet loads is not
 * counted, nor what the tree has written itself or somebody unknown has just written: a trainer uploads its checkpoints.
 * High; once per window.
 * False positives: a service that also replicates or backs up models of others.
 * Blind: a single model, slow or well compressed sending, sending by a process outside the tree, files read through a
 * memory map that was opened before; needs a sensor that tells who opens model files, and loads by their calls.
 */
export default defineDetector({
  name: 'theft',
  sees: 'stream',
  wants: ['file.accessed', 'file.changed', 'mxnet.called', 'process.executed', 'network.connected', 'network.transferred'],
  config: z.strictObject({
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** So many different models, read and not loaded, are bulk. */
    models: z.number().int().min(2).max(most.reads).default(3),
    minBytes: z.number().int().min(1).default(1_048_576),
    /** Sent bytes as a share of what was read: models compress little. */
    sentRatio: z.number().min(0.01).max(1).default(0.5),
  }),
  create({ windowMs, models, minBytes, sentRatio }) {
    const trees = bounded<number, Tree>(most.trees);
    /** Which tree a process belongs to, by pid. */
    const members = bounded<number, { readonly startTicks: number; readonly tree: ProcessRef }>(most.members);
    /** Who wrote a file lately: the processes of its line, none when it is not known. */
    const written = bounded<string, readonly string[] | null>(most.written);

    const find = (ref: ProcessRef | undefined): Tree | undefined => {
      const tree = ref && trees.get(ref.pid);
      return tree?.ref.startTicks === ref?.startTicks ? tree : undefined;
    };
    const treeOf = (process: Process): Tree | undefined => [process, ...process.ancestors].map(find).find(tree => tree !== undefined);

    function loaded({ id, process, argument }: EventOf<'mxnet.called'>) {
      const before = find(process);
      const path = argument.type === 'path' ? argument.place?.path : undefined;
      const files = [...before?.loaded ?? [], ...path === undefined ? [] : [keyOf(path)]].slice(-most.loaded);
      const fresh = { reads: new Map(), since: 0, sentBytes: 0, told: false };
      trees.set(process.pid, { ...before ?? fresh, ref: process, label: who(process), load: id, loaded: new Set(files) });
    }

    function opened(event: Opened) {
      if (event.what !== 'model' || event.by === null) return;
      const tree = treeOf(event.by);
      const key = keyOf(event.place.path);
      if (!tree || isOwnWork(tree, key)) return;
      if (Math.abs(event.at - tree.since) > windowMs) Object.assign(tree, { reads: new Map(), since: event.at, sentBytes: 0, told: false });
      tree.reads = new Map([...tree.reads, [key, { id: event.id, model: modelOf(event.place.path), size: event.file.size }] as const].slice(-most.reads));
    }

    function isOwnWork(tree: Tree, key: string): boolean {
      const by = written.get(key);
      return by !== undefined && (by === null || by.includes(`${tree.ref.pid}:${tree.ref.startTicks}`));
    }

    function sent(event: EventOf<'network.transferred'>): readonly Suspicion[] {
      const member = members.get(event.process.pid);
      const tree = find(event.process) ?? find(member?.startTicks === event.process.startTicks ? member.tree : undefined);
      if (!tree || tree.told || tree.reads.size === 0 || event.at - tree.since > windowMs) return [];
      tree.sentBytes += event.sentBytes;
      const reads = [...tree.reads].filter(([key]) => !tree.loaded.has(key)).map(([, read]) => read);
      const size = reads.reduce((sum, read) => sum + read.size, 0);
      if (new Set(reads.map(read => read.model)).size < models || tree.sentBytes < Math.max(minBytes, size * sentRatio)) return [];
      tree.told = true;
      return [carriedAway(event, tree, reads, size)];
    }

    return event => {
      switch (event.kind) {
        case 'mxnet.called': loaded(event); return [];
        case 'file.accessed': opened(event); return [];
        case 'file.changed':
          if (event.change !== 'found') written.set(keyOf(event.place.path), event.by === null ? null : [event.by, ...event.by.ancestors].map(each => `${each.pid}:${each.startTicks}`));
          return [];
        case 'process.executed': case 'network.connected':
          members.set(event.process.pid, { startTicks: event.process.startTicks, tree: event.tree });
          return [];
        case 'network.transferred': return sent(event);
        default: return event satisfies never;
      }
    };
  },
});

/** The files of one model have one beginning: `resnet` of `resnet-symbol.json` and `resnet-0012.params`. */
const modelOf = (path: string): string => keyOf(path.replace(/(-symbol\.json|-\d{4,}\.(params|states)|\.[a-z0-9]{1,10})$/i, ''));

function carriedAway(event: EventOf<'network.transferred'>, tree: Tree, reads: readonly Read[], size: number): Suspicion {
  const ids = reads.slice(-most.evidence).map(read => read.id).reverse();
  const names = new Set(reads.map(read => read.model)).size;
  return {
    rule: 'theft.models-sent', severity: 'high', confidence: 0.7, at: event.at, techniques: ['T1005', 'T1041', 'AML.T0035', 'AML.T0048.004'],
    because: [ids[0] ?? event.id, ...ids.slice(1), event.id, tree.load],
    summary: `${tree.label} or its children opened the files of ${names} models that it did not load (${bytes(size)}, such as ${quote(clip(reads.at(-1)?.model ?? '', 120))}) and sent ${bytes(tree.sentBytes)} within ${duration(event.at - tree.since)}`,
  };
}
