import { quoted } from '../quote.ts';
import type { RequirementVoice } from './requirement-voice.ts';

const marks: readonly (readonly [readonly number[], 'utf-8' | 'utf-16le' | 'utf-16be' | null, string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8', 'UTF-8'], [[0xff, 0xfe, 0, 0], null, 'UTF-32'], [[0, 0, 0xfe, 0xff], null, 'UTF-32'], [[0xff, 0xfe], 'utf-16le', 'UTF-16'], [[0xfe, 0xff], 'utf-16be', 'UTF-16'],
];
const plainNames = /^(?:utf[-_]?8(?:[-_]sig)?|(?:us[-_])?ascii|latin[-_]?1|iso[-_]?8859[-_]?1)$/i;

/** As pip decodes (pip._internal.utils.encoding.auto_decode): by the mark, by a declaration in the first two lines, as the machine is set up. */
export function decodeRequirements(bytes: Uint8Array, voice: RequirementVoice): string {
  const mark = marks.find(([start]) => start.every((byte, index) => bytes[index] === byte));
  const hidden = ['T1027', 'T1195.001'];
  if (mark && mark[1] !== 'utf-8') voice('encoding', 'high', 1, `It is ${mark[2]}, which pip reads and most who look at it do not`, hidden);
  const declared = mark ? null : declaredEncoding(bytes);
  if (declared && !plainNames.test(declared.name)) voice('encoding', 'high', declared.line, `It declares the encoding ${quoted(declared.name)}: what is read is not what pip installs`, hidden);
  let text: string;
  try { text = new TextDecoder(mark?.[1] ?? 'utf-8', { fatal: true }).decode(bytes); } catch {
    // Another encoding: what can be read of it is.
    voice('encoding', 'medium', 1, 'It is not UTF-8: what pip reads depends on the machine', hidden);
    text = Buffer.from(bytes).toString('latin1');
  }
  if (/[\0-\x08\x0e-\x1f\x7f]/.test(text)) voice('control', 'medium', 1, 'A control character stands in it', ['T1027']);
  if (/[\u200b-\u200f\u202a-\u202e\u2060-\u2069]/.test(text)) voice('bidi', 'medium', 1, 'Invisible characters or direction controls stand in it', ['T1036.002']);
  // As str.splitlines, which also ends lines where few who show it do.
  if (/[\v\f\x1c-\x1e\x85\u2028\u2029]|\r(?!\n)/.test(text)) voice('newline', 'medium', 1, 'A line ends by a character that few show as the end of one', hidden);
  return text.replace(/\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]/g, '\n');
}

function declaredEncoding(bytes: Uint8Array): { readonly name: string; readonly line: number } | null {
  const lines = Buffer.from(bytes.subarray(0, 4_096)).toString('latin1').split('\n', 2);
  for (const [index, line] of lines.entries()) {
    const name = line.startsWith('#') ? /coding[:=]\s*([-\w.]+)/.exec(line)?.[1] : undefined;
    if (name !== undefined) return { name, line: index + 1 };
  }
  return null;
}
