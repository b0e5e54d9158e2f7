import { crc32 } from 'node:zlib';
import { BudgetError } from '../report.ts';
import type { Report } from '../report.ts';
import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { inflate } from './inflate.ts';
import { inspectContent } from './member-content.ts';
import type { Voice } from './voice.ts';
import { flag, method } from './zip-header.ts';
import { judgeLink, type Member } from './zip-member.ts';

/** What looks at each member that was unpacked without a fault, before its own parser does. */
export type Look = (member: Pick<Member, 'name' | 'shown'>, source: Source) => void;

const pieceBytes = 1_048_576;
const longestTarget = 4_096;

/**
 * Unpacks one member, checks size and sum, and hands it to the parser of its own format. False when it could not be read;
 * that is told and the bytes count as skipped.
 */
export function readContent(source: Source, member: Member, report: Report, voice: Voice, look: Look): boolean {
  const where = { offset: member.at, member: member.shown };
  const skip = (why: string): false => {
    report.skipped({ offset: member.dataAt, length: member.packed, why: `${why}: ${member.shown}`.slice(0, 200) });
    return false;
  };
  if ((member.flags & (flag.encrypted | flag.strong | flag.masked)) !== 0) {
    voice.say('zip.encrypted', 'medium', 'The member is encrypted and was not read', where, ['T1027']);
    return skip('encrypted');
  }
  if (member.method !== method.stored && member.method !== method.deflated) {
    voice.say('zip.method', 'medium', `The member is packed by method ${member.method}, which was not read`, where, ['AML.T0076']);
    return skip(`method ${member.method}`);
  }
  try {
    const content = unpack(source, member, report);
    hand(content, member, report, voice, look);
    return true;
  } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    report.malformed();
    voice.say('zip.broken-member', 'medium', `The member cannot be read: ${error.message.slice(0, 200)}`, where);
    return skip('broken');
  }
}

/** RangeError for content that is not as the headers say. */
function unpack(source: Source, { dataAt, packed, size, crc32: expected, method: packing }: Member, report: Report): Source {
  if (dataAt + packed > source.size) throw new RangeError(`${packed} bytes are claimed, and ${source.size - dataAt} are left`);
  const area = slice(source, dataAt, packed);
  if (packing === method.stored) {
    if (packed !== size) throw new RangeError(`it is stored as it is, in ${packed} bytes, and said to have ${size}`);
    if (sumOf(area, report) !== expected) throw new RangeError('the checksum is wrong');
    return area;
  }
  const content = inflate(area, 0, report.budget, size);
  if (content.size !== size) throw new RangeError(`it unpacks to ${content.size} bytes and is said to have ${size}`);
  if (content.crc32 !== expected) throw new RangeError('the checksum is wrong');
  if (content.consumed !== packed) throw new RangeError(`${packed - content.consumed} bytes follow its packed data`);
  return content.source;
}

function sumOf(area: Source, report: Report): number {
  let sum = 0;
  for (let at = 0; at < area.size; at += pieceBytes) {
    const piece = area.read(at, Math.min(pieceBytes, area.size - at));
    report.budget.spend(1 + piece.length / 2_000);
    sum = crc32(piece, sum);
  }
  return sum;
}

function hand(content: Source, member: Member, report: Report, voice: Voice, look: Look) {
  const where = { offset: member.at, member: member.shown };
  if (member.kind === 'link') {
    if (content.size > longestTarget) throw new RangeError(`a link whose target has ${content.size} bytes`);
    judgeLink(member.name, Uint8Array.from(content.read(0, longestTarget)), where, voice);
    return;
  }
  if (member.kind === 'folder' && content.size > 0) voice.say('zip.folder', 'medium', `The member is a folder by its name and has ${content.size} bytes of content`, where);
  report.budget.spend(20);
  look(member, content);
  inspectContent(member.name, content, report);
}
