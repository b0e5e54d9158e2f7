import { createHash } from 'node:crypto';
import type { Severity } from '../../../agent/contract/finding.ts';
import { defineFormat } from '../format.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { readValues } from '../weights/values.ts';
import { parseDescr } from './descr.ts';
import type { Descr } from './descr.ts';
import { checkDimensions, parseHeader } from './header.ts';
import type { NpyHeader } from './header.ts';

/** Files of numpy.save, which MXNet 2.x loads (src/serialization/cnpy.cc); 1.x refuses them. */
export const npy = defineFormat({
  name: 'npy',
  // As 2.x tells it: by four bytes.
  fits: ({ head }) => head[0] === 0x93 && head[1] === 0x4e && head[2] === 0x55 && head[3] === 0x4d,
  inspect: inspectNpy,
});

/** numpy itself refuses longer ones unless told otherwise. */
const longestHeader = 10_000;

/** One array, as a file or as a member of an npz. Throws RangeError for what is no .npy file, BudgetError. */
export function inspectNpy(source: Source, report: Report, _name: string): void {
  const { start, text } = readStart(source, report);
  const header = parseHeader(text);
  checkDimensions(header.shape);
  const descr = header.fields ? fieldsOf(header.descr) : parseDescr(header.descr);
  if (descr === null) throw new RangeError(`the type ${quoted(header.descr)} does not exist`);
  report.parsed(start);
  if (descr.object) return readObjects(source, report, start, header.descr);
  checkType(report, header, descr);
  if (header.fields) return passFields(source, report, start);
  const bytes = sizeOf(report, header, descr);
  const left = source.size - start;
  if (bytes > left) throw new RangeError(`the array needs ${bytes} bytes and has ${left}: MXNet 2.x fills the rest with whatever is in memory`);
  readArray(source, report, start, bytes, header, descr);
  if (bytes < left) readTail(source, report, start + bytes);
}

function readStart(source: Source, report: Report): { readonly start: number; readonly text: string } {
  const head = Uint8Array.from(source.read(0, longestHeader + 12));
  const view = new DataView(head.buffer, 0, head.length);
  if (head.length < 12 || String.fromCharCode(...head.subarray(1, 6)) !== 'NUMPY') throw new RangeError('the signature is not that of numpy');
  const [major, minor] = [head[6] ?? 0, head[7] ?? 0];
  if (major < 1 || major > 3 || minor !== 0) throw new RangeError(`version ${major}.${minor} does not exist`);
  const [first, length] = major === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (length > longestHeader || first + length > head.length) throw new RangeError(`the header claims ${length} bytes`);
  if (length >= 128) {
    tell(report, 'header-length', 'medium', 8, `The header has ${length} bytes: MXNet 2.x uses only the low byte of that number, with its sign, and may ask for 4 GiB`, ['T1499.004']);
  }
  const content = head.subarray(first, first + length);
  const text = major === 3 ? new TextDecoder().decode(content) : String.fromCharCode(...content);
  return { start: first + length, text: text.replace(/[ \n]+$/, '') };
}

/** Fields may hide objects at any depth; MXNet takes none of them. */
function fieldsOf(text: string): Descr {
  return { dtype: null, width: 0, foreignOrder: false, object: /"[<>|=]?O\d*"/.test(text) };
}

function readObjects(source: Source, report: Report, start: number, descr: string) {
  tell(report, 'object', 'critical', start, `The array is of Python objects (${quoted(descr)}): its data is a pickle, which runs code when numpy is allowed to load it`, ['AML.T0011.000', 'T1059.006']);
  report.skipped({ offset: start, length: source.size - start, why: 'a pickle in place of an array' });
  report.nested('objects', slice(source, start, source.size - start));
}

/** Records of several fields are searched, not understood. */
function passFields(source: Source, report: Report, start: number) {
  report.skipped({ offset: start, length: source.size - start, why: 'an array with fields' });
  readValues(source, { offset: start, bytes: source.size - start, dtype: 'uint8', label: 'The array' }, createHash('sha256'), report);
}

function checkType(report: Report, { descr, fields, fortranOrder }: NpyHeader, { dtype, foreignOrder }: Descr) {
  if (fields) tell(report, 'fields', 'medium', 10, `The array has fields (${quoted(descr)}), which MXNet does not read`, ['AML.T0076']);
  else if (dtype === null) tell(report, 'dtype', 'medium', 10, `The array is of type ${quoted(descr)}, which MXNet does not read`, ['AML.T0076']);
  if (foreignOrder) tell(report, 'byte-order', 'medium', 10, `The array is big-endian (${quoted(descr)}), which MXNet does not read`, ['AML.T0076']);
  if (fortranOrder) tell(report, 'fortran-order', 'info', 10, 'The array is in Fortran order: the first dimension varies fastest', []);
}

function sizeOf(report: Report, { shape, descr }: NpyHeader, { width }: Descr): number {
  const bytes = shape.reduce((product, dimension) => product * dimension, BigInt(width));
  if (bytes >= 2n ** 63n) {
    tell(report, 'size-overflow', 'critical', 10, `The array has ${shape.join(' × ')} values of type ${quoted(descr)}: a 64-bit size wraps around, and less is reserved than may be read`, ['T1203', 'AML.T0011.000']);
    throw new RangeError('an array beyond 63 bits');
  }
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : Infinity;
}

function readArray(source: Source, report: Report, offset: number, bytes: number, { shape, descr }: NpyHeader, { dtype, foreignOrder }: Descr) {
  const hash = createHash('sha256');
  // What is no number for us is searched as bytes.
  const understood = foreignOrder ? null : dtype;
  const summary = readValues(source, { offset, bytes, dtype: understood ?? 'uint8', label: 'The array' }, hash, report);
  report.parsed(bytes);
  const { count, least, most, mean, deviations, nan, infinite } = summary;
  const numbers = understood !== null && count > 0 ? { min: least, max: most, mean, std: Math.sqrt(deviations / count), constant: nan + infinite === 0 && least === most } : {};
  report.inventory('array', { dtype: understood ?? quoted(descr), shape: shape.map(String), bytes, sha256: hash.digest('hex'), ...(understood === null ? {} : { nan, inf: infinite }), ...numbers });
}

function readTail(source: Source, report: Report, at: number) {
  const head = Uint8Array.from(source.read(at, 48));
  tell(report, 'trailing', 'medium', at, `After the array follow ${source.size - at} bytes that loaders ignore`, ['T1027.009', 'AML.T0018.002'], quoted(head, 160));
  report.skipped({ offset: at, length: source.size - at, why: 'bytes after the array' });
  readValues(source, { offset: at, bytes: source.size - at, dtype: 'uint8', label: `What follows byte ${at}` }, createHash('sha256'), report);
}

function tell(report: Report, rule: string, severity: Severity, offset: number, message: string, techniques: readonly string[], evidence?: string) {
  report.note({ rule: `npy.${rule}`, severity, confidence: 0.9, techniques, message, where: { offset }, ...(evidence === undefined ? {} : { evidence }) });
}
