import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { readContent } from './zip-content.ts';
import { descriptorBytes } from './zip-descriptor.ts';
import { readLocal } from './zip-header.ts';
import type { Member } from './zip-member.ts';
import { walkMembers } from './zip-walk.ts';
import type { Walk } from './zip-walk.ts';

/**
 * Reads the content of all members in the order in which they lie, and holds the row of them against the file: what two
 * members share, and what no member has, up to the directory at `end`. Every byte is counted once as understood or told.
 */
export function readRow(source: Source, members: readonly Member[], end: number, walk: Walk) {
  const { report, voice, look } = walk;
  const row = [...members].sort((one, other) => one.at - other.at);
  let covered = 0;
  for (const [index, member] of row.entries()) {
    if (member.at > covered) readGap(source, covered, Math.min(member.at, end), walk);
    const where = { offset: member.at, member: member.shown };
    const next = Math.min(row[index + 1]?.at ?? end, end);
    if (member.at < covered) {
      voice.say('zip.overlap', 'high', 'The member shares bytes with another one', where, ['AML.T0076', 'T1499']);
      // A few bytes can be told as a hundred thousand members: they are paid for each time.
      report.budget.unpack(member.packed);
    }
    const read = readContent(source, member, report, voice, look);
    const stop = member.dataAt + member.packed + (read ? descriptorBytes(source, member, next, voice) : 0);
    if (stop > end) voice.say('zip.overlap', 'high', 'The member reaches into the directory', where, ['AML.T0076']);
    const counted = read ? Math.min(stop, end) : Math.min(member.dataAt, end);
    report.parsed(Math.max(0, counted - Math.max(member.at, covered)));
    // What was skipped or lies twice is no gap.
    covered = Math.max(covered, Math.min(stop, end));
  }
  if (covered < end) readGap(source, covered, end, walk);
}

/** Bytes that no member of the directory has. Readers of streams find the members in them. */
function readGap(source: Source, from: number, to: number, walk: Walk) {
  const { report, voice } = walk;
  let at = from;
  if (readLocal(source, from) !== null) {
    at = walkMembers(source, from, to, {
      ...walk,
      told: member => voice.say('zip.hidden-member', 'high', 'The member is not in the directory: only readers of streams see it', { offset: member.at, member: member.shown }, ['AML.T0076', 'T1564']),
    });
  }
  if (at >= to) return;
  const [rule, what] = from === 0 ? ['zip.prefix', 'stand in front of the first member: readers of streams see no archive'] as const : ['zip.gap', 'lie between the members'] as const;
  voice.say(rule, from === 0 ? 'high' : 'medium', `${to - at} bytes ${what}`, { offset: at, length: to - at }, ['AML.T0076', 'T1027.009']);
  report.skipped({ offset: at, length: to - at, why: 'no part of a member' });
  report.nested(`bytes-at-${at}`, slice(source, at, to - at));
}
