import { followed as followedByTracefs } from '../tracefs/stage.ts';
import type { RealPart } from '../../../services/missing.ts';

interface TestedLevel { readonly level: 'bpf' | 'tracefs'; readonly parts: readonly RealPart[]; followed(pid: number): Promise<void> }
const all: readonly TestedLevel[] = [
  // Watched from its first call on: there is nothing to wait for.
  { level: 'bpf', parts: ['root', 'bpf'], async followed() { /* as said */ } },
  { level: 'tracefs', parts: ['root', 'tracefs'], followed: followedByTracefs },
];

/** Each test of a collector runs at each level that sees the same facts; `MXWARDEN_TEST_LEVEL` is for one of them alone. */
export const levels: readonly TestedLevel[] = all.filter(({ level }) => level === (process.env.MXWARDEN_TEST_LEVEL ?? level));
