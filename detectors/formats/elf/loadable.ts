import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { constructorArrays, readConstructors } from './constructors.ts';
import { readDependencies } from './dependencies.ts';
import { checkDisagreements, shownSymbols } from './disagreements.ts';
import { type Dynamic, readDynamic } from './dynamic.ts';
import { hashedSymbols } from './hashes.ts';
import type { Header } from './header.ts';
import { createImage, type Image } from './image.ts';
import { readInterface } from './interface.ts';
import { judge, type Loadable } from './judgement.ts';
import { checkPacking } from './packing.ts';
import { readRelocations } from './relocations.ts';
import type { Section } from './sections.ts';
import { checkSegments, type Segment, segmentTypes } from './segments.ts';
import { openSymbols } from './symbols.ts';
import { checkVersions } from './versions.ts';
import { evasion, type Voice } from './voice.ts';

/** The parts that every look at one file shares. */
export interface Ground {
  readonly source: Source;
  readonly report: Report;
  readonly header: Header;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  readonly voice: Voice;
}

/** DF_1_PIE in DT_FLAGS_1: a program that may be placed anywhere, which else looks like a library. */
const placeable = 0x08000000;

/** As ld.so and the kernel would: by segments and the dynamic section alone. */
export function inspectLoadable(ground: Ground): Loadable {
  const { source, report: { budget }, header, segments, sections, voice } = ground;
  const image = createImage(source, segments);
  if (isDebugFile(image, sections)) {
    voice.say('debug-file', 'info', 0.9, 0, 'It is debugging information: its code is in another file', []);
    return { interpreter: null, program: false, dependencies: null, constructors: null, relocated: null, meets: null, starts: [] };
  }
  checkSegments(segments, header, source.size, voice);
  const interpreter = interpreterOf(source, segments, voice);
  const dynamic = readDynamic(source, header, segments, image, budget, voice);
  if (sections.length === 0) voice.say('no-sections', 'medium', 0.7, 0, 'It has no section headers: tools that go by them see nothing', evasion);
  const read = dynamic === null ? null : readDynamicParts(ground, image, dynamic, interpreter);
  checkDisagreements({ sections, image, dynamic, symbols: read?.symbols ?? null, voice }, budget);
  const program = header.type === 'executable' || (read?.program ?? interpreter !== null);
  const { dependencies, constructors, relocated, meets } = read ?? { dependencies: null, constructors: null, relocated: null, meets: null };
  const starts = [...header.entry === 0 ? [] : [header.entry], ...constructors?.addresses ?? [], ...constructors?.lastAddresses ?? [], ...meets?.functions ?? []].flatMap(address => image.place(address, 1) ?? []);
  const loadable = { interpreter, program, dependencies, constructors, relocated, meets, starts: starts.sort((one, other) => one - other) };
  checkPacking(source, header, segments, meets?.imports ?? 0, budget, voice);
  judge(loadable, sections, voice);
  return loadable;
}

/** Its executable segments have no bytes here (objcopy --only-keep-debug): nothing of it can run. */
const isDebugFile = ({ loads }: Image, sections: readonly Section[]): boolean =>
  sections.length > 0 && loads.some(({ execute }) => execute) && loads.every(({ execute, fileBytes }) => !execute || fileBytes === 0);

function interpreterOf(source: Source, segments: readonly Segment[], voice: Voice): string | null {
  const segment = segments.find(({ type }) => type === segmentTypes.interpreter);
  if (segment === undefined) return null;
  const text = Buffer.from(Uint8Array.from(source.read(segment.offset, Math.min(segment.fileBytes, 4_096))).buffer).toString('latin1').split('\0', 1)[0] ?? '';
  if (!/^\/(?:lib|lib32|lib64|libx32|usr|libexec|nix\/store|gnu\/store|system)\//.test(text)) voice.say('interpreter', 'high', 0.8, segment.offset, `The kernel is to start it by ${quoted(text)}, which is no loader of a system`, ['T1574.006']);
  return quoted(text, 200).slice(1, -1);
}

function readDynamicParts({ source, report: { budget }, header, sections, voice }: Ground, image: Image, dynamic: Dynamic, interpreter: string | null) {
  const dependencies = readDependencies(dynamic, image, voice);
  const program = header.type === 'executable' || ((dynamic.get('flags1') ?? 0) & placeable) !== 0 || (interpreter !== null && dependencies.soname === undefined);
  const relocated = readRelocations(source, header, dynamic, image, constructorArrays(dynamic, header), budget, voice);
  const count = Math.max(hashedSymbols(source, header, dynamic, image, budget, voice), relocated.highestSymbol === 0 ? 0 : relocated.highestSymbol + 1);
  const symbols = openSymbols(source, header, dynamic, image, Math.max(count, withinImage(image, header, dynamic, shownSymbols(sections, dynamic))), budget, voice);
  const constructors = readConstructors({ source, header, dynamic, image, relocated, symbols, voice }, program);
  if (symbols !== null) checkVersions(source, header, dynamic, image, symbols, budget, voice);
  return { dependencies, program, relocated, symbols, constructors, meets: symbols === null ? null : readInterface(symbols, constructors, image, voice) };
}

/** The section headers' word counts only as far as the loader has the symbols too. */
function withinImage(image: Image, { shape }: Header, dynamic: Dynamic, shown: number): number {
  const address = dynamic.get('symbols');
  return address === undefined ? 0 : Math.min(shown, Math.floor(image.room(address) / (shape.wide ? 24 : 16)));
}
