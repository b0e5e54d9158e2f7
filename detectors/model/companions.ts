import type { Stated, SymbolFacts, TensorFact } from '../formats/fact.ts';
import type { Note } from '../formats/report.ts';
import { crossCheck } from './cross-check.ts';

/** Of one file and the models in it that are compared; the rest of an archive with more is not. */
const mostModels = 1_000;

/**
 * The symbol that belongs to a file of parameters or states, by its last name, as save_checkpoint and export name them:
 * `PREFIX-symbol.json` to `PREFIX-0000.params` and `.states`, and to `PREFIX.params`. Null for other names.
 */
export const symbolOf = (name: string): string | null => {
  const prefix = /^(.+?)(?:-\d{4,})?\.(?:params|states)$/s.exec(name)?.[1];
  return prefix === undefined ? null : `${prefix}-symbol.json`;
};

const isEpoch = (name: string): boolean => /-\d{4,}\.(?:params|states)$/.test(name);

/** Documents of one file or archive, and what stands beside it, held against each other model by model. */
export function compareModels(facts: readonly Stated[]): Note[] {
  const symbols = new Map<string, SymbolFacts>();
  for (const { path, fact } of facts) if (fact.type === 'symbol') symbols.set(path, fact.symbol);
  if (symbols.size === 0) return [];
  return facts.filter(({ fact }) => fact.type !== 'symbol').slice(0, mostModels).flatMap(stated => {
    const symbol = symbols.get(symbolBeside(stated.path) ?? '');
    return symbol === undefined ? [] : compare(symbol, stated).map(note => stated.member === null ? note : { ...note, where: { member: stated.member } });
  });
}

function symbolBeside(path: string): string | null {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const name = symbolOf(path.slice(folder.length));
  return name === null ? null : `${folder}${name}`;
}

function compare(symbol: SymbolFacts, { path, fact }: Stated): Note[] {
  if (fact.type === 'states') return crossCheck({ symbol, params: null, states: fact.states });
  if (fact.type === 'tensors' && belongs(path, fact.tensors)) return crossCheck({ symbol, params: fact.tensors, complete: fact.complete });
  return [];
}

/** save_parameters names arrays by their place in the block, not in the symbol: without an epoch only the names can tell. */
const belongs = (path: string, tensors: readonly TensorFact[]): boolean => isEpoch(path) || tensors.some(({ name }) => /^(?:arg|aux):/.test(name));
