import { inBrief } from '../brevity.ts';
import { defineFormat } from '../format.ts';
import type { Format, Probe } from '../format.ts';
import type { Report } from '../report.ts';
import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { kindOf } from '../kind.ts';
import { createMemberSet } from './member-set.ts';
import { createPackage } from './package.ts';
import { createVoice } from './voice.ts';
import type { Voice } from './voice.ts';
import { readDirectory } from './zip-directory.ts';
import { endsAsZip, findEnd } from './zip-end.ts';
import type { End } from './zip-end.ts';
import { readRow } from './zip-layout.ts';
import { judgeComment, readMember } from './zip-member.ts';
import type { Member } from './zip-member.ts';
import { walkMembers } from './zip-walk.ts';
import type { Walk } from './zip-walk.ts';

const isZip = ({ head, tail, size }: Probe): boolean => (head[0] === 0x50 && head[1] === 0x4b && [0x0304, 0x0506, 0x0708].includes((head[2] ?? 0) * 256 + (head[3] ?? 0))) || endsAsZip(tail, size);
const isNpz = ({ name, head }: Probe): boolean => /\.npz$/i.test(name) || kindOf(name, head).format === 'npz';

/** Zip archives and what is made of them: model archives of Multi Model Server (`.mar`, `.model`), wheels, jars. */
export const zip: Format = defineFormat({ name: 'zip', fits: probe => isZip(probe) && !isNpz(probe), inspect: inBrief((source, report, name) => inspectZip(source, report, name, false)) });

/** Archives of numpy.savez, which MXNet 2.x writes and reads as parameters. */
export const npz: Format = defineFormat({ name: 'npz', fits: probe => isZip(probe) && isNpz(probe), inspect: inBrief((source, report, name) => inspectZip(source, report, name, true)) });

/** Unpacked, and how many times the archive's own size: no model is packed so well. */
const [bombBytes, bombRatio] = [2 ** 30, 100];

/**
 * Reads the archive as both kinds of readers do: by the directory at its end, and by the headers in front of the members;
 * whatever the two would see differently is told. Throws RangeError for what is no zip, BudgetError.
 */
function inspectZip(source: Source, report: Report, name: string, numpy: boolean) {
  const voice = createVoice(report);
  const found = createPackage({ name, numpy });
  const walk: Walk = { report, voice, look: found.look, told: () => {} };
  const end = findEnd(source, voice);
  if (!end) { readWithoutEnd(source, { ...walk, told: found.add }); found.judge(report, voice); return; }
  const members = readMembers(source, end, report, voice);
  for (const member of members) found.add(member);
  judgeSize(source, members, voice);
  readRow(source, members, end.directoryAt, walk);
  report.parsed(end.end - end.directoryAt);
  readEnd(source, end, report, voice);
  found.judge(report, voice);
  report.inventory('archive', { members: members.length, unpacked: members.reduce((sum, { size }) => sum + size, 0) });
}

function readMembers(source: Source, end: End, report: Report, voice: Voice): Member[] {
  const set = createMemberSet();
  const members: Member[] = [];
  for (const entry of readDirectory(source, end, report.budget, voice)) {
    const member = readMember(source, entry, end.base, voice);
    if (!member) { report.malformed(); continue; }
    report.budget.spend(20 + (entry.bytes + member.dataAt - member.at) / 50);
    for (const flaw of set.add(member.name, member.kind)) voice.flaw(flaw, { offset: entry.at, member: member.shown });
    members.push(member);
  }
  return members;
}

function judgeSize(source: Source, members: readonly Member[], { say }: Voice) {
  const unpacked = members.reduce((sum, { size }) => sum + size, 0);
  if (unpacked > bombBytes && unpacked > source.size * bombRatio) say('zip.bomb', 'high', `The members unpack to ${unpacked} bytes, ${Math.round(unpacked / source.size)} times the archive`, { offset: 0 }, ['T1499']);
}

/** The comment, and what follows it. */
function readEnd(source: Source, end: End, report: Report, voice: Voice) {
  if (end.end > end.commentAt) judgeComment(Uint8Array.from(source.read(end.commentAt, end.end - end.commentAt)), { offset: end.commentAt }, voice.say);
  const left = source.size - end.end;
  if (left === 0) return;
  voice.say('zip.trailing', 'high', `${left} bytes follow the end of the archive`, { offset: end.end, length: left }, ['AML.T0076', 'T1027.009']);
  report.skipped({ offset: end.end, length: left, why: 'behind the end of the archive' });
  report.nested('trailing', slice(source, end.end, left));
}

/** A reader of streams needs no directory; one that was cut off has none either. */
function readWithoutEnd(source: Source, walk: Walk) {
  const end = walkMembers(source, 0, source.size, walk);
  if (end === 0) throw new RangeError('it has neither an end record nor a member at its beginning');
  walk.report.malformed();
  walk.voice.say('zip.no-directory', 'medium', 'The archive has no end record: only readers of streams, such as that of Multi Model Server, find its members', { offset: end });
  walk.report.parsed(end);
  if (end < source.size) walk.report.skipped({ offset: end, length: source.size - end, why: 'no member stands here' });
}
