import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { commandsOf } from './context/commands.ts';
import { createDeeds, isForeign } from './context/deeds.ts';
import { quote } from './context/wording.ts';
import { type SecretKind, secretKind } from './places/secrets.ts';

type Accessed = EventOf<'file.accessed'>;

/** Programs that are told a key or a settings file by its name and use it as they are meant to. */
const users = new Set(['ssh', 'scp', 'sftp', 'rsync', 'git', 'kubectl', 'helm', 'docker', 'chmod', 'chown', 'ls', 'stat', 'test', '[', 'mkdir', 'ssh-keygen', 'ssh-add', 'touch', 'echo', 'printf']);
const mostWordChars = 1_024;

/**
 * Suspects a process that after a load opens files that hold credentials, as a sensor saw it, or names them in a command
 * line (`tar cz ~/.ssh`), which says less. Read by the program with MXNet itself, what its own libraries read in ordinary
 * work is low: tokens of service accounts, mounted secrets, .netrc. Another program of its tree has no such reason. What a
 * program reads before its first load is its habit and not told after it.
 *
 * False positives: boto3 and its like, made only after a load; `sudo` in a notebook's terminal.
 * Blind: files that the sensor is not told to watch, opens by a process that was gone before it could be looked at, the
 * environment of other processes, and what was open already.
 */
export default defineDetector({
  name: 'secret',
  sees: 'stream',
  wants: ['file.accessed', 'process.executed', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });

    function accessed(event: Accessed): readonly Suspicion[] {
      const { by, place } = event;
      const tree = by === null ? undefined : deeds.treeOf(by);
      if (by === null || tree === undefined) return [];
      const kind = (place.inside === undefined ? null : secretKind(place.inside, false)) ?? secretKind(place.path, event.what === 'secret');
      return kind === null ? [] : deeds.judge({ event, process: by, tree }, {
        rule: kind.rule, severity: isForeign(by, tree) ? kind.byOther : kind.byItself, confidence: 0.8, techniques: kind.techniques, about: place.path, habitual: true,
        what: `opened ${kind.what} ${quote(place.path)}`,
      });
    }

    function executed(event: EventOf<'process.executed'>): readonly Suspicion[] {
      const named = nameOfSecret(event.process.argv);
      return named === null ? [] : deeds.judge({ event, process: event.process, tree: event.tree }, {
        rule: named.kind.rule, severity: named.kind.byOther, confidence: 0.6, techniques: named.kind.techniques, about: named.path, habitual: true,
        what: `ran a command about ${named.kind.what} ${quote(named.path)}`,
      });
    }

    return event => {
      switch (event.kind) {
        case 'file.accessed': return accessed(event);
        case 'process.executed': return executed(event);
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

/** The first secret that a command names; a whole folder of them counts as one of its files. */
function nameOfSecret(argv: readonly string[]): { readonly path: string; readonly kind: SecretKind } | null {
  for (const { program, rest } of commandsOf(argv)) {
    if (users.has(program)) continue;
    for (const word of rest) {
      const path = pathIn(word);
      const kind = path === null ? null : secretKind(path, false) ?? secretKind(`${path.replace(/\/\*?$/, '')}/credentials`, false) ?? (/\/\.ssh\/?\*?$/.test(path) ? secretKind('/.ssh/id_rsa', false) : null);
      if (path !== null && kind !== null && kind.byOther !== 'low') return { path, kind };
    }
  }
  return null;
}

/** The path in a word: `~/.ssh/id_rsa`, `--file=/etc/shadow`, `@/etc/shadow` as curl sends it, `<$HOME/.netrc`. */
function pathIn(word: string): string | null {
  const at = word.length > mostWordChars ? -1 : word.search(/~|\$HOME|\$\{HOME\}|\//);
  if (at < 0) return null;
  const path = word.slice(at).replace(/^(~\w*|\$HOME|\$\{HOME\})/, '/home/x').replace(/["')]+$/, '');
  return path.startsWith('/') && !path.startsWith('//') ? path : null;
}
