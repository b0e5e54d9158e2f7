/*
 * Functions of libmxnet that load something, and where their arguments are (include/mxnet/c_api.h, c_predict_api.h of
 * 1.x). Contents are never fetched: a JSON argument is a whole document. Functions absent from a library are skipped.
 */
type Shape =
  /** The first argument is a file name. */
  | { readonly argument: 'path' }
  /** The first argument is the content; its length, where the function is told it, another. */
  | { readonly argument: 'buffer'; readonly length: { readonly from: 'second' | 'third'; readonly bits: 32 | 64 } | null }
  /** What it loads is somewhere in a list of parameters. */
  | { readonly argument: 'list' }
  /** No load: the moment to begin to watch, since importing the Python package calls it five times, and later a sign by itself. */
  | { readonly argument: 'none' };
export interface LoadFunction { readonly name: string; readonly shape: Shape }

const path = (name: string): LoadFunction => ({ name, shape: { argument: 'path' } });
const buffer = (name: string, from?: 'second' | 'third', bits: 32 | 64 = 64): LoadFunction =>
  ({ name, shape: { argument: 'buffer', length: from === undefined ? null : { from, bits } } });

export const loadFunctions: readonly LoadFunction[] = [
  path('MXSymbolCreateFromFile'),
  path('MXNDArrayLoad'),
  path('MXLoadLib'),
  path('MXRecordIOReaderCreate'),
  buffer('MXNDArrayLoadFromBuffer', 'second'),
  buffer('MXNDArrayLoadFromRawBytes', 'second'),
  buffer('MXSymbolCreateFromJSON'),
  buffer('MXPredCreate', 'third', 32),
  buffer('MXPredCreateEx', 'third', 32),
  buffer('MXPredCreatePartialOut', 'third', 32),
  buffer('MXPredCreateMultiThread', 'third', 32),
  buffer('MXNDListCreate', 'second', 32),
  buffer('MXRtcCudaModuleCreate'),
  { name: 'MXDataIterCreateIter', shape: { argument: 'list' } },
  { name: 'MXCustomOpRegister', shape: { argument: 'none' } },
];

/** Registers of the first three arguments: System V ABI for x86_64, AAPCS64 for aarch64. */
const registers: Readonly<Record<string, readonly [string, string, string]>> = { x64: ['%di', '%si', '%dx'], arm64: ['%x0', '%x1', '%x2'] };

export type ProbeKind = 'named' | 'entered' | 'left';
/** What each of its probes fetches, in the words of uprobe_events. Undefined for an architecture we do not know. */
export function fetchesOf({ shape }: LoadFunction, architecture: string): Partial<Record<ProbeKind, string>> | undefined {
  const arguments_ = registers[architecture];
  if (arguments_ === undefined) return undefined;
  const [first, second, third] = arguments_;
  const sp = 'sp=%sp:u64';
  const left = `${sp} ret=$retval:s32`;
  switch (shape.argument) {
    case 'path': return {
      // A name of 4,060 to 4,095 characters makes its event vanish without a count, a longer one is not readable: the second
      // probe at the same place fetches only the pointer and 32 bytes, so that the call is seen at least.
      entered: `${sp} ptr=${first}:u64 head0=+0(${first}):u64 head1=+8(${first}):u64 head2=+16(${first}):u64 head3=+24(${first}):u64`,
      named: `${sp} name=+0(${first}):string`,
      left,
    };
    case 'buffer': case 'list': case 'none': return { entered: `${sp} second=${second}:u64 third=${third}:u64`, left };
    default: shape satisfies never; return undefined;
  }
}
