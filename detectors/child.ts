import { z } from 'zod';
import { defineDetector, type Memory } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { bounded, createTally } from './context/bounded.ts';
import { createEarly } from './context/early.ts';
import { keyOf, learn } from './context/keys.ts';
import { isPythonWorker } from './context/programs.ts';
import { createTrees, type Load, type Tree } from './context/trees.ts';
import { clip, command, duration, folderOf, isBelow, nameOf, quote, who } from './context/wording.ts';
import { createDrops } from './programs/drops.ts';
import { byItself, byNature, byStreams, byWords, dropped, type Verdict } from './programs/verdicts.ts';

type Exec = EventOf<'process.executed'>;

/** How near the last load is: within the window, longer ago, or never. */
type Nearness = 'after' | 'later' | 'never';

/** Findings of one rule in one process after one load (or in one hour without); what follows is the same story. */
const mostTold = 20;
/** So many different tools that look around are no accident. */
const manyTools = 3;

/**
 * Suspects programs that a process with MXNet runs after a load: a model that carries code mostly shows by a shell, an
 * interpreter or a network tool, by something run from a temporary folder, from memory or from beside the model, by a
 * program that was only just written, by a command line that says what it is for, or by a socket where a shell has its input. Loading and inference need no
 * children, so what is high within `windowMs` after a load is medium later and low in a process that has not loaded
 * anything. What began while the load still ran is told again, in full, when the call returns.
 *
 * Quiet about what Python and MXNet do by themselves: forked workers execute nothing; spawn, fork server and trackers of
 * multiprocessing are recognised by their whole command line; uname, nproc, lscpu, ldconfig, the probing by gcc at import
 * and compilers asked for their version are at most info.
 * False positives: scripts that call tools by a shell after loading, converters, experiment trackers.
 */
export default defineDetector({
  name: 'child',
  sees: 'stream',
  wants: ['process.executed', 'mxnet.called', 'file.opened', 'mxnet.mapped', 'file.changed'],
  config: z.strictObject({
    /** How long after a load a child counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const trees = createTrees();
    const watched = bounded<string, true>(10_000);
    const tally = createTally(mostTold);
    const told = bounded<string, true>(20_000);
    const early = createEarly();
    const drops = createDrops();
    const gradual = createVariety();

    function judge(exec: Exec): readonly Suspicion[] {
      const tree = trees.get(exec.tree, exec.process);
      const load = trees.lastLoad(tree, exec.at);
      const nearness = !load ? 'never' : exec.at - load.until <= windowMs ? 'after' : 'later';
      const suspected = suspect(exec, tree, memory, folder => watched.has(keyOf(folder)));
      if (nearness !== 'after') {
        early.keep(exec, late => withDrop(suspected, exec, late).filter(verdict => verdict.severity !== 'info').flatMap(verdict => tell(verdict, exec, late, 'after')));
      }
      return withDrop(suspected, exec, load).flatMap(verdict => tell(verdict, exec, load, nearness));
    }

    /** Not for the loader's own executable: an upgrade of it is no drop. */
    function withDrop(verdicts: readonly Verdict[], exec: Exec, load: Load | undefined): readonly Verdict[] {
      const drop = exec.process.executable.path === loaderOf(exec) ? null : drops.of(exec, load);
      return drop === null ? verdicts : [...verdicts.filter(({ rule }) => rule !== 'child.first-ever'), dropped(drop)];
    }

    function tell(first: Verdict, exec: Exec, load: Load | undefined, nearness: Nearness): readonly Suspicion[] {
      if (isExcepted(first.rule, exec)) return [];
      const of = `${exec.tree.pid}:${exec.tree.startTicks}:${load?.id ?? ''}:${nearness === 'after' ? '' : Math.floor(exec.at / 3_600_000)}`;
      const verdict = first.rule === 'child.recon-tool' ? gradual(first, of, exec) : first;
      const scope = `${of}:${verdict.rule}`;
      const same = keyOf(scope, exec.process.executable.path, ...exec.process.argv);
      if (told.has(same)) return [];
      told.set(same, true);
      const { tell: wanted, last } = tally(scope);
      return wanted ? [asSuspicion(verdict, exec, load, nearness, last)] : [];
    }

    return event => {
      switch (event.kind) {
        case 'process.executed': return judge(event);
        case 'mxnet.mapped': trees.mapped(event); return [];
        case 'file.changed':
          if (event.what !== 'system') watched.set(keyOf(folderOf(event.place.path)), true);
          drops.changed(event);
          return [];
        case 'mxnet.called': case 'file.opened': return early.settle(trees.loaded(event));
        default: return event satisfies never;
      }
    };
  },
});

/** The executable of the process with MXNet; empty when it is not known. */
const loaderOf = (exec: Exec, tree?: Tree): string => tree?.executable ?? exec.process.ancestors.find(each => each.pid === exec.tree.pid && each.startTicks === exec.tree.startTicks)?.path ?? '';

/** All that is suspicious about one program. */
function suspect(exec: Exec, tree: Tree | undefined, memory: Memory, isWatched: (folder: string) => boolean): readonly Verdict[] {
  const { process } = exec;
  const loader = loaderOf(exec, tree);
  const known = learn(memory, keyOf('child', tree?.program ?? loader, process.executable.path), exec.at);
  const words = [...byWords(process), ...byStreams(exec)];
  const itself = loader !== '' && process.executable.path.replace(/ \(deleted\)$/, '') === loader;
  if (!itself) return [...words, ...byNature(process, isBesideModel(process.executable.path, loader, tree?.folders ?? [], isWatched), known, words.length === 0)];
  return words.length > 0 || isPythonWorker(process.argv) ? words : byItself(process.argv, known);
}

/**
 * In a folder that holds models, or below one from which this process loaded. Below does not count where the loader
 * itself lies there too (a project with its virtual environment) nor for a folder as wide as /home/user.
 */
function isBesideModel(path: string, loader: string, folders: readonly string[], isWatched: (folder: string) => boolean): boolean {
  const own = folderOf(path);
  if (own === folderOf(loader)) return false;
  return isWatched(own) || folders.some(folder => folder === own || (folder.split('/').length > 3 && isBelow(path, folder) && !isBelow(loader, folder)));
}

/** One tool that looks around is ordinary; from the third different one after the same load on each is medium. */
function createVariety() {
  const seen = bounded<string, readonly string[]>(4_096);
  return (verdict: Verdict, scope: string, { process }: Exec): Verdict => {
    const before = seen.get(scope) ?? [];
    const name = clip(`${nameOf(process.executable.path)} ${nameOf(process.argv[0] ?? '')}`, 64);
    const all = before.includes(name) || before.length >= manyTools ? before : [...before, name];
    seen.set(scope, all);
    const many = all.length >= manyTools && verdict.severity === 'low';
    return many ? { ...verdict, severity: 'medium', confidence: 0.7, what: `${verdict.what}, of which it ran several` } : verdict;
  };
}

const lowered: { readonly [Level in Nearness]: { readonly [From in Severity]: Severity } } = {
  after: { info: 'info', low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
  later: { info: 'info', low: 'low', medium: 'low', high: 'medium', critical: 'high' },
  never: { info: 'info', low: 'info', medium: 'low', high: 'low', critical: 'medium' },
};

function asSuspicion(verdict: Verdict, exec: Exec, load: Load | undefined, nearness: Nearness, last: boolean): Suspicion {
  const severity = lowered[nearness][verdict.severity];
  const loader = exec.process.ancestors.find(each => each.pid === exec.tree.pid)?.path ?? '';
  const name = exec.process.pid === exec.tree.pid ? 'The process itself' : clip(loader, 120) || 'A process with MXNet';
  const when = load ? `${exec.at <= load.until ? 'while' : `${duration(exec.at - load.until)} after`} it loaded ${quote(load.what)}` : 'and it has not loaded any model';
  return {
    rule: verdict.rule, severity, confidence: nearness === 'after' ? verdict.confidence : verdict.confidence / 2, at: exec.at,
    because: [exec.id, ...verdict.evidence ?? [], ...load ? [load.id] : []],
    summary: `${name} (pid ${exec.tree.pid}) ${verdict.what}: ${who(exec.process)} with ${command(exec.process.argv)}, ${when}${last ? '; further ones are not told one by one' : ''}`,
    techniques: verdict.techniques,
  };
}
