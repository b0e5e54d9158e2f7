import type { IsExcepted, Memory } from '../../agent/contract/detector.ts';
import type { Event, EventOf } from '../../agent/contract/event.ts';
import type { Severity, Suspicion } from '../../agent/contract/finding.ts';
import type { Process, ProcessRef } from '../../agent/contract/process.ts';
import { createOnce, createTally } from './bounded.ts';
import { createEarly } from './early.ts';
import { keyOf, learn } from './keys.ts';
import { programOf } from './programs.ts';
import { createTrees, type Load, type Tree } from './trees.ts';
import { clip, duration, quote, who } from './wording.ts';

/** What a rule says of one deed, as it is when done soon after a load. */
export interface Verdict {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: number;
  /** Goes on after the name of the process: `opened a key of SSH, "/root/.ssh/id_ed25519"`. */
  readonly what: string;
  readonly techniques: readonly string[];
  /** What makes it another deed than the last one of this rule; the same is told once after each load. */
  readonly about: string;
  /** What the program also does before it loads anything is its habit, and then at most info. */
  readonly habitual?: true;
}

/** Something that a process in the tree of a process with MXNet did. */
export interface Deed { readonly event: Event; readonly process: Process; readonly tree: ProcessRef }

/** How near the last load is: within the window, longer ago, or never. */
export type Nearness = 'after' | 'later' | 'never';
export type LoadFact = EventOf<'mxnet.called' | 'file.opened' | 'mxnet.mapped'>;

const mostTold = 10;
const hourMs = 3_600_000;
const caps = { told: 4_096, tally: 4_096 } as const;

/** What is high soon after a load is medium later, and low in a process that has not loaded anything. */
const lowered: { readonly [Level in Nearness]: { readonly [From in Severity]: Severity } } = {
  after: { info: 'info', low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
  later: { info: 'info', low: 'low', medium: 'low', high: 'medium', critical: 'high' },
  never: { info: 'info', low: 'info', medium: 'low', high: 'low', critical: 'medium' },
};

/**
 * Judges deeds by how near the last load of their process is: in full within the window, one step less later, two steps
 * less where nothing was loaded. What began while a load still ran is told again, in full, when the call returns. The same
 * deed is told once after each load (without one near, once an hour), and at most ten of one rule; info is never told.
 */
export function createDeeds({ windowMs, memory, isExcepted = () => false }: { readonly windowMs: number; readonly memory: Memory; readonly isExcepted?: IsExcepted }) {
  const trees = createTrees();
  const early = createEarly();
  const once = createOnce(caps.told);
  const tally = createTally(mostTold, caps.tally);

  const loadBefore = (deed: Deed): Load | undefined => trees.lastLoad(trees.get(deed.tree, deed.process), deed.event.at);

  function nearness(deed: Deed, load = loadBefore(deed)): Nearness {
    if (!load) return 'never';
    return deed.event.at - load.until <= windowMs ? 'after' : 'later';
  }

  function tell(deed: Deed, verdict: Verdict, load: Load | undefined, near: Nearness): readonly Suspicion[] {
    const severity = lowered[near][verdict.severity];
    if (severity === 'info' || isExcepted(verdict.rule, deed.event)) return [];
    const scope = keyOf(deed.tree.pid, deed.tree.startTicks, near === 'after' ? load?.id ?? '' : Math.floor(deed.event.at / hourMs), near, verdict.rule);
    if (!once(keyOf(scope, deed.process.executable.path, verdict.about))) return [];
    const { tell: wanted, last } = tally(scope);
    return wanted ? [asSuspicion(deed, verdict, severity, load, near, last)] : [];
  }

  function judge(deed: Deed, verdict: Verdict): readonly Suspicion[] {
    const tree = trees.get(deed.tree, deed.process);
    const load = trees.lastLoad(tree, deed.event.at);
    const near = nearness(deed, load);
    const key = keyOf('habit', verdict.rule, tree?.program ?? '', programOf(deed.process), verdict.about);
    const known = verdict.habitual ? memory.get(key) : undefined;
    const isHabit = typeof known === 'number' && known > 0;
    if (verdict.habitual && near === 'never') learn(memory, key, deed.event.at);
    if (near !== 'after') {
      early.keep({ at: deed.event.at, tree: deed.tree }, late => {
        // Done inside a load's own call: that is no habit.
        if (isHabit) return [];
        if (verdict.habitual) memory.set(key, 0);
        return tell(deed, verdict, late, 'after');
      });
    }
    return isHabit ? [] : tell(deed, verdict, load, near);
  }

  return {
    nearness, judge,
    /** The tree to which this process belongs; undefined when it is in none that is known. */
    treeOf: (process: Process): Tree | undefined => trees.get(process, process),
    tree: (deed: Deed): Tree | undefined => trees.get(deed.tree, deed.process),
    /** What it says of what was done while the load still ran. */
    learnLoad(event: LoadFact): readonly Suspicion[] {
      if (event.kind !== 'mxnet.mapped') return early.settle(trees.loaded(event));
      trees.mapped(event);
      return [];
    },
  };
}

export type Deeds = ReturnType<typeof createDeeds>;

function asSuspicion({ event, process, tree }: Deed, verdict: Verdict, severity: Severity, load: Load | undefined, near: Nearness, last: boolean): Suspicion {
  const loader = process.ancestors.find(each => each.pid === tree.pid && each.startTicks === tree.startTicks);
  const of = process.pid === tree.pid ? '' : ` of the tree of ${clip(loader?.path ?? '', 120) || 'a process with MXNet'} (pid ${tree.pid})`;
  const when = !load ? 'before it loaded any model' : event.at <= load.until ? `while ${quote(load.what)} was loaded` : `${duration(event.at - load.until)} after ${quote(load.what)} was loaded`;
  return {
    rule: verdict.rule, severity, confidence: near === 'after' ? verdict.confidence : verdict.confidence / 2, at: event.at,
    because: load ? [event.id, load.id] : [event.id], techniques: verdict.techniques,
    summary: `${who(process)}${of} ${verdict.what}, ${when}${last ? '; further ones are not told one by one' : ''}`,
  };
}

/** Of a process of another executable than the one that has MXNet. */
export const isForeign = (process: Process, tree: Tree | undefined): boolean =>
  tree !== undefined && process.executable.path.replace(/ \(deleted\)$/, '') !== tree.executable.replace(/ \(deleted\)$/, '');
