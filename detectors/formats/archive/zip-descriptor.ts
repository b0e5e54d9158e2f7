import type { Source } from '../source.ts';
import type { Voice } from './voice.ts';
import { flag, method } from './zip-header.ts';
import type { Member } from './zip-member.ts';

const signature = 0x0807_4b50;
const pieceBytes = 1_048_576;

/**
 * Bytes of the data descriptor behind a member (APPNOTE.TXT 4.3.9), which has a signature or none and numbers of four bytes or of
 * eight. `next` is where the following record begins: of two readings that fit, the one that ends there is meant.
 */
export function descriptorBytes(source: Source, member: Member, next: number, { say }: Voice): number {
  if ((member.flags & flag.descriptor) === 0) return 0;
  const where = { offset: member.at, member: member.shown };
  const at = member.dataAt + member.packed;
  const bytes = Uint8Array.from(source.read(at, 24));
  const fitting = [true, false].flatMap(signed => [false, true].map(wide => ({ signed, wide, length: (signed ? 4 : 0) + (wide ? 20 : 12) }))).filter(form => fits(bytes, form, member));
  const form = fitting.find(({ length }) => at + length === next) ?? fitting[0];
  if (!form) {
    say('zip.descriptor', 'medium', 'The descriptor behind the member is missing or says something else than the directory', where);
    return 0;
  }
  if (form.wide && !member.wide && member.size < 2 ** 32 && member.packed < 2 ** 32) say('zip.descriptor', 'medium', 'The descriptor behind the member has wide numbers, which its header does not announce: readers of streams lose their place', where);
  if (!form.signed && member.crc32 === signature) say('zip.descriptor', 'medium', 'The checksum is the signature of a descriptor: readers of streams lose their place', where);
  if (member.method === method.stored && holdsSignature(source, member)) say('zip.descriptor', 'medium', 'The member is stored without its length in front and holds the signature of a descriptor: readers of streams see different content', where);
  return form.length;
}

function fits(bytes: Uint8Array, { signed, wide, length }: { readonly signed: boolean; readonly wide: boolean; readonly length: number }, { crc32, packed, size }: Member): boolean {
  if (bytes.length < length) return false;
  const view = new DataView(bytes.buffer);
  const at = signed ? 4 : 0;
  const number = (offset: number) => wide ? Number(view.getBigUint64(offset, true)) : view.getUint32(offset, true);
  return (!signed || view.getUint32(0, true) === signature) && view.getUint32(at, true) === crc32 && number(at + 4) === packed && number(at + (wide ? 12 : 8)) === size;
}

function holdsSignature(source: Source, { dataAt, packed }: Member): boolean {
  for (let done = 0; done < packed; done += pieceBytes) {
    const piece = source.read(dataAt + done, Math.min(pieceBytes + 3, packed - done));
    if (Buffer.from(piece.buffer, piece.byteOffset, piece.length).includes('PK\x07\x08', 0, 'latin1')) return true;
  }
  return false;
}
