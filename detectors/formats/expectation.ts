import type { Format } from './kind.ts';

/** What a file's name promises; `model` when MXNet reads files of that name as weights, graph or optimizer state. */
export interface Expectation { readonly formats: readonly Format[]; readonly called: string; readonly model: boolean }

const expectations: readonly (readonly [RegExp, Expectation])[] = [
  [/-symbol\.json$/i, { formats: ['symbol-json'], called: 'a symbol', model: true }],
  // MXNet 2.x writes npz and npy under .params (npx.savez).
  [/\.params$/i, { formats: ['ndarray-container', 'npz', 'npy'], called: 'parameters', model: true }],
  [/\.(nd|ndarray|buckets)$/i, { formats: ['ndarray-container'], called: 'arrays', model: true }],
  [/\.states$/i, { formats: ['pickle'], called: 'optimizer states', model: true }],
  [/\.(pkl|pickle)$/i, { formats: ['pickle'], called: 'a pickle', model: false }],
  [/\.mar$/i, { formats: ['zip'], called: 'a model archive', model: false }],
  [/\.model$/i, { formats: ['zip', 'tar', 'gzip'], called: 'a model archive', model: false }],
  [/\.zip$/i, { formats: ['zip', 'npz'], called: 'a zip archive', model: false }],
  [/\.(tar\.gz|tgz)$/i, { formats: ['gzip'], called: 'a compressed archive', model: false }],
  [/\.tar$/i, { formats: ['tar'], called: 'an archive', model: false }],
  [/\.npz$/i, { formats: ['npz', 'zip'], called: 'a NumPy archive', model: false }],
  [/\.npy$/i, { formats: ['npy'], called: 'a NumPy array', model: false }],
  [/\.rec$/i, { formats: ['recordio'], called: 'records', model: false }],
  [/\.so(\.\d+)*$/i, { formats: ['elf'], called: 'a library', model: false }],
  [/\.json$/i, { formats: ['json', 'symbol-json'], called: 'JSON', model: false }],
];

/** Null when the name promises nothing. */
export const expectationOf = (name: string): Expectation | null => expectations.find(([pattern]) => pattern.test(name))?.[1] ?? null;
