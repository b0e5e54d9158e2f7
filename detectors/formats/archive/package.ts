import { headBytes, kindOf } from '../kind.ts';
import type { Report } from '../report.ts';
import { isManifest, judgeMar, wantsContent } from './mar.ts';
import type { Part } from './mar.ts';
import type { Voice } from './voice.ts';
import type { Look } from './zip-content.ts';
import type { Member } from './zip-member.ts';

/** What an archive is made for, by its name and members, and whether its members fit that. */
export interface Package {
  add(member: Member): void;
  look: Look;
  /** When all members have been added and read. */
  judge(report: Report, voice: Voice): void;
}

export function createPackage({ name, numpy }: { readonly name: string; readonly numpy: boolean }): Package {
  const members: Member[] = [];
  const seen = new Map<string, { readonly kind: string; readonly content: Uint8Array | null }>();
  const keyOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return {
    add(member) { members.push(member); },
    look(member, source) {
      const key = keyOf(member.name);
      const { format: kind } = kindOf(key.slice(key.lastIndexOf('/') + 1), source.read(0, headBytes));
      seen.set(key, { kind, content: wantsContent(key, source.size) ? Uint8Array.from(source.read(0, source.size)) : null });
    },
    judge(report, voice) {
      if (numpy) { judgeArrays(members, voice); return; }
      const parts: Part[] = members.map(({ name: bytes, shown }) => ({ name: keyOf(bytes), shown, ...seen.get(keyOf(bytes)) ?? { kind: 'unknown', content: null } }));
      if (/\.(?:mar|model)$/i.test(name) || parts.some(part => isManifest(part.name))) judgeMar(parts, report, voice);
    },
  };
}

/** numpy.load gives each member without `.npy`, and what is no array as bare bytes. */
function judgeArrays(members: readonly Member[], { say }: Voice) {
  for (const { name, shown, at } of members) {
    if (!Buffer.from(name).toString().endsWith('.npy')) say('npz.foreign-member', 'medium', 'A NumPy archive holds arrays only, and this member is none by its name', { offset: at, member: shown }, ['AML.T0076', 'AML.T0018.002']);
  }
}
