import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { statOf } from './peek.ts';
import type { Member } from './wire.ts';

const mostTasks = 65_536;
const mostRounds = 5;

export interface Follow {
  /** Filter for this process, its threads and its living descendants too, as soon as the kernel can. */
  add(pid: number): void;
  /** A thread that one of ours has cloned: the kernel filters for it too (options/event-fork). */
  inherit(maker: number, tid: number): void;
  /** The thread has ended: the kernel has taken it off its list (options/event-fork). */
  forget(tid: number): void;
  has(tid: number): boolean;
  /** Another set_event_pid to write, beginning with what is known. */
  also(file: string): Promise<void>;
}

/**
 * Keeps set_event_pid of all instances. The kernel waits for all CPUs after each write (25–50 ms measured), so pids are
 * gathered while one is under way; new threads and children that came meanwhile are looked for until there are none.
 */
export function createFollow(proc: string, report: (root: number, members: readonly Member[]) => void, trouble: (text: string) => void): Follow {
  const files: string[] = [];
  const known = new Set<number>();
  const wanted = new Set<number>();
  let busy = false;
  if (!existsSync(`${proc}/${process.pid}/task/${process.pid}/children`)) {
    trouble('this kernel does not list children: those which a process had before it was watched are not seen');
  }

  async function work(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      while (wanted.size > 0) {
        const roots = [...wanted];
        wanted.clear();
        for (let round = 0; round < mostRounds && await take(roots) > 0; round++);
      }
    } catch (error) { trouble(`set_event_pid: ${String(error)}`); } finally { busy = false; }
  }

  /** Returns how many threads were new. */
  async function take(roots: readonly number[]): Promise<number> {
    const found = roots.map(root => ({ root, members: descendants(proc, root) }));
    const fresh = new Set(found.flatMap(each => each.members.flatMap(member => member.tids)).filter(tid => !known.has(tid)));
    for (const { root, members } of found) report(root, members);
    if (fresh.size === 0) return 0;
    if (known.size + fresh.size > mostTasks) throw new RangeError(`more than ${mostTasks} threads to watch`);
    for (const tid of fresh) known.add(tid);
    try { await Promise.all(files.map(file => write(file, [...fresh]))); } catch (error) { for (const tid of fresh) known.delete(tid); throw error; }
    return fresh.size;
  }

  return {
    add(pid) { wanted.add(pid); void work(); },
    inherit(maker, tid) { if (known.has(maker) && known.size < mostTasks) known.add(tid); },
    forget: tid => { known.delete(tid); },
    has: tid => known.has(tid),
    async also(file) {
      files.push(file);
      if (known.size > 0) await write(file, [...known]);
    },
  };
}

const write = (file: string, tids: readonly number[]): Promise<void> => appendFile(file, `${tids.join(' ')}\n`);

/** The process and all that descend from it now, each with its threads. */
function descendants(proc: string, root: number): Member[] {
  const members: Member[] = [];
  const seen = new Set([root]);
  for (const pid of seen) {
    const tids = threadsOf(proc, pid);
    const parent = statOf(proc, pid)?.parent;
    if (tids.length === 0 || parent === undefined) continue;
    members.push({ pid, parent, tids });
    for (const tid of tids) for (const child of childrenOf(proc, pid, tid)) if (seen.size < mostTasks) seen.add(child);
  }
  return members;
}

function threadsOf(proc: string, pid: number): number[] {
  // Gone between two looks: it then has no threads.
  try { return readdirSync(`${proc}/${pid}/task`).map(Number); } catch { return []; }
}

function childrenOf(proc: string, pid: number, tid: number): number[] {
  try { return readFileSync(`${proc}/${pid}/task/${tid}/children`, 'latin1').split(' ').filter(Boolean).map(Number); } catch { return []; }
}
