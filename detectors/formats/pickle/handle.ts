import { noteFlaw } from '../ndarray/flaws.ts';
import type { ArrayRecord } from '../ndarray/record.ts';
import { readRecord } from '../ndarray/record.ts';
import { quoted } from '../quote.ts';
import type { Report, Where } from '../report.ts';
import { BudgetError } from '../report.ts';
import type { Source } from '../source.ts';
import { contentOf } from './content.ts';
import type { Place } from './listener.ts';
import type { Extent } from './values.ts';

/**
 * The array record in a handle goes to the container's record parser, which reads it through a window, however large it is.
 * The same bytes are looked at once, however many arrays share them.
 */
export function recordInspector(source: Source, report: Report): (extent: Extent, place: Place) => readonly number[] | null {
  const seen = new Map<number, readonly number[] | null>();
  const layouts = new Set<boolean>();
  return (extent, place) => {
    const known = seen.get(extent.at);
    if (known !== undefined) return known;
    const where = { offset: extent.at, length: extent.length, opcode: place.opcode };
    const isEscaped = extent.form === 'string-escape' && extent.size !== extent.length;
    if (isEscaped) report.skipped({ ...where, why: 'an array in a text with escapes of Python 2' });
    const found = isEscaped ? null : inspectHandle(contentOf(extent, source), report, where, extent.form === 'plain');
    const shape = found?.shape.map(Number) ?? null;
    seen.set(extent.at, shape);
    if (found === null || layouts.has(found.layout === 'V3')) return shape;
    layouts.add(found.layout === 'V3');
    if (layouts.size > 1) report.note({ rule: 'pickle.mixed-layouts', severity: 'medium', confidence: 0.8, techniques: ['AML.T0010.003'], where, message: 'Arrays in the layout of numpy mode stand beside others: no process can load both' });
    return shape;
  };
}

/** MXNDArrayLoadFromRawBytes ignores what follows the record. `exact`: an offset in the record is one in the file. */
function inspectHandle(content: Source, report: Report, where: Where, exact: boolean): Pick<ArrayRecord, 'layout' | 'shape'> | null {
  const inner: Report = {
    ...report,
    note: note => { report.note({ ...note, where: { ...where, offset: (where.offset ?? 0) + (exact ? note.where.offset ?? 0 : 0) } }); },
    skipped: what => { report.skipped({ ...what, offset: (where.offset ?? 0) + (exact ? what.offset : 0) }); },
    parsed: () => { /* The opcode that holds the record counts its own bytes. */ },
  };
  try {
    const { end, layout, shape } = readRecord(content, 0, inner, 'The pickled array');
    if (end < content.size) noteFlaw(inner, 'handle-tail', end, `The pickled array is followed by ${content.size - end} bytes that the loader ignores`, quoted(Uint8Array.from(content.read(end, 48)), 160));
    return { layout, shape };
  } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    report.malformed();
    report.note({ rule: 'ndarray.malformed', severity: 'medium', confidence: 0.8, techniques: ['AML.T0076'], where, message: `A pickled array is no array record: ${error.message.slice(0, 300)}` });
    return null;
  }
}
