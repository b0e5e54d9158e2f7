import { readText } from '../../../agent/contract/text.ts';
import { inBrief } from '../brevity.ts';
import { defineFormat, type Format } from '../format.ts';
import { kindOf } from '../kind.ts';
import { BudgetError, type Report } from '../report.ts';
import type { Source } from '../source.ts';
import { device, type MemberFlaw, pipe, setgidBit, setuid, setuidBit } from './member-flaw.ts';
import { judgeName } from './member-name.ts';
import { createMemberSet } from './member-set.ts';
import { createServing } from './sagemaker.ts';
import { inspectContent } from './member-content.ts';
import { createTell, type Tell } from './tar-flaws.ts';
import { blockBytes, isZero, readHeader } from './tar-header.ts';
import { createLinks, type Links } from './tar-links.ts';
import type { Kind, Member } from './tar-member.ts';
import { walk } from './tar-walk.ts';

/** PATH_MAX: what is longer is told, and can be neither unpacked nor followed. */
const longestName = 4_096;
/** Of all names that are kept; some hundred thousand members have a tenth of it. */
const mostNameBytes = 33_554_432;

/**
 * Tar: v7, ustar, pax and GNU. Every member's name, place, mode and link is judged as if an unpacker without a filter wrote
 * it to disk (Python's tarfile before 3.14, GNU tar with -P), and its content goes through its own parser.
 */
export const tar: Format = defineFormat({
  name: 'tar',
  fits: ({ name, head }) => (head.length >= blockBytes && readHeader(head.subarray(0, blockBytes)) !== null) || (/\.tar$/i.test(name) && ['tar', 'unknown', 'text'].includes(kindOf(name, head).format)),
  inspect: inBrief((source, report) => {
    const tell = createTell(report);
    const { judge, links } = createJudge(report, tell);
    const serving = createServing(report);
    const counts: Record<Kind, number> = { 'file': 0, 'hard-link': 0, 'link': 0, 'folder': 0, 'device': 0, 'pipe': 0, 'label': 0 };
    let bytes = 0;
    for (const member of walk(source, report, tell)) {
      report.budget.spend(10);
      counts[member.kind] += 1;
      bytes += member.size;
      judge(member);
      if (member.kind !== 'file') continue;
      serving.look(Buffer.from(member.name).toString(), member.at);
      // Holes are unpacked out of nothing.
      report.budget.unpack(Math.max(0, member.content.size - member.size));
      inspectContent(member.name, member.content, report);
      judgePadding(member, source, tell);
    }
    if (links.count() > 0) tell('links', 0, `The archive has ${links.count()} links`);
    serving.end();
    report.inventory('archive', { ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)), bytes });
  }),
});

/** What is wrong with its name, place, mode and links; all places but those of overlong names are kept. */
function createJudge(report: Report, tell: Tell): { judge(member: Member): void; readonly links: Links } {
  const set = createMemberSet();
  const say = (flaw: MemberFlaw, name: Uint8Array, at: number) => { report.note({ ...flaw, where: { offset: at, member: readText(name, 1_024) } }); };
  const links = createLinks(report.budget, tell, say);
  let bytes = 0;
  return {
    links,
    judge({ kind, name, link, mode, at }) {
      if (kind === 'label') return;
      for (const flaw of judgeName(name)) say(flaw, name, at);
      if (kind === 'device') say(device(name), name, at);
      if (kind === 'pipe') say(pipe(name, 'medium'), name, at);
      if (kind === 'file' && (mode & (setuidBit | setgidBit)) !== 0) say(setuid(name, mode), name, at);
      if (name.length > longestName) return;
      bytes += name.length;
      if (bytes > mostNameBytes) throw new BudgetError(`its members have names of more than ${mostNameBytes} bytes`);
      const linked = kind === 'link' || (kind === 'hard-link' && links.hard(name, link, at));
      for (const flaw of set.add(name, kind === 'folder' ? 'folder' : linked ? 'link' : 'file')) say(flaw, name, at);
      if (kind === 'link') links.soft(name, link, at);
      if (kind === 'file') links.file(name, at);
    },
  };
}

function judgePadding({ data, size, end }: Member, source: Source, tell: Tell) {
  if (!isZero(source.read(data + size, end - data - size))) tell('padding', data + size, 'Bytes stand between a member\'s content and the next header');
}
