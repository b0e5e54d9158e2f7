import { inBrief } from '../brevity.ts';
import { defineFormat, type Format } from '../format.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { buildIdOf } from './build-id.ts';
import { cover } from './coverage.ts';
import { type Header, readHeader } from './header.ts';
import type { Loadable } from './judgement.ts';
import { inspectLoadable } from './loadable.ts';
import { checkObject } from './objects.ts';
import { readSections, type Section, sectionTypes } from './sections.ts';
import { readSegments, type Segment } from './segments.ts';
import { hex } from './shape.ts';
import { createVoice } from './voice.ts';

/**
 * Programs and libraries of Linux (System V gABI; ld.so(8), elf(5)), read as the loader does. `mx.library.load` opens one
 * with dlopen, so that its constructors run before MXNet has looked at it. What its code does is not read.
 */
export const elf: Format = defineFormat({
  name: 'elf',
  fits: ({ head }) => [0x7f, 0x45, 0x4c, 0x46].every((byte, index) => head[index] === byte),
  inspect: inBrief((source, report) => {
    const voice = createVoice(report);
    const header = readHeader(source, voice);
    const segments = readSegments(source, header, report.budget);
    const sections = readSections(source, header, report.budget, voice);
    const loadable = header.type === 'shared' || header.type === 'executable' ? inspectLoadable({ source, report, header, segments, sections, voice }) : null;
    if (header.type === 'object' || header.type === 'core') checkObject(header, sections, voice);
    tell(source, report, header, segments, sections, loadable);
    cover(source, report, { header, segments, sections, starts: loadable?.starts ?? [] }, voice);
  }),
});

const mostSegments = 64;

function tell(source: Source, report: Report, header: Header, segments: readonly Segment[], sections: readonly Section[], loadable: Loadable | null) {
  const buildId = buildIdOf(source, header.shape, segments, report.budget);
  const symbols = sections.find(({ type }) => type === sectionTypes.symbols);
  report.inventory('file', {
    type: header.type, machine: header.machine.name, bits: header.shape.wide ? 64 : 32, order: header.shape.little ? 'little' : 'big', system: header.system,
    entry: hex(header.entry), ...buildId === undefined ? {} : { buildId }, sections: sections.length,
    symbols: symbols === undefined || symbols.entry === 0 ? 0 : Math.floor(symbols.bytes / symbols.entry),
  });
  report.inventory('segments', segments.slice(0, mostSegments).map(({ type, offset, address, fileBytes, memoryBytes, read, write, execute }) => ({
    type: hex(type), offset, address: hex(address), bytes: fileBytes, memory: memoryBytes, flags: `${read ? 'r' : ''}${write ? 'w' : ''}${execute ? 'x' : ''}`,
  })));
  if (loadable === null) return;
  const { interpreter, program, dependencies, constructors, relocated, meets } = loadable;
  report.inventory('library', {
    program, ...interpreter === null ? {} : { interpreter }, ...dependencies,
    ...constructors === null ? {} : { constructors: { init: constructors.init !== null, fini: constructors.fini, initArray: constructors.initArray, preinitArray: constructors.preinitArray, finiArray: constructors.finiArray } },
    ...relocated === null ? {} : { relocations: relocated.count, indirectRelocations: relocated.indirect },
    ...meets === null ? {} : {
      imports: meets.imports, exports: meets.exports, indirectFunctions: meets.indirect, entryPoints: [...meets.entryPoints],
      asksFor: Object.fromEntries([...meets.dangerous].map(([{ rule }, names]) => [rule, [...names]])),
    },
  });
}
