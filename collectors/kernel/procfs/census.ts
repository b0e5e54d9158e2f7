import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Census } from './member.ts';
import { createMembers } from './members.ts';
import { startPoll } from './poll.ts';
import { createSurvey } from './survey.ts';
import { createSuspects } from './suspects.ts';
import { createTally } from './tally.ts';

const reportMs = 60_000;

interface Running extends Disposable { readonly census: Census }
interface Shared { users: number; readonly listeners: Set<(error: Error) => void>; readonly running: Promise<Running> }

const shared = new Map<string, Shared>();

/**
 * Who has MXNet on this host. One poll for each `host.proc`: the first open starts it and resolves when every process has
 * been examined, the last dispose stops it. `onError` hears, at most once a minute, what was not seen or went wrong (how
 * many as `error.cause.count`); each opener is told the same. Disposing also ends what was joined through this handle.
 * Throws what reading `host.proc` throws.
 */
export async function openCensus(host: HostPaths, onError: (error: Error) => void): Promise<Census & AsyncDisposable> {
  const mine = shared.get(host.proc) ?? begin(host);
  mine.users += 1;
  const listener = (error: Error): void => onError(error);
  mine.listeners.add(listener);
  let open = true;
  const release = async (): Promise<void> => {
    if (!open) return;
    open = false;
    mine.users -= 1;
    if (mine.users === 0) {
      if (shared.get(host.proc) === mine) shared.delete(host.proc);
      const running = await mine.running.catch(() => null); // whoever opened has been told
      running?.[Symbol.dispose]();
    }
    mine.listeners.delete(listener);
  };
  try {
    const { census } = await mine.running;
    return handle(census, release);
  } catch (error) { await release(); throw error; }
}

function handle(census: Census, release: () => Promise<void>): Census & AsyncDisposable {
  const joined = new DisposableStack();
  return {
    members: census.members,
    join: listener => joined.use(census.join(listener)),
    look: pid => census.look(pid),
    leave: (pid, status) => census.leave(pid, status),
    noteLoad: pid => census.noteLoad(pid),
    async [Symbol.asyncDispose]() { joined.dispose(); await release(); },
  };
}

function begin(host: HostPaths): Shared {
  const listeners = new Set<(error: Error) => void>();
  const mine: Shared = { users: 0, listeners, running: run(host, error => { for (const listener of listeners) listener(error); }) };
  shared.set(host.proc, mine);
  return mine;
}

async function run(host: HostPaths, onError: (error: Error) => void): Promise<Running> {
  const tally = createTally(`processes of ${host.proc} in the last minute`);
  const members = createMembers(error => tally.add('listener that threw', error.message));
  const suspects = createSuspects(tally);
  const survey = createSurvey(host, members, suspects, tally);
  const poll = await startPoll(host, members, survey, suspects, tally);
  const report = (): void => { const error = tally.take(); if (error !== null) onError(error); };
  const timer = setInterval(report, reportMs);
  const census: Census = {
    members: members.all, join: listener => members.join(listener), look: pid => poll.look(pid),
    leave: (pid, status) => survey.leave(pid, status),
    noteLoad(pid) { members.noteLoad(pid); poll.lookSoon(pid); },
  };
  return { census, [Symbol.dispose]() { clearInterval(timer); poll[Symbol.dispose](); report(); } };
}
