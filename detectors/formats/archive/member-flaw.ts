import { quoted } from '../quote.ts';
import type { Note } from '../report.ts';

/** What is wrong with a member of any archive, by a rule `archive.…`; whoever reads the archive adds where. */
export type MemberFlaw = Pick<Note, 'rule' | 'severity' | 'confidence' | 'message' | 'techniques'>;

export const escaping = ['AML.T0011.000', 'T1203'] as const;
export const disguising = ['T1036', 'AML.T0074'] as const;

type Bytes = Uint8Array;

/** A device or a socket. */
export const device = (name: Bytes): MemberFlaw => ({
  rule: 'archive.member-special', severity: 'high', confidence: 0.9, techniques: ['T1611', 'AML.T0011.000'],
  message: `${quoted(name)} is a device or a socket: who reads or writes it reaches the machine`,
});

/** Low where unpackers make a plain file of it. */
export const pipe = (name: Bytes, severity: 'low' | 'medium'): MemberFlaw => ({
  rule: 'archive.member-special', severity, confidence: 0.8, techniques: ['AML.T0076'], message: `${quoted(name)} is a pipe: who reads one waits`,
});

/** `mode` has the set-user-id or set-group-id bit. */
export const setuid = (name: Bytes, mode: number): MemberFlaw => ({
  rule: 'archive.member-setuid', severity: 'high', confidence: 0.9, techniques: ['T1548.001', 'AML.T0011.000'],
  message: `${quoted(name)} runs as its owner or group, whoever starts it (mode ${(mode & 0o7777).toString(8)})`,
});
export const [setuidBit, setgidBit] = [0o4000, 0o2000];

/** Something is written where a link leads. */
export const throughLink = (message: string): MemberFlaw => ({ rule: 'archive.member-through-link', severity: 'critical', confidence: 0.9, techniques: escaping, message });

/** `what`: link or hard link. */
export const leavingLink = (what: string, name: Bytes, target: Bytes): MemberFlaw => ({
  rule: 'archive.link-escape', severity: 'high', confidence: 0.9, techniques: escaping,
  message: `The ${what} ${quoted(name)} leads to ${quoted(target)}, out of the folder that the archive is unpacked to`,
});
