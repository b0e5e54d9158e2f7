import { z } from 'zod';
import type { Memory } from '../agent/contract/detector.ts';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { bounded, createTally } from './context/bounded.ts';
import { createEarly } from './context/early.ts';
import { keyOf, learn } from './context/keys.ts';
import { classOf, isHousekeeping, isPythonWorker, type ProgramClass, temporary } from './context/programs.ts';
import { createTrees, type Load, type Tree } from './context/trees.ts';
import { clip, command, duration, folderOf, isBelow, nameOf, quote, who } from './context/wording.ts';

type Exec = EventOf<'process.executed'>;
interface Verdict { readonly rule: string; readonly severity: Severity; readonly confidence: number; readonly what: string; readonly techniques: readonly string[] }

/** How near the last load is: within the window, longer ago, or never. */
type Nearness = 'after' | 'later' | 'never';

const verdicts: { readonly [Class in ProgramClass]: Verdict } = {
  shell: { rule: 'child.shell', severity: 'high', confidence: 0.85, what: 'started a shell', techniques: ['T1059.004', 'AML.T0050'] },
  interpreter: { rule: 'child.interpreter', severity: 'medium', confidence: 0.6, what: 'started an interpreter', techniques: ['T1059', 'AML.T0050'] },
  'download-tool': { rule: 'child.download-tool', severity: 'high', confidence: 0.85, what: 'started a network tool', techniques: ['T1105', 'AML.T0050'] },
  'privilege-tool': { rule: 'child.privilege-tool', severity: 'high', confidence: 0.8, what: 'started a tool that changes privileges', techniques: ['T1548.003', 'AML.T0050'] },
  'persistence-tool': { rule: 'child.persistence-tool', severity: 'high', confidence: 0.8, what: 'started a tool that makes programs run later', techniques: ['T1053.003', 'AML.T0050'] },
};

const fromTemporary = (from: string): Verdict => ({
  rule: 'child.from-temporary', severity: 'high', confidence: 0.85, what: `ran a program from ${from}`,
  techniques: from.startsWith('memory') ? ['T1620', 'AML.T0018.002'] : ['T1059', 'AML.T0011.000'],
});
const fromModelFolder: Verdict = {
  rule: 'child.from-model-folder', severity: 'high', confidence: 0.85, what: 'ran a program from a folder of models', techniques: ['T1204.002', 'AML.T0011.000'],
};
const miner: Verdict = {
  rule: 'child.miner', severity: 'high', confidence: 0.9, what: 'started a program with the address of a mining pool', techniques: ['T1496', 'AML.T0034'],
};
const firstEver: Verdict = {
  rule: 'child.first-ever', severity: 'low', confidence: 0.4, what: 'ran a program that it never ran before', techniques: ['T1059', 'AML.T0050'],
};

/** Findings of one rule in one process after one load (or in one hour without); what follows is the same story. */
const mostTold = 20;

/**
 * Suspects programs that a process with MXNet runs after a load: a model that carries code mostly shows by a shell, an
 * interpreter or a network tool, by something run from a temporary folder, from memory or from beside the model. Loading
 * and inference need no children, so what is high within `windowMs` after a load is medium later and low in a process
 * that has not loaded anything. What began while the load still ran is told again, high, when the call returns.
 *
 * Quiet about what Python and MXNet do by themselves: forked workers execute nothing; spawn, fork server and trackers of
 * multiprocessing are recognised by their whole command line; uname, nproc, lscpu, ldconfig and the probing by gcc at
 * import are at most info, and so is what the operator lists as `expected`.
 * False positives: scripts that call tools by a shell after loading, converters, experiment trackers.
 */
export default defineDetector({
  name: 'child',
  sees: 'stream',
  wants: ['process.executed', 'mxnet.called', 'file.opened', 'mxnet.mapped', 'file.changed'],
  config: z.strictObject({
    /** How long after a load a child counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** Commands that belong to the service, each with its whole command line; they are at most info. */
    expected: z.array(z.strictObject({ executable: z.string(), argv: z.array(z.string()) })).max(1_000).default([]),
  }),
  create({ windowMs, expected }, memory) {
    const habits = new Set(expected.map(({ executable, argv }) => [executable, ...argv].join('\n')));
    const trees = createTrees();
    const watched = bounded<string, true>(10_000);
    const tally = createTally(mostTold);
    const told = bounded<string, true>(20_000);
    const early = createEarly();

    function judge(exec: Exec): readonly Suspicion[] {
      const tree = trees.get(exec.tree, exec.process);
      const load = trees.lastLoad(tree, exec.at);
      const nearness = !load ? 'never' : exec.at - load.until <= windowMs ? 'after' : 'later';
      const suspected = suspect(exec, tree, memory, folder => watched.has(keyOf(folder)));
      const isHabit = suspected.length > 0 && habits.has([exec.process.executable.path, ...exec.process.argv].join('\n'));
      const verdicts = isHabit ? suspected.map(asHabit) : suspected;
      if (nearness !== 'after') {
        early.keep(exec, late => verdicts.filter(verdict => verdict.severity !== 'info').flatMap(verdict => tell(verdict, exec, late, 'after')));
      }
      return verdicts.flatMap(verdict => tell(verdict, exec, load, nearness));
    }

    function tell(verdict: Verdict, exec: Exec, load: Load | undefined, nearness: Nearness): readonly Suspicion[] {
      const scope = `${exec.tree.pid}:${exec.tree.startTicks}:${load?.id ?? ''}:${nearness === 'after' ? '' : Math.floor(exec.at / 3_600_000)}:${verdict.rule}`;
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
        case 'file.changed': watched.set(keyOf(folderOf(event.place.path)), true); return [];
        case 'mxnet.called': case 'file.opened': return early.settle(trees.loaded(event));
        default: return event satisfies never;
      }
    };
  },
});

/** All that is suspicious about one program; a first-ever child only when nothing else is. */
function suspect(exec: Exec, tree: Tree | undefined, memory: Memory, isWatched: (folder: string) => boolean): readonly Verdict[] {
  const { process } = exec;
  const loader = tree?.executable ?? process.ancestors.find(each => each.pid === exec.tree.pid && each.startTicks === exec.tree.startTicks)?.path ?? '';
  const program = tree?.program ?? loader;
  const known = learn(memory, keyOf('child', program, process.executable.path), exec.at);
  const itself = loader !== '' && process.executable.path.replace(/ \(deleted\)$/, '') === loader;
  if (itself) return again(process.argv, known);

  const found: Verdict[] = [];
  const from = temporary(process.executable.path);
  if (from !== null) found.push(fromTemporary(from));
  if (isBesideModel(process.executable.path, loader, tree?.folders ?? [], isWatched)) found.push(fromModelFolder);
  const kind = classOf(process);
  if (kind !== null) found.push(verdicts[kind]);
  if (process.argv.some(word => /\bstratum\+?(tcp|ssl|udp)?:\/\//i.test(word))) found.push(miner);
  if (found.length > 0 || known) return found;
  const severity = isHousekeeping(process) ? 'info' : 'low';
  return [{ ...firstEver, severity }];
}

const asHabit = (verdict: Verdict): Verdict =>
  ({ ...verdict, severity: 'info', confidence: 0.1, what: `${verdict.what}, as the configuration expects` });

/** The loader's own executable once more: workers are its habit, other code is worth a look. */
function again(argv: readonly string[], known: boolean): readonly Verdict[] {
  if (isPythonWorker(argv)) return [];
  if (argv.includes('-c') || argv.includes('-')) {
    return [{ ...verdicts.interpreter, severity: 'low', confidence: 0.4, what: 'ran its own interpreter with other code' }];
  }
  return known ? [] : [{ ...firstEver, confidence: 0.3, what: 'started itself again, which it never did before' }];
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
  const language = verdict.rule === 'child.interpreter' ? byLanguage(nameOf(exec.process.executable.path)) : null;
  return {
    rule: verdict.rule, severity, confidence: nearness === 'after' ? verdict.confidence : verdict.confidence / 2, at: exec.at,
    because: load ? [exec.id, load.id] : [exec.id],
    summary: `${name} (pid ${exec.tree.pid}) ${verdict.what}: ${who(exec.process)} with ${command(exec.process.argv)}, ${when}${last ? '; further ones are not told one by one' : ''}`,
    techniques: language === null ? verdict.techniques : [language, ...verdict.techniques.slice(1)],
  };
}

const byLanguage = (name: string): string => name.startsWith('python') || name.startsWith('pypy') ? 'T1059.006' : name.startsWith('node') ? 'T1059.007' : 'T1059';
