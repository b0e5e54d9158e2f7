/** Whose processes the agent may look into. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { isDenied, isGone } from './read.ts';
import { statusOf } from './status.ts';

const most = { asked: 2_000, named: 5 };

export interface Sight {
  /** `others`: none of another user's can be looked into. `some`: single ones cannot, which have more privileges than the agent. */
  readonly closed: 'others' | 'some' | 'none';
  /** In words, what is not seen; empty when everything is. */
  readonly blind: readonly string[];
}

/** Tries the lowest 2,000 pids but ourselves: the only true answer, capabilities say less (user namespaces, security modules). */
export function trySight(host: HostPaths, self: { readonly pid: number; readonly uid: number }): Sight {
  const pids = readdirSync(host.proc).filter(name => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  const closed: number[] = [];
  const others = { open: 0, closed: 0 };
  for (const pid of pids.slice(0, most.asked)) {
    const found = pid === self.pid ? null : tryOne(host, pid, self.uid);
    if (found === null) continue;
    if (!found.open) closed.push(pid);
    if (found.other) others[found.open ? 'open' : 'closed'] += 1;
  }
  const hidden = pids[0] !== 1;
  return {
    closed: hidden || (others.closed > 0 && others.open === 0) ? 'others' : closed.length > 0 ? 'some' : 'none',
    blind: [
      ...(closed.length === 0 ? [] : [`MXNet in ${closed.length} processes that the agent may not look into (such as pid ${closed.slice(0, most.named).join(', ')})`]),
      ...(hidden ? ['processes that /proc does not list for the agent (hidepid, or another pid namespace)'] : []),
    ],
  };
}

/** Null for a kernel thread, and for what is gone. */
function tryOne(host: HostPaths, pid: number, uid: number): { readonly open: boolean; readonly other: boolean } | null {
  try {
    if (statusOf(host, pid)?.kernelThread !== false) return null;
    const other = statSync(`${host.proc}/${pid}`).uid !== uid;
    try { readlinkSync(`${host.proc}/${pid}/exe`); } catch (error) {
      if (isDenied(error)) return { open: false, other };
      throw error;
    }
    return { open: true, other };
  } catch (error) { if (isGone(error)) return null; throw error; }
}
