import { followed as followedByTracefs } from '../tracefs/stage.ts';
import type { RealPart } from '../../../services/missing.ts';

/** Each test of a collector runs at each level that sees the same facts. */
export const levels: readonly { readonly level: 'bpf' | 'tracefs'; readonly parts: readonly RealPart[]; followed(pid: number): Promise<void> }[] = [
  // Watched from its first call on: there is nothing to wait for.
  { level: 'bpf', parts: ['root', 'bpf'], async followed() { /* as said */ } },
  { level: 'tracefs', parts: ['root', 'tracefs'], followed: followedByTracefs },
];
