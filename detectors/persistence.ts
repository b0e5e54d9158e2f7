import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import type { Process } from '../agent/contract/process.ts';
import { commandsOf, writtenBy } from './context/commands.ts';
import { createDeeds } from './context/deeds.ts';
import { nameOf, quote } from './context/wording.ts';
import { type RunsLater, runsLater } from './places/persistence.ts';

type Changed = EventOf<'file.changed'>;

const installers = /^(pip[\d.]*|pipx|uv|conda|mamba|micromamba|poetry|apt(-get)?|dpkg|dnf|yum|rpm|apk|zypper|pacman|npm|cargo)$/;

/**
 * Suspects a process that after a load writes where the system, a shell or Python runs things by itself: a payload does so
 * to outlive its process. Seen in files that a sensor watches, and in command lines that say into what they write
 * (`echo … >> ~/.bashrc`), which says less: whether it succeeded is not known.
 *
 * Installers of packages write start-up files of Python and programs in ordinary work; that is low. False positives:
 * provisioning scripts run from a notebook, dotfile managers.
 * Blind: files that no sensor watches, written by a program that was given no name of them.
 */
export default defineDetector({
  name: 'persistence',
  sees: 'stream',
  wants: ['file.changed', 'process.executed', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });

    function changed(event: Changed): readonly Suspicion[] {
      const { by, place } = event;
      const tree = by === null || !isWriting(event) ? undefined : deeds.treeOf(by);
      if (by === null || tree === undefined) return [];
      const found = (place.inside === undefined ? null : runsLater(place.inside)) ?? runsLater(place.path);
      return found === null ? [] : deeds.judge({ event, process: by, tree }, {
        rule: found.rule, severity: weigh(found, by), confidence: 0.85, techniques: found.techniques, about: place.path, habitual: true,
        what: `wrote ${found.what}, ${quote(place.path)}`,
      });
    }

    function executed(event: EventOf<'process.executed'>): readonly Suspicion[] {
      const named = namedIn(event.process.argv);
      return named === null ? [] : deeds.judge({ event, process: event.process, tree: event.tree }, {
        rule: named.found.rule, severity: weigh(named.found, event.process), confidence: 0.6, techniques: named.found.techniques, about: named.path, habitual: true,
        what: `ran a command that writes ${named.found.what}, ${quote(named.path)}`,
      });
    }

    return event => {
      switch (event.kind) {
        case 'file.changed': return changed(event);
        case 'process.executed': return executed(event);
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

const isWriting = ({ change }: Changed): boolean => change === 'created' || change === 'written' || change === 'renamed';

const weigh = (found: RunsLater, by: Process): Severity => found.byInstallers && isInstaller(by) ? 'low' : found.severity;

/** By its own name, as a module of Python, or as a script of that name. */
const isInstaller = ({ executable, argv }: Process): boolean =>
  installers.test(nameOf(executable.path)) || (argv[1] === '-m' ? installers.test(argv[2] ?? '') : installers.test(nameOf(argv[1] ?? '')));

function namedIn(argv: readonly string[]): { readonly path: string; readonly found: RunsLater } | null {
  for (const command of commandsOf(argv)) {
    for (const word of writtenBy(command)) {
      const path = word.replace(/^(~\w*|\$HOME|\$\{HOME\})(?=\/)/, '/home/x');
      const found = runsLater(path);
      if (found !== null) return { path, found };
    }
  }
  return null;
}
