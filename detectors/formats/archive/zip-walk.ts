import { BudgetError } from '../report.ts';
import type { Report } from '../report.ts';
import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { inflate } from './inflate.ts';
import { judgeName } from './member-name.ts';
import type { Voice } from './voice.ts';
import { readContent } from './zip-content.ts';
import type { Look } from './zip-content.ts';
import { descriptorBytes } from './zip-descriptor.ts';
import { mostMembers } from './zip-directory.ts';
import { parseExtra, widen, zip64Field } from './zip-extra.ts';
import { flag, method, readLocal } from './zip-header.ts';
import type { LocalHeader } from './zip-header.ts';
import { showName } from './zip-member.ts';
import type { Member } from './zip-member.ts';

export interface Walk { readonly report: Report; readonly voice: Voice; readonly look: Look; readonly told: (member: Member) => void }

/**
 * Reads members one behind the other by their local headers alone, as readers of streams do (Java's ZipInputStream, by which
 * Multi Model Server unpacks), and inspects each. Gives where the row of them ends, at `to` or before.
 */
export function walkMembers(source: Source, from: number, to: number, { report, voice, look, told }: Walk): number {
  let at = from;
  for (let count = 0; at < to; count++) {
    if (count >= mostMembers) throw new BudgetError(`more than ${mostMembers} members are not read`);
    const local = readLocal(source, at);
    const member = local && local.dataAt <= to ? measure(source, local, to, report) : null;
    if (!member) break;
    told(member);
    for (const flaw of judgeName(member.name)) voice.flaw(flaw, { offset: at, member: member.shown });
    readContent(source, member, report, voice, look);
    const end = member.dataAt + member.packed;
    at = end + descriptorBytes(source, member, to, voice);
    report.budget.spend(5);
  }
  return at;
}

/** Null when the length of the data is in no header and cannot be found by unpacking. */
function measure(source: Source, local: LocalHeader, to: number, report: Report): Member | null {
  const extra = parseExtra(local.extra);
  const { numbers } = widen({ size: local.size, packed: local.packed, localAt: 0, disk: 0 }, extra);
  const common = {
    shown: showName(local.name), name: local.name, kind: local.name.at(-1) === 0x2f ? 'folder' as const : 'file' as const, method: local.method, flags: local.flags,
    at: local.at, dataAt: local.dataAt, wide: extra.fields.has(zip64Field),
  };
  if ((local.flags & flag.descriptor) === 0) return local.dataAt + numbers.packed > to ? null : { ...common, crc32: local.crc32, size: numbers.size, packed: numbers.packed };
  if (local.method !== method.deflated || (local.flags & flag.encrypted) !== 0) return null;
  try {
    const { size, crc32, consumed } = inflate(slice(source, local.dataAt, to - local.dataAt), 0, report.budget);
    return { ...common, crc32, size, packed: consumed };
  } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    return null;
  }
}
