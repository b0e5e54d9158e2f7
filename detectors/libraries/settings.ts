import type { LoaderSettings } from '../../agent/contract/event.ts';
import { type Severity, severities } from '../../agent/contract/finding.ts';
import { temporary } from '../context/programs.ts';
import { quote } from '../context/wording.ts';

/** What the settings of one process are suspected of. `usual`: ordinary for many, so that it is worth a word only the first time. */
export interface Suspect {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: number;
  /** Goes on after the name of the process. */
  readonly what: string;
  readonly about: string;
  readonly usual: boolean;
  readonly techniques: readonly string[];
}

const hijack = ['T1574.006', 'AML.T0010.001'] as const;
const ofSystem = /^\/(usr\/)?(local\/)?lib(32|64)?\/(?!.*\/\.\.\/)/;

/** `isFine`: what the operator expects. A name without a slash is looked for where ld.so looks for all. */
export function suspectSettings({ environment, preloadFile }: LoaderSettings, isFine: (path: string) => boolean): readonly Suspect[] {
  const { preload = [], libraryPath = [], role = null } = environment ?? {};
  return [
    gravest(preload.filter(entry => !isFine(entry)).map(preloaded)),
    gravest(preloadFile.filter(entry => !isFine(entry)).map(named)),
    gravest(libraryPath.filter(entry => entry !== '' && !isFine(`${entry}/`)).flatMap(searched)),
    serving(role),
  ].filter(found => found !== null);
}

function preloaded(entry: string): Suspect {
  const usual = ofSystem.test(entry) || !entry.includes('/');
  const passing = temporary(entry);
  return {
    rule: 'library.preload', severity: usual ? 'low' : passing === null ? 'medium' : 'high', confidence: usual ? 0.2 : passing === null ? 0.5 : 0.85, about: entry, usual, techniques: hijack,
    what: `was started with native code put before MXNet by LD_PRELOAD, ${quote(entry)}${passing === null ? '' : `, from ${passing}`}`,
  };
}

const named = (entry: string): Suspect => ({
  rule: 'library.preload-file', severity: ofSystem.test(entry) ? 'medium' : 'high', confidence: ofSystem.test(entry) ? 0.5 : 0.85, about: entry, usual: false, techniques: hijack,
  what: `runs where /etc/ld.so.preload puts native code into every program, ${quote(entry)}`,
});

function searched(entry: string): readonly Suspect[] {
  const passing = temporary(`${entry}/`);
  if (passing === null && entry.startsWith('/')) return [];
  const usual = passing === null;
  return [{
    rule: 'library.search-path', severity: usual ? 'low' : 'medium', confidence: usual ? 0.2 : 0.6, about: entry, usual, techniques: hijack,
    what: `looks for libraries first in ${quote(entry)}, ${passing ?? 'which depends on the working directory'}, by LD_LIBRARY_PATH`,
  }];
}

/** A server of a parameter store unpickles the optimizer that it is sent, and both listen to whoever comes (python/mxnet/kvstore_server.py of 1.x). */
function serving(role: string | null): Suspect | null {
  if (role !== 'server' && role !== 'scheduler') return null;
  return {
    rule: 'library.server-role', severity: role === 'server' ? 'medium' : 'low', confidence: 0.5, about: role, usual: role === 'scheduler', techniques: ['T1059.006', 'AML.T0011.000'],
    what: role === 'server' ? 'is a server of a distributed training by DMLC_ROLE: it runs pickled code that is sent to it' : 'is the scheduler of a distributed training by DMLC_ROLE: it takes orders from the network',
  };
}

const gravest = (all: readonly Suspect[]): Suspect | null => all.reduce<Suspect | null>((worst, each) => worst === null || severities.indexOf(each.severity) > severities.indexOf(worst.severity) ? each : worst, null);

