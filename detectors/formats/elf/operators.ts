/**
 * What an operator library of MXNet 1.9.1 must export (include/mxnet/lib_api.h, MXLIB_…_STR): `MXLoadLib` looks for all of
 * them, after the constructors have run, and refuses the library at the first that is missing (measured).
 */
const required = [
  '_opVersion', '_msgSize', '_msgGet', 'initialize', '_opCallFree', '_opCallParseAttrs', '_opCallInferShape', '_opCallInferType', '_opCallInferSType',
  '_opCallFCompute', '_opCallMutateInputs', '_opCallCreateOpState', '_opCallDestroyOpState', '_opCallFStatefulCompute', '_opRegSize', '_opRegGet',
  '_partCallSupportedOps', '_partCallCreateSelector', '_partCallSelect', '_partCallSelectInput', '_partCallSelectOutput', '_partCallFilter', '_partCallReset',
  '_partCallReviewSubgraph', '_partRegSize', '_partRegGetCount', '_partRegGet', '_passCallGraphPass', '_passRegSize', '_passRegGet',
] as const;
/** Of the first releases with libraries (1.6 and 1.7). */
const former = ['_opCallForward', '_opCallBackward', '_opCallSubgraphOpForward'] as const;
/** Other libraries have that name too. */
const ordinary = 'initialize';

export const entryPoints: ReadonlySet<string> = new Set([...required, ...former]);

export interface OperatorLibrary { readonly found: readonly string[]; readonly missing: readonly string[] }

/** Null for a library that has nothing to do with MXNet's operators. */
export function operatorLibrary(exported: ReadonlySet<string>): OperatorLibrary | null {
  const found = [...entryPoints].filter(name => exported.has(name));
  return found.every(name => name === ordinary) ? null : { found, missing: required.filter(name => !exported.has(name)) };
}
