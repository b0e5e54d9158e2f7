/** Who did it: a pid that the kernel hands over with a pidfd, made into a process before it can be anybody else's. Of the watcher process. */
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { close, isThere, openProcess } from './libc.ts';
import { createPortray, glance, type Glance, isAlike, isAsBefore } from './portrait.ts';

export interface Actors {
  /**
   * The number of an actor; null when it was gone. Takes the pidfd over. As long as a pidfd answers, the pid is that
   * process's and nobody else's (pidfd_open(2)), so what /proc says in between is of it. Looks only at what is gone first.
   */
  find(pid: number, pidfd: number): number | null;
  /** Looks at a process that has just begun to run a program, in case it is gone when it is asked for. */
  expect(pid: number): void;
  /** Each process is looked at again after this: it may run another program by now. */
  next(): void;
  /** Looks at the rest of one that `find` has numbered since, and tells of it; false when there is none. */
  finishOne(): boolean;
}

/** Each holds a descriptor. */
const mostActors = 512;
/** A look at the program and its user is enough so long; then its arguments are read again too. */
const freshMs = 100;
/**
 * A process that was there so short a time ago is taken for the one that is gone now: its pid cannot be somebody else's
 * so soon, as the kernel gives all other pids out first (pid_max of proc(5)).
 */
const trustMs = 100;

/** `number` 0: not asked for yet, so not told. */
interface Actor { number: number; seen: Glance; readonly pidfd: number; at: number; seenAt: number; turn: number }

export function createActors(host: HostPaths, told: (number: number, process: Process) => void, trustedMs = trustMs): Actors {
  const actors = new Map<number, Actor>();
  const unfinished = new Map<number, Actor>();
  const portray = createPortray(host);
  let turn = 0;
  let last = 0;

  function keep(pid: number, actor: Actor): number {
    actors.delete(pid);
    actors.set(pid, actor);
    const oldest = actors.size > mostActors ? actors.entries().next().value : undefined;
    if (oldest !== undefined) dismiss(...oldest);
    return actor.number;
  }

  function dismiss(pid: number, actor: Actor): void {
    if (unfinished.has(actor.number)) finish(actor);
    actors.delete(pid);
    close(actor.pidfd);
  }

  function numbered(pid: number, actor: Actor): number {
    if (actor.number === 0) {
      actor.number = ++last;
      unfinished.set(actor.number, actor);
    }
    return keep(pid, actor);
  }

  function meet(pid: number, pidfd: number): number | null {
    const seen = glance(host, pid, pidfd);
    if (seen === null) { close(pidfd); return null; }
    const now = performance.now();
    return numbered(pid, { number: 0, seen, pidfd, at: now, seenAt: now, turn });
  }

  function meetAgain(pid: number, actor: Actor): number | null {
    const now = performance.now();
    if (actor.turn !== turn && !unfinished.has(actor.number) && (now - actor.seenAt > freshMs || !isAsBefore(host, actor.seen))) {
      const seen = glance(host, pid, actor.pidfd);
      // One that is ending shows no program any more, and is the same as a moment ago.
      if (seen !== null && (seen.link !== null || actor.seen.link === null)) {
        // As another program or user it is another actor.
        if (!isAlike(seen, actor.seen)) actor.number = 0;
        Object.assign(actor, { seen, seenAt: now });
      }
    }
    actor.turn = turn;
    actor.at = now;
    return numbered(pid, actor);
  }

  function finish(actor: Actor): void {
    unfinished.delete(actor.number);
    told(actor.number, portray(actor.seen, actor.pidfd));
  }

  return {
    find(pid, pidfd) {
      const known = actors.get(pid);
      if (pidfd < 0) return known !== undefined && performance.now() - known.at <= trustedMs ? numbered(pid, known) : null;
      if (known !== undefined && (known.turn === turn || isThere(known.pidfd))) {
        close(pidfd);
        return meetAgain(pid, known);
      }
      if (known !== undefined) dismiss(pid, known);
      return meet(pid, pidfd);
    },
    expect(pid) {
      const known = actors.get(pid);
      if (known !== undefined && unfinished.has(known.number)) return;
      const pidfd = openProcess(pid);
      const seen = 'error' in pidfd ? null : glance(host, pid, pidfd.value);
      if ('error' in pidfd) return;
      if (seen === null || seen.link === null) { close(pidfd.value); return; }
      if (known !== undefined) dismiss(pid, known);
      const now = performance.now();
      keep(pid, { number: 0, seen, pidfd: pidfd.value, at: now, seenAt: now, turn: -1 });
    },
    next() { turn += 1; },
    finishOne() {
      const [first] = unfinished.values();
      if (first !== undefined) finish(first);
      return first !== undefined;
    },
  };
}
