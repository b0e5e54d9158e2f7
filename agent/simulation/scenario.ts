/**
 * One behaviour, acted out without harm, and what the agent must say of it. `act` is Python for the process of actor.py,
 * with its helpers; it runs just after that process has loaded a harmless model.
 */
export interface Scenario {
  /** Kebab-case; part of the public interface, as the rules are. */
  readonly name: string;
  /** What the agent must say. */
  readonly rule: string;
  /** What it says in its place at levels that see the same deed in another way. */
  readonly or?: readonly string[];
  /** ATT&CK and ATLAS ids that the rule cites for this deed. */
  readonly techniques: readonly string[];
  /** What is really done, for people. */
  readonly does: string;
  readonly steps: readonly Step[];
  /** Where the sensors cannot see this, they say so by one of these. */
  readonly seenBy: readonly Sight[];
  /** The name under which it runs our program; one is made for each before anything is loaded, since a new file is a deed of its own. */
  readonly runs?: string;
  readonly needsRoot?: true;
  /** Writes into a folder of its own below a model root of the agent. */
  readonly writesModels?: true;
  /** The process with MXNet ends after it, and only then it is told. */
  readonly ends?: true;
}

/** `actor`: the process with MXNet. `bystander`: another, not in its tree. `said`: waits until the agent said this rule of a file of ours. */
export type Step = { readonly actor: string } | { readonly bystander: string } | { readonly said: string; readonly of: string };

/** A collector without which it is not seen, at which kind of level, and the facts of it that count, in its own words. */
export interface Sight {
  readonly collector: 'mxnet' | 'exec' | 'network' | 'system' | 'watch' | 'secrets' | 'processes';
  readonly level?: 'kernel' | 'fanotify';
  readonly facts?: readonly string[];
}

export const calls: Sight = { collector: 'mxnet', level: 'kernel' };
export const programs: readonly Sight[] = [calls, { collector: 'exec', level: 'kernel', facts: ['executed programs'] }];
export const connections: readonly Sight[] = [calls, { collector: 'network', level: 'kernel', facts: ['connections'] }];
/** Who wrote or opened a model. */
export const authors: readonly Sight[] = [calls, { collector: 'watch', level: 'fanotify' }];
export const system = (...facts: readonly string[]): readonly Sight[] => [calls, { collector: 'system', level: 'kernel', facts }];

/** A program of ours that does nothing but sleep, under another's name and with another's words. */
export const named = (name: string, rule: string, program: string, words: readonly string[], ...techniques: readonly string[]): Scenario => ({
  name, rule, techniques, does: `runs a program that only sleeps, as ${[program, ...words].join(' ')}`, seenBy: programs, runs: program,
  steps: [{ actor: `run(${[program, ...words].map(word => JSON.stringify(word)).join(', ')})` }],
});
