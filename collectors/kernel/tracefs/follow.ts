import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { statOf } from './peek.ts';
import type { Member } from './wire.ts';

const mostTasks = 65_536;
const mostRounds = 5;
const restAfterMs = 10_000;
const lookEveryMs = 30_000;

export interface Follow {
  /** Filter for this process, its threads and its living descendants too, as soon as the kernel can. */
  add(pid: number): void;
  /** A thread that one of ours has cloned: the kernel filters for it too (options/event-fork). */
  inherit(maker: number, tid: number): void;
  /** The thread has ended: the kernel has taken it off its list. */
  forget(tid: number): void;
  has(tid: number): boolean;
  /** Another filtered instance to keep: its set_event_pid, and the `enable` files of its events, which are on. */
  also(instance: Filtered): Promise<void>;
}
export interface Filtered { readonly pids: string; readonly events: readonly string[] }
interface Ports {
  readonly proc: string;
  report(root: number, members: readonly Member[]): void;
  trouble(text: string): void;
}

/**
 * Keeps set_event_pid of all instances. The kernel waits for all CPUs after each write (25–50 ms measured), so pids are
 * gathered while one is under way; new threads and children that came meanwhile are looked for until there are none.
 *
 * A filter costs every process on the machine something at each switch of tasks (measured: a fifth of a pipe round trip),
 * so while nobody is followed there is none. Events are switched off before a filter is emptied, and on only after it is
 * filled: without one, an instance records everybody.
 */
export function createFollow({ proc, report, trouble }: Ports): Follow {
  const instances: Filtered[] = [];
  const known = new Set<number>();
  const wanted = new Set<number>();
  let isAwake = true;
  let isBusy = false;
  let idleSince = performance.now();
  let lookedAt = idleSince;
  if (!existsSync(`${proc}/${process.pid}/task/${process.pid}/children`)) {
    trouble('this kernel does not list children: those which a process had before it was watched are not seen');
  }
  setInterval(() => { if (isAwake) void work(); }, restAfterMs / 2);

  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    try {
      do {
        const roots = [...wanted];
        wanted.clear();
        for (let round = 0; round < mostRounds && roots.length > 0 && await take(roots) > 0; round++);
        await restIfIdle();
      } while (wanted.size > 0);
    } catch (error) { trouble(`set_event_pid: ${String(error)}`); } finally { isBusy = false; }
  }

  /** Returns how many threads were new. */
  async function take(roots: readonly number[]): Promise<number> {
    const found = roots.map(root => ({ root, members: descendants(proc, root) }));
    const fresh = new Set(found.flatMap(each => each.members.flatMap(member => member.tids)).filter(tid => !known.has(tid)));
    for (const { root, members } of found) report(root, members);
    if (fresh.size === 0) return 0;
    if (known.size + fresh.size > mostTasks) throw new RangeError(`more than ${mostTasks} threads to watch`);
    for (const tid of fresh) known.add(tid);
    try {
      await Promise.all(instances.map(each => appendFile(each.pids, `${[...fresh].join(' ')}\n`)));
      if (!isAwake) await Promise.all(instances.flatMap(each => each.events.map(event => writeFile(event, '1'))));
      isAwake = true;
    } catch (error) { for (const tid of fresh) known.delete(tid); throw error; }
    return fresh.size;
  }

  async function restIfIdle(): Promise<void> {
    const now = performance.now();
    if (now - lookedAt > lookEveryMs) {
      // An end that was not seen must not keep us awake for ever.
      lookedAt = now;
      for (const tid of known) if (!existsSync(`${proc}/${tid}`)) known.delete(tid);
    }
    if (known.size > 0) idleSince = now;
    if (!isAwake || instances.length === 0 || now - idleSince < restAfterMs) return;
    isAwake = false;
    await Promise.all(instances.flatMap(each => each.events.map(event => writeFile(event, '0'))));
    await Promise.all(instances.map(each => writeFile(each.pids, '')));
  }

  return {
    add(pid) { wanted.add(pid); void work(); },
    inherit(maker, tid) { if (known.has(maker) && known.size < mostTasks) known.add(tid); },
    forget: tid => { known.delete(tid); },
    has: tid => known.has(tid),
    async also(instance) {
      instances.push(instance);
      if (known.size > 0) await appendFile(instance.pids, `${[...known].join(' ')}\n`);
    },
  };
}

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
  // As above.
  try { return readFileSync(`${proc}/${pid}/task/${tid}/children`, 'latin1').split(' ').filter(Boolean).map(Number); } catch { return []; }
}
