import { kindOf } from '../kind.ts';
import { sourceOf } from '../source.ts';
import { decoderOf } from './codecs.ts';
import type { Node } from './grammar.ts';
import type { Suspicions } from './suspicions.ts';

const shortest = 1_024;
const most = 20;
const carried = new Set(['elf', 'pe', 'mach-o', 'java-class', 'script', 'pickle', 'zip', 'gzip', 'python-source']);

/** A long literal in an encoding: data that nobody reads. What it decodes to is looked at. */
export function lookAtLiteral(node: Node, { report, voice, program, evaluator, seen }: Suspicions) {
  if (node.to - node.from < shortest || seen.size > most) return;
  const value = evaluator.value(node);
  if (value.kind !== 'text' || value.text.length < shortest) return;
  const plain = value.text.replace(/\s+/g, '');
  report.budget.spend(plain.length / 20);
  const isHex = /^[\da-fA-F]+$/.test(plain);
  const isBase64 = !isHex && /^[\w+/=-]+$/.test(plain) && /[A-Z]/.test(plain) && /[a-z]/.test(plain) && /\d/.test(plain);
  const isBinary = value.bytes && binaryShare(value.text) > 0.3;
  if (!isHex && !isBase64 && !isBinary) return;
  if (entropy(plain) < (isHex ? 3.2 : 4.8)) return;
  seen.add(node);
  const line = program.lineOf(node.from);
  const bytes = isBinary ? value.text : decoderOf(isHex ? 'binascii.unhexlify' : 'base64.b64decode')?.(isHex ? plain : plain.replaceAll('-', '+').replaceAll('_', '/'), report.budget) ?? '';
  const content = Uint8Array.from(Buffer.from(bytes, 'latin1'));
  const { format } = kindOf('', content);
  if (!carried.has(format)) {
    voice.does('encoded-literal', 'import', line, `holds ${value.text.length} letters of encoded data`);
    return;
  }
  voice.does('encoded-content', 'import', line, `holds ${value.text.length} letters of encoded data which decode to ${format}`);
  report.nested(`literal-at-line-${line}`, sourceOf(content));
}

function binaryShare(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) { const code = text.charCodeAt(at); if (code < 9 || (code > 13 && code < 32) || code > 126) count += 1; }
  return count / text.length;
}

/** Bits a letter, of the first 64 KiB. */
function entropy(text: string): number {
  const part = text.slice(0, 65_536);
  const counts = new Map<number, number>();
  for (let at = 0; at < part.length; at++) { const code = part.charCodeAt(at); counts.set(code, (counts.get(code) ?? 0) + 1); }
  let bits = 0;
  for (const count of counts.values()) bits -= count / part.length * Math.log2(count / part.length);
  return bits;
}
