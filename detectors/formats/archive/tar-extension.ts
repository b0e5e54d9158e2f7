import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Tell } from './tar-flaws.ts';
import { isZero, type TarHeader } from './tar-header.ts';
import { type Pax, readPax } from './tar-pax.ts';

/** What extension headers before a member say of it; `at` is where the first of them stands. */
export interface Extension {
  readonly at: number;
  readonly pax: Pax | null;
  readonly longName: Uint8Array | null;
  readonly longLink: Uint8Array | null;
}

/** PATH_MAX is 4,096; no name is longer than what is read of one here. */
const mostName = 65_536;
const mostPax = 2_097_152;

export const isExtension = (type: string): boolean => 'xgXLK'.includes(type);

/**
 * Adds what this header says to those before it: `x` (pax, also Solaris' `X`) for the next member, `L` and `K` (GNU) for its
 * name and link. What `g` says of all that follow is judged and not applied: nothing in it that counts is honest.
 */
export function readExtension(header: TarHeader, { source, data, end, budget, tell }: Place, before: Extension | null): Extension | null {
  const start = { at: data - 512, pax: null, longName: null, longLink: null, ...before };
  const { type, size } = header;
  if (size > (type === 'L' || type === 'K' ? mostName : mostPax)) {
    tell('pax-length', data - 512, `An extension header of ${size} bytes is not read: the next member may have another name or length than told here`);
    return start;
  }
  const bytes = Uint8Array.from(source.read(data, size));
  const behind = !isZero(source.read(data + size, end - data - size));
  budget.spend(1 + size / 1_000);
  if (type === 'L' || type === 'K') {
    const stop = bytes.indexOf(0);
    const text = stop < 0 ? bytes : bytes.subarray(0, stop);
    if (behind || (stop >= 0 && !isZero(bytes, stop))) tell('after-nul', data, 'Bytes stand behind the end of a long name');
    if ((type === 'L' ? start.longName : start.longLink) !== null) tell('name-twice', data, 'Two long names stand before one member');
    return type === 'L' ? { ...start, longName: text } : { ...start, longLink: text };
  }
  if (behind) tell('pax-record', data + size, 'Bytes stand behind the end of an extended header, where Python reads on');
  const pax = readPax(bytes, type === 'g', budget);
  for (const { flaw, message } of pax.remarks) tell(flaw, data, message);
  if (type === 'g') return before;
  if (start.pax !== null) tell('pax-several', data, 'Two extended headers stand before one member');
  return { ...start, pax: start.pax === null ? pax : { ...pax, values: new Map([...kept(start.pax), ...pax.values]) } };
}

/** Of an earlier header only what counts, so that a thousand of them are no more than one. */
const kept = ({ values }: Pax): [string, Uint8Array][] => counting.flatMap(keyword => { const value = values.get(keyword); return value ? [[keyword, value]] : []; });
const counting = ['path', 'linkpath', 'size', ...['name', 'map', 'size', 'realsize', 'major', 'minor'].map(part => `GNU.sparse.${part}`)];

interface Place { readonly source: Source; readonly data: number; readonly end: number; readonly budget: Budget; readonly tell: Tell }
