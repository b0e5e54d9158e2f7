import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { widthOf } from './dtype.ts';
import type { DType } from './dtype.ts';
import { hidesText } from './layout.ts';
import type { Lane } from './layout.ts';
import { glanceBytes, headerBytes, isPromising, recognise } from './recognise.ts';

/** The values of one array in its file. `label` begins a sentence: "Array 3". */
export interface Values { readonly offset: number; readonly bytes: number; readonly dtype: DType; readonly label: string }

/** Decides what of the candidates in one array is real, and tells it. Places are offsets in a lane. */
export interface Search {
  /** Nothing more will be told of this array: looking further is in vain. */
  readonly over: boolean;
  /** `block` is what is in memory of the array, from byte `start` of it on: most candidates come to nothing there. */
  consider(lane: Lane, at: number, block: Uint8Array, start: number): void;
  /** Text may stand in [at, at + length). */
  considerText(lane: Lane, at: number, length: number): void;
  /** More candidates were found than were kept. */
  overflow(lane: Lane, at: number): void;
}

/** More of one array is repetition. */
const mostTold = 8;

export function createSearch(source: Source, report: Report, values: Values): Search {
  const width = widthOf(values.dtype);
  let [told, text, lastTold] = [0, false, -Infinity];
  // What seems real at a glance, and what not: to follow the first is dear. One value over and over makes one half of the second.
  let [doubts, glances] = [1_000 + values.bytes / 4_096, 100_000 + values.bytes / 2];
  const tell = ({ taken, swapped }: Lane, at: number, { rule, what, severity, techniques, evidence }: Telling) => {
    told += 1;
    const offset = values.offset + (taken === width ? at : Math.floor(at / taken) * width);
    const place = taken === width ? 'the values' : `the low ${taken === 1 ? 'byte' : `${taken} bytes`} of each ${width}-byte value${swapped ? ', the higher one first' : ''}`;
    report.note({
      rule, severity, techniques, confidence: severity === 'high' ? 0.95 : 0.7, where: { offset }, evidence,
      message: `${values.label} holds ${what}, at byte ${offset} in ${place}${told === mostTold ? '; the rest of it was not searched' : ''}`,
    });
  };
  const peek = (lane: Lane, at: number, length: number) => peekInto(source, values, lane, at, length);
  const tellDecoys = (lane: Lane, at: number) => tell(lane, at, {
    rule: 'weights.decoys', severity: 'medium', techniques: ['T1027.001'], evidence: '',
    what: 'more beginnings of programs and archives than data has by chance; not all of them were followed, and one may be real',
  });
  const isOver = (): boolean => told >= mostTold || doubts < 0 || glances < 0;
  return {
    get over() { return isOver(); },
    consider(lane, at, block, start) {
      if (isOver()) return;
      report.budget.spend(1);
      glances -= 1;
      if (glances < 0) { tellDecoys(lane, at); return; }
      if (!isPromising(glanceInto(block, start, width, lane, at) ?? peek(lane, at, glanceBytes))) return;
      report.budget.spend(10);
      doubts -= 1;
      if (doubts < 0) { tellDecoys(lane, at); return; }
      const bytes = peek(lane, at, headerBytes);
      const found = recognise(bytes);
      const value = Math.floor(at / lane.taken);
      // The same bytes, read in another way.
      if (!found || Math.abs(value - lastTold) <= 1) return;
      lastTold = value;
      tell(lane, at, { ...found, rule: `weights.${found.kind}`, evidence: quoted(bytes.subarray(0, 48), 160) });
    },
    considerText(lane, at, length) {
      // Text in all bytes is text in some of them: it is told once.
      if (isOver() || text || !hidesText(values.dtype)) return;
      const bytes = peek(lane, Math.max(0, at), Math.min(length, 4_096));
      text = isText(bytes);
      if (text) tell(lane, Math.max(0, at), { rule: 'weights.text', what: 'text, which may be source code', severity: 'medium', techniques: ['AML.T0018.002', 'T1027.009'], evidence: quoted(bytes.subarray(0, 120), 160) });
    },
    overflow(lane, at) {
      if (isOver()) return;
      doubts = -1;
      tellDecoys(lane, at);
    },
  };
}

interface Telling { readonly rule: string; readonly what: string; readonly severity: Severity; readonly techniques: readonly string[]; readonly evidence: string }

/** Nearly all of it can be read, it has letters, more of them than a few repeated values have, and it does not count. */
function isText(bytes: Uint8Array): boolean {
  const readable = bytes.filter(byte => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
  const letters = readable.filter(byte => /[a-z]/i.test(String.fromCharCode(byte)));
  if (readable.length < bytes.length * 0.95 || letters.length < bytes.length * 0.3 || new Set(letters).size < 10) return false;
  return [1, 2, 3, 4].every(distance => commonestStep(bytes, distance) < bytes.length * 0.3);
}

/** In numbers that grow evenly one difference between bytes a value apart prevails; in text none does. */
function commonestStep(bytes: Uint8Array, distance: number): number {
  const steps = new Uint32Array(256);
  for (let at = distance; at < bytes.length; at++) {
    const step = (bytes[at] ?? 0) - (bytes[at - distance] ?? 0) & 0xff;
    steps[step] = (steps[step] ?? 0) + 1;
  }
  return Math.max(...steps);
}

/** The lowest `taken` bytes of each little-endian value of `width` bytes, one value after another. */
export function gather(bytes: Uint8Array, width: number, { taken, swapped }: Lane, into: Uint8Array = new Uint8Array(Math.floor(bytes.length / width) * taken)): Uint8Array {
  for (let at = 0, to = 0; at + width <= bytes.length; at += width) {
    for (let index = 0; index < taken; index++) into[to++] = bytes[at + (swapped ? taken - 1 - index : index)] ?? 0;
  }
  return into;
}

/** The same of a whole block, which is aligned to its values, in file order, and in another buffer: every byte of the weights comes by here. */
export function gatherBlock({ buffer, byteOffset, length }: Uint8Array, width: number, taken: number, into: Uint8Array) {
  // A conversion cuts off all but the lowest byte, and is done by the engine at once.
  if (taken === 1 && width === 2) into.set(new Uint16Array(buffer, byteOffset, length / 2));
  else if (taken === 1 && width === 4) into.set(new Uint32Array(buffer, byteOffset, length / 4));
  else if (taken === 6) copyThree(new Uint16Array(buffer, byteOffset, length / 2), new Uint16Array(into.buffer, into.byteOffset, into.length / 2));
  else {
    const words = new Uint32Array(buffer, byteOffset, length / 4);
    const target = taken === 1 ? into : taken === 2 ? new Uint16Array(into.buffer, into.byteOffset, into.length / 2) : new Uint32Array(into.buffer, into.byteOffset, into.length / 4);
    target.set(lowerHalves(words));
  }
}

const lower = new Uint32Array(8_192);

/** The lower words of values of eight bytes. */
function lowerHalves(words: Uint32Array): Uint32Array {
  const count = words.length / 2;
  for (let index = 0; index < count; index++) lower[index] = words[2 * index] ?? 0;
  return lower.subarray(0, count);
}

function copyThree(halves: Uint16Array, into: Uint16Array) {
  for (let at = 0, to = 0; to < into.length; at += 4, to += 3) {
    into[to] = halves[at] ?? 0;
    into[to + 1] = halves[at + 1] ?? 0;
    into[to + 2] = halves[at + 2] ?? 0;
  }
}

/** The values that hold [at, at + length) of a lane: first, and how many. */
const span = (lane: Lane, at: number, length: number) => ({ first: Math.floor(at / lane.taken), count: Math.ceil(length / lane.taken) + 1 });

/** A few bytes of a lane from a block in memory; null when it does not have them all. */
function glanceInto(block: Uint8Array, start: number, width: number, lane: Lane, at: number): Uint8Array | null {
  const { first, count } = span(lane, at, glanceBytes);
  const from = first * width - start;
  if (from < 0 || from + count * width > block.length) return null;
  return gather(block.subarray(from, from + count * width), width, lane).subarray(at - first * lane.taken, at - first * lane.taken + glanceBytes);
}

/** Bytes of a lane from the file itself, up to the end of the array. */
function peekInto(source: Source, { offset, bytes, dtype }: Values, lane: Lane, at: number, length: number): Uint8Array {
  const width = widthOf(dtype);
  const { first, count } = span(lane, at, length);
  const read = source.read(offset + first * width, Math.min(count * width, bytes - first * width));
  return gather(read, width, lane).subarray(at - first * lane.taken, at - first * lane.taken + length);
}
