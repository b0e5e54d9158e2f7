import type { Constructors } from './constructors.ts';
import type { Image } from './image.ts';
import { familyOf, type Family } from './imports.ts';
import { entryPoints } from './operators.ts';
import { type Symbols, symbolTypes } from './symbols.ts';
import { runsAtLoad, type Voice } from './voice.ts';

/** What a file asks of others and offers to them, by its dynamic symbols. */
export interface Interface {
  readonly imports: number;
  readonly exports: number;
  /** Exports that something else than the load can call or read. */
  readonly offers: number;
  /** Functions that are chosen by a function during the load. */
  readonly indirect: number;
  readonly dangerous: ReadonlyMap<Family, ReadonlySet<string>>;
  /** Those of an operator library. */
  readonly entryPoints: ReadonlySet<string>;
  /** It is libmxnet.so, in which the entry points are linked too. */
  readonly isMXNet: boolean;
  /** Where exported functions begin. */
  readonly functions: ReadonlySet<number>;
  /** It was linked with the compiler's own start files, which add a constructor to each file. */
  readonly startFiles: boolean;
}

/** libmxnet.so of 1.9.1 exports some 64,000 names; a library that only copies one of them is none. */
const leastOfMXNet = 1_000;
/** Enough for libmxnet.so. */
const mostFunctions = 100_000;
/** What linkers export by themselves. */
const byLinker: ReadonlySet<string> = new Set(['_init', '_fini', '_edata', '_end', '__bss_start', '__data_start', 'data_start']);
/** Asked for, weakly, by crti.o and crtbegin.o of gcc and clang. */
const byStartFiles: ReadonlySet<string> = new Set(['__gmon_start__', '_ITM_deregisterTMCloneTable', '_ITM_registerTMCloneTable']);

export function readInterface(symbols: Symbols, constructors: Constructors, image: Image, voice: Voice): Interface {
  const dangerous = new Map<Family, Set<string>>();
  const [found, functions] = [new Set<string>(), new Set<number>()];
  const tally = { imports: 0, exports: 0, offers: 0, indirect: 0 };
  let [startFiles, loader, astray] = [false, false, 0];
  symbols.each(({ name, value, type, imported, exported }) => {
    if (name === '') return;
    if (imported) {
      tally.imports += 1;
      startFiles ||= byStartFiles.has(name);
      const family = familyOf(name);
      if (family !== undefined) dangerous.set(family, (dangerous.get(family) ?? new Set()).add(name));
    }
    if (!exported) return;
    tally.exports += 1;
    if (!byLinker.has(name) && !constructors.addresses.has(value)) tally.offers += 1;
    if (entryPoints.has(name)) found.add(name);
    if (type === symbolTypes.function && functions.size < mostFunctions) functions.add(value);
    loader ||= name === 'MXLoadLib';
    if (type !== symbolTypes.indirect) return;
    tally.indirect += 1;
    if (!image.isCode(value)) astray += 1;
  });
  if (astray > 0) voice.say('constructor-target', 'high', 0.8, symbols.table.at, `Functions that choose an address during the load are in no executable segment: ${astray}`, runsAtLoad);
  return { ...tally, dangerous, functions, entryPoints: found, isMXNet: loader && tally.exports > leastOfMXNet, startFiles };
}
