import type { Constructors } from './constructors.ts';
import type { Dependencies } from './dependencies.ts';
import type { Interface } from './interface.ts';
import { operatorLibrary } from './operators.ts';
import type { Relocated } from './relocations.ts';
import type { Section } from './sections.ts';
import { hijack, runsAtLoad, type Voice } from './voice.ts';

/** What the loader makes of a library or program. */
export interface Loadable {
  /** Path of the program that the kernel starts in its place. */
  readonly interpreter: string | null;
  /** It is started, not loaded. */
  readonly program: boolean;
  readonly dependencies: Dependencies | null;
  readonly constructors: Constructors | null;
  readonly relocated: Relocated | null;
  readonly meets: Interface | null;
  /** Where in the file it begins to run: the entry point, constructors, destructors, exported functions; sorted. */
  readonly starts: readonly number[];
}

/** What the parts come to: a program, an operator library, or a library whose purpose is to be loaded. */
export function judge(loadable: Loadable, sections: readonly Section[], voice: Voice) {
  const { program, interpreter, meets, constructors } = loadable;
  if (program) voice.say('executable', 'low', 0.7, 0, `It is a program${interpreter === null ? ' that needs no library' : ''}: it is started, not loaded`, ['T1204.002']);
  else if (interpreter !== null) voice.say('executable-library', 'info', 0.8, 0, 'It is a library that can also be started', []);
  if (meets === null || constructors === null) return;
  const operators = meets.isMXNet ? null : operatorLibrary(meets.entryPoints);
  const running = constructors.initArray + constructors.preinitArray + (constructors.init === null ? 0 : 1);
  const indirect = meets.indirect + (loadable.relocated?.indirect ?? 0);
  const own = ownConstructors(loadable, sections);
  if (running + indirect > 0) voice.say('constructors', 'info', 0.9, 0, `Functions of it that run as soon as it is loaded: ${running}${indirect > 0 ? `; that choose addresses then: ${indirect}` : ''}`, runsAtLoad);
  if (operators !== null) judgeOperators(operators, own, voice);
  else if (!program && own > 0 && meets.offers === 0) {
    voice.say('only-constructors', 'high', 0.8, 0, 'It offers no function that anyone could call: all it does, it does while it is loaded', runsAtLoad);
  }
  for (const [family, names] of meets.dangerous) {
    const told = [...names].slice(0, 12);
    voice.say(family.rule, operators === null ? family.plain : family.operator, 0.5, 0, `It ${family.what}: ${told.join(', ')}`, family.techniques);
  }
}

function judgeOperators({ found, missing }: { readonly found: readonly string[]; readonly missing: readonly string[] }, own: number, voice: Voice) {
  voice.say('operator-library', 'info', 0.9, 0, `It is an operator library of MXNet with ${found.length} of its entry points`, ['T1129']);
  if (missing.includes('_opVersion') && own > 0) {
    voice.say('operator-decoy', 'high', 0.8, 0, 'It has entry points of an operator library but no _opVersion: its constructors run, and then MXNet refuses it', [...runsAtLoad, ...hijack.slice(0, 1)]);
  } else if (missing.length > 0) {
    voice.say('operator-incomplete', 'low', 0.6, 0, `MXNet 1.9.1 runs its constructors and then refuses it, for want of ${missing.slice(0, 6).join(', ')}${missing.length > 6 ? ' …' : ''}`, ['T1129']);
  }
}

/** Constructors beyond those that the compiler adds to every library: frame_dummy, and _init in the section of that name. */
function ownConstructors({ constructors, meets }: Loadable, sections: readonly Section[]): number {
  if (constructors === null || meets === null) return 0;
  const { init, initArray, preinitArray } = constructors;
  const isUsual = init === null || (meets.startFiles && (sections.length === 0 || sections.some(({ name, address }) => name === '.init' && address === init)));
  return preinitArray + Math.max(0, initArray - (meets.startFiles ? 1 : 0)) + (isUsual ? 0 : 1);
}
