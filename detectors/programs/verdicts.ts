import type { Severity } from '../../agent/contract/finding.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import type { Process } from '../../agent/contract/process.ts';
import { isHousekeeping, temporary } from '../context/programs.ts';
import { clip, nameOf, quote } from '../context/wording.ts';
import { classOf, namesOf, type ProgramClass } from './classes.ts';
import { fetches, mines, preloads, reverseShell, throughLinker } from './command-line.ts';
import { disguise } from './disguise.ts';
import type { Drop } from './drops.ts';
import { isGrave, techniqueOfRecon } from './recon.ts';
import { hanging } from './streams.ts';

/** What one program, run soon after a load, is suspected of. */
export interface Verdict {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: number;
  readonly what: string;
  readonly techniques: readonly string[];
  /** Further events that justify it. */
  readonly evidence?: readonly string[];
}

const byClass: { readonly [Class in ProgramClass]: Verdict } = {
  shell: { rule: 'child.shell', severity: 'high', confidence: 0.85, what: 'started a shell', techniques: ['T1059.004', 'AML.T0050'] },
  interpreter: { rule: 'child.interpreter', severity: 'medium', confidence: 0.6, what: 'started an interpreter', techniques: ['T1059', 'AML.T0050'] },
  'download-tool': { rule: 'child.download-tool', severity: 'high', confidence: 0.85, what: 'started a network tool', techniques: ['T1105', 'AML.T0050'] },
  compiler: { rule: 'child.compiler', severity: 'medium', confidence: 0.6, what: 'started a compiler', techniques: ['T1027.004', 'AML.T0050'] },
  'recon-tool': { rule: 'child.recon-tool', severity: 'low', confidence: 0.5, what: 'started a tool that looks around', techniques: ['T1082', 'AML.T0089'] },
  'privilege-tool': { rule: 'child.privilege-tool', severity: 'high', confidence: 0.8, what: 'started a tool that changes privileges', techniques: ['T1548.003', 'AML.T0050'] },
  'persistence-tool': { rule: 'child.persistence-tool', severity: 'high', confidence: 0.8, what: 'started a tool that makes programs run later', techniques: ['T1053.003', 'AML.T0050'] },
  'container-tool': { rule: 'child.container-tool', severity: 'high', confidence: 0.8, what: 'started a tool that enters or commands containers and file systems', techniques: ['T1611', 'T1609', 'AML.T0105'] },
  miner: { rule: 'child.miner', severity: 'high', confidence: 0.9, what: 'started a program that mines', techniques: ['T1496', 'AML.T0034'] },
};

const firstEver: Verdict = { rule: 'child.first-ever', severity: 'low', confidence: 0.4, what: 'ran a program that it never ran before', techniques: ['T1059', 'AML.T0050'] };
const fromModelFolder: Verdict = { rule: 'child.from-model-folder', severity: 'high', confidence: 0.85, what: 'ran a program from a folder of models', techniques: ['T1204.002', 'AML.T0011.000'] };

const fromTemporary = (from: string): Verdict => ({
  rule: 'child.from-temporary', severity: 'high', confidence: 0.85, what: `ran a program from ${from}`,
  techniques: from.startsWith('memory') ? ['T1620', 'AML.T0018.002'] : ['T1059', 'AML.T0011.000'],
});

export const dropped = ({ how, own, evidence }: Drop): Verdict => ({
  rule: 'child.dropped', severity: own ? 'critical' : 'high', confidence: own ? 0.95 : 0.8, what: `ran a program ${how}`, techniques: ['T1105', 'T1204.002', 'AML.T0112.001'],
  ...(evidence === null ? {} : { evidence: [evidence] }),
});

/** What the words of its command line give away. */
export function byWords(process: Process): readonly Verdict[] {
  const { argv, executable } = process;
  const found: Verdict[] = [];
  const remote = reverseShell(namesOf(process), argv);
  if (remote !== null) found.push({ rule: 'child.reverse-shell', severity: 'critical', confidence: 0.95, what: `opened a shell for somebody far away (${remote})`, techniques: ['T1059.004', 'T1071', 'AML.T0072'] });
  if (mines(argv)) found.push({ ...byClass.miner, what: 'started a program with the address or the options of a miner' });
  const pretended = disguise(process);
  if (pretended !== null) found.push({ rule: 'child.masquerade', severity: 'high', confidence: 0.8, what: `started a program that pretends to be ${pretended}`, techniques: pretended.startsWith('nothing') ? ['T1564.001', 'AML.T0074'] : ['T1036.005', 'AML.T0074'] });
  const preload = preloads(argv);
  if (preload) found.push({ rule: 'child.preload', severity: preload.usual ? 'low' : 'high', confidence: preload.usual ? 0.2 : 0.8, what: `started a program with other native code put before its own (${quote(preload.what, 80)})`, techniques: ['T1574.006', 'AML.T0011.000'] });
  if (throughLinker(executable.path, argv)) found.push({ rule: 'child.through-linker', severity: 'medium', confidence: 0.6, what: `ran ${quote(clip(argv[1] ?? '', 120))} through the dynamic linker`, techniques: ['T1574.006', 'AML.T0011.000'] });
  if (remote === null && fetches(argv)) found.push({ ...byClass['download-tool'], confidence: 0.6, what: 'started code that fetches something from the network' });
  return found;
}

/** Whether somebody at the other end of a socket speaks with it. A loader that is itself started on a socket (inetd) hands it on: a known false positive. */
export function byStreams(exec: EventOf<'process.executed'>): readonly Verdict[] {
  const found = hanging(exec);
  if (found === null) return [];
  const kind = classOf(exec.process);
  const speaks = kind === 'shell' || kind === 'interpreter' || exec.process.executable.path === exec.process.ancestors.find(each => each.pid === exec.tree.pid)?.path;
  return [{
    rule: 'child.on-socket', severity: speaks && found.whole ? 'critical' : 'high', confidence: found.whole ? 0.9 : 0.7,
    what: `gave ${kind === 'shell' ? 'a shell' : speaks ? 'an interpreter' : 'a program'} to whoever is at the other end of a socket (${found.words})`,
    techniques: [kind === 'shell' ? 'T1059.004' : 'T1059', 'T1071', 'AML.T0072'],
  }];
}

/** What a program of another executable is by its place and its name; a first-ever child only when nothing else is. */
export function byNature(process: Process, isBesideModel: boolean, isKnown: boolean, isQuiet: boolean): readonly Verdict[] {
  const found: Verdict[] = [];
  const from = temporary(process.executable.path);
  if (from !== null) found.push(fromTemporary(from));
  if (isBesideModel) found.push(fromModelFolder);
  const usual = isHousekeeping(process);
  const kind = usual ? null : classOf(process);
  if (kind !== null) found.push(kind === 'recon-tool' ? looking(process) : kind === 'interpreter' ? interpreting(process) : byClass[kind]);
  if (found.length > 0 || isKnown || !isQuiet) return found;
  return [{ ...firstEver, severity: usual ? 'info' : 'low' }];
}

/** The loader's own executable once more with other code, or for the first time. */
export function byItself(argv: readonly string[], isKnown: boolean): readonly Verdict[] {
  if (argv.includes('-c') || argv.includes('-')) return [{ ...byClass.interpreter, severity: 'low', confidence: 0.4, what: 'ran its own interpreter with other code' }];
  return isKnown ? [] : [{ ...firstEver, confidence: 0.3, what: 'started itself again, which it never did before' }];
}

function looking(process: Process): Verdict {
  const names = namesOf(process);
  const grave = isGrave(names, process.argv);
  return { ...byClass['recon-tool'], severity: grave ? 'medium' : 'low', confidence: grave ? 0.7 : 0.4, techniques: [techniqueOfRecon(names), 'AML.T0089'] };
}

function interpreting({ executable }: Process): Verdict {
  const name = nameOf(executable.path);
  const language = name.startsWith('python') || name.startsWith('pypy') ? 'T1059.006' : name.startsWith('node') ? 'T1059.007' : 'T1059';
  return { ...byClass.interpreter, techniques: [language, 'AML.T0050'] };
}
