import type { Suspicion } from '../../agent/contract/finding.ts';
import type { Process } from '../../agent/contract/process.ts';
import { describeTechnique } from '../../forwarders/encode/techniques.ts';
import { child, mxnetCalled, mxnetMapped, noon } from '../builders.ts';

type See = (event: never) => readonly Suspicion[];

/** One second after the load that `afterLoad` feeds. */
export const soon = noon + 1_000;
export const later = noon + 3_600_000;

/** A detector that has seen `process()` load a model at noon; its id is `load`. */
export function afterLoad<Fed extends See>(see: Fed): Fed {
  see(mxnetMapped({ id: 'map', at: noon - 5_000 }) as never);
  see(mxnetCalled({ id: 'load' }) as never);
  return see;
}

/** One that has seen it map MXNet and nothing more. */
export function beforeLoad<Fed extends See>(see: Fed): Fed {
  see(mxnetMapped({ id: 'map', at: noon - 5_000 }) as never);
  return see;
}

/** A process of the tree, by its executable and its command line. */
export const tool = (path: string, argv: readonly string[] = [path], change: Partial<Process> = {}): Process =>
  child({ executable: { path, file: null }, argv, ...change });

/** Rule and severity of each, in order. */
export const told = (found: readonly Suspicion[]): readonly string[] => found.map(({ rule, severity }) => `${rule} ${severity}`);

/** Ids that no table names. */
export const unnamed = (found: readonly Suspicion[]): readonly string[] =>
  found.flatMap(({ techniques }) => techniques).filter(id => (describeTechnique(id).sub_technique ?? describeTechnique(id).technique)?.name === undefined);
