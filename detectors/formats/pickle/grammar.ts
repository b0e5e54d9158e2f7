import type { Bytes, Class, Instance, Sequence, Text, Value } from './values.ts';
import { float } from './values.ts';

/**
 * With which arguments an allowed name may be called, as its honest writer does. Null: not with these. The writers:
 * NDArray.__reduce__ (mxnet/ndarray/ndarray.py), bytearray.__reduce_ex__, save_bytes (Lib/pickle.py), copyreg._reduce_ex,
 * ndarray.__reduce_ex__ and dtype.__reduce__ (numpy). A numpy value is described as a number, whatever its shape.
 */
export function callAllowed(of: Class, args: readonly Value[]): Value | null {
  const [first, second, third] = args;
  switch (of.role) {
    // Any other argument would become the pointer that native code follows.
    case 'array': return args.length === 1 && first?.kind === 'none' ? instance(of) : null;
    case 'bytearray':
      if (args.length === 0) return { kind: 'bytearray', extent: { at: 0, length: 0, size: 0, form: 'plain' } };
      if (args.length === 1 && first?.kind === 'bytes') return { kind: 'bytearray', extent: first.extent };
      return args.length === 2 && isLatin1(first, second) ? { kind: 'bytearray', extent: first.extent } : null;
    case 'encode': return args.length === 2 && isLatin1(first, second) ? { kind: 'bytes', extent: first.extent } : null;
    case 'reconstructor':
      return args.length === 3 && first?.kind === 'class' && (first.role === 'optimizer' || first.role === 'scheduler')
        && second?.kind === 'class' && second.role === 'object' && third?.kind === 'none' ? instance(first) : null;
    case 'dtype': {
      const code = first?.kind === 'text' ? /^[<|=]?(b1|[fiu][1248])$/.exec(first.text ?? '')?.[1] : undefined;
      return args.length === 3 && code !== undefined && code !== 'f1' && isFlag(second) && isFlag(third) ? instance(of, code) : null;
    }
    case 'ndarray-reconstructor':
      return args.length === 3 && first?.kind === 'class' && first.role === 'ndarray' && isNumbers(second) && second.items?.length === 1 && isInteger(second.items[0], 0)
        && third?.kind === 'bytes' && third.extent.size === 1 ? instance(first) : null;
    case 'scalar': return args.length === 2 && isDtype(first) && second?.kind === 'bytes' && second.extent.size === widthOf(first) ? float : null;
    case 'frombuffer':
      return args.length === 4 && isBytes(first) && isDtype(second) && isNumbers(third) && fits(second, third, first.extent.size)
        && args[3]?.kind === 'text' && /^[CF]$/.test(args[3].text ?? '') ? float : null;
    case 'optimizer': case 'scheduler': case 'object': case 'ndarray': case 'denied': return null;
    default: return of.role satisfies never;
  }
}

/** NEWOBJ: only optimizers and schedulers are made so, without arguments. */
export const newAllowed = (of: Class, args: readonly Value[]): Value | null =>
  (of.role === 'optimizer' || of.role === 'scheduler') && args.length === 0 ? instance(of) : null;

/** The state that numpy gives its dtype and its array back; what deviates reaches native code that trusts it. */
export function isNumpyState(of: Instance, state: Value): boolean {
  const items = state.kind === 'tuple' ? state.items ?? [] : [];
  if (of.of.role === 'dtype') {
    const [version, order, ...rest] = items;
    return items.length === 8 && isInteger(version, 3) && order?.kind === 'text' && /^[<|=]$/.test(order.text ?? '') && rest.slice(0, 3).every(item => item.kind === 'none')
      && isInteger(rest[3], -1) && isInteger(rest[4], -1) && isInteger(rest[5], 0);
  }
  const [version, shape, dtype, fortran, content] = items;
  return items.length === 5 && isInteger(version, 1) && isNumbers(shape) && isDtype(dtype) && isFlag(fortran) && content?.kind === 'bytes' && fits(dtype, shape, content.extent.size);
}

/** Whether an array of this type and shape has so many bytes; numpy allows 32 dimensions. */
function fits(dtype: Instance, { items }: Sequence, bytes: number): boolean {
  let count = BigInt(widthOf(dtype));
  for (const dimension of (items ?? []).slice(0, 32)) count *= BigInt(dimension.kind === 'integer' ? dimension.value : 0);
  return (items?.length ?? 0) <= 32 && count === BigInt(bytes);
}

const instance = (of: Class, detail = ''): Instance => ({ kind: 'instance', of, built: false, detail });
const isInteger = (value: Value | undefined, wanted: number): boolean => value?.kind === 'integer' && value.value === wanted;
/** A flag of numpy: a bool, or 0 and 1 in older writers. */
const isFlag = (value: Value | undefined): boolean => value?.kind === 'bool' || isInteger(value, 0) || isInteger(value, 1);
const isBytes = (value: Value | undefined): value is Bytes => value?.kind === 'bytes' || value?.kind === 'bytearray';
const isNumbers = (value: Value | undefined): value is Sequence =>
  value?.kind === 'tuple' && (value.items ?? []).every(item => item.kind === 'integer' && Number.isSafeInteger(item.value) && item.value >= 0);
const isDtype = (value: Value | undefined): value is Instance => value?.kind === 'instance' && value.of.role === 'dtype';
const widthOf = (dtype: Instance): number => Number(dtype.detail.slice(1));
const isLatin1 = (text: Value | undefined, codec: Value | undefined): text is Text =>
  text?.kind === 'text' && text.latin1 && codec?.kind === 'text' && /^latin-?1$/.test(codec.text ?? '');
