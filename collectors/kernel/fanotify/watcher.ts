/*
 * The watcher process: hears from the kernel what is done to marked files, and finds out who did it while they are there.
 *
 * Owns two notification groups and a pidfd of each process seen last. Must not own: any judgement, any file's content, any
 * descriptor that would keep a file system from being unmounted. Hands over what was done, by whom, on descriptor 3.
 *
 * A process of its own, because it calls the C library by hand and because it must wake at once: a writer may be gone in
 * half a millisecond. It waits in poll(2), never in Node's event loop, and ends when the agent is gone. Notification only:
 * nobody ever waits for it.
 */
import { closeSync, readSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createPortray, glance } from './portrait.ts';
import { setPriority } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { below } from '../inotify/raw-path.ts';
import { createActors } from './actors.ts';
import { bornIn, openBirths } from './births.ts';
import { createGathering } from './gathering.ts';
import { createInside } from './inside.ts';
import { type Outcome, openGroup, openProcess, waitFor } from './libc.ts';
import { createMarks } from './marks.ts';
import { createOutbox } from './outbox.ts';
import { did, type KernelRecord, parseRecords } from './record.ts';
import { createTargets } from './targets.ts';
import { type Command, createLines, type Loss, type WatcherSetup } from './wire.ts';

const agentSide = 3;
/** One read makes at most so many records, each of which may bring a descriptor. */
const readBytes = 16_384;
/** Reads of one group before the others have their turn. */
const readsInTurn = 32;
const mostSettlingReads = 4_096;
const strayEveryMs = 5_000;
const warmingRounds = 200;
const [birthsInTurn, birthsPerSecond] = [32, 500];
/** Woken so often in so short a time, it lets the queue fill for a moment: else whoever writes without end is slowed by its waking. */
const [mostWakes, wakesMs, napMs] = [64, 20, 2];

Error.stackTraceLimit = 2;
const setup = JSON.parse(process.argv[2] ?? '') as WatcherSetup;
const outbox = createOutbox(agentSide);
// The agent stops us by closing the socket: it may still need what we see. A handler, even one that never runs, keeps the default away.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// It sleeps almost always, and what it wakes up for may be gone at once. Without the right to it, it is as good as it gets.
try { setPriority(-15); } catch {}

const groups = { changes: arm(openGroup()), opens: arm(openGroup()) };
const births = openBirths();
const bytes = Buffer.alloc(readBytes);
const clock = (): number => performance.now();
const marks = createMarks(groups);
const targets = createTargets(marks);
const actors = createActors(setup, (number, process) => outbox.say({ kind: 'actor', number, process }));
let [birthsAt, birthsSeen] = [clock(), 0];
const inside = createInside(setup);
const gathering = createGathering(clock);

/** Ends with the reason when the kernel or our rights do not allow it. */
function arm(group: Outcome<number>): number {
  if ('value' in group) return group.value;
  outbox.say({ kind: 'unavailable', error: group.error });
  outbox.push();
  process.exit(0);
}

function notice(record: KernelRecord, what: Loss): void {
  if ((record.mask & did.overflow) !== 0) { outbox.say({ kind: 'lost', what, count: null }); return; }
  const isOurs = record.pid === setup.agent || record.pid === process.pid;
  const folder = record.folder === null ? undefined : marks.get(record.folder);
  const file = record.target === null ? undefined : marks.get(record.target);
  const by = [...folder?.kinds.keys() ?? [], ...file?.kinds.keys() ?? []];
  if (isOurs || by.length === 0) {
    if (record.pidfd >= 0) closeSync(record.pidfd);
    return;
  }
  const at = Date.now();
  const actor = actors.find(record.pid, record.pidfd);
  const path = folder === undefined ? file?.path ?? '' : record.name === '.' ? folder.path : below(folder.path, record.name);
  const arrived = (record.mask & (did.create | did.movedTo)) !== 0;
  if (arrived && (record.mask & did.folder) !== 0 && folder?.kinds.has('folder') === true) marks.adopt(path);
  gathering.add({ at, mask: record.mask, path, inside: inside(actor, record.pid, path), by: [...new Set(by)], target: targets.find(record.target, path), actor, pid: record.pid });
}

/** Programs that start: at most some in a turn, and so many in a second, as each is looked at. */
function meetNew(fd: number): void {
  if (clock() - birthsAt > 1_000) { birthsAt = clock(); birthsSeen = 0; }
  for (let count = 0; count < birthsInTurn; count++) {
    let length: number;
    try { length = readSync(fd, bytes, 0, readBytes, null); } catch { return; } // nothing more, or some were lost: they are less known
    const pid = bornIn(bytes, length);
    if (pid !== null && ++birthsSeen <= birthsPerSecond) actors.expect(pid);
  }
}

/** False when nothing is left to read. */
function readSome(group: number, what: Loss): boolean {
  let length: number;
  try { length = readSync(group, bytes, 0, readBytes, null); } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return false;
    throw error;
  }
  actors.next();
  for (const record of parseRecords(bytes, length)) notice(record, what);
  targets.forget();
  return length > 0;
}

function drain(group: number, what: Loss, most: number): void {
  for (let reads = 0; reads < most && readSome(group, what); reads++) if (reads % 8 === 7) hand(false);
}

/** What is due is said, and what can be sent is sent; before a deed, who did it. */
function hand(all: boolean): void {
  const { deeds, lostOpens } = gathering.take(clock(), all);
  while (deeds.length > 0 && actors.finishOne());
  if (lostOpens > 0) outbox.say({ kind: 'lost', what: 'opens', count: lostOpens });
  for (const deed of deeds) outbox.say(deed);
  outbox.push();
}

const obey = createLines<Command>(command => {
  switch (command.do) {
    case 'mark': {
      const done = marks.add(command.mark, command.path);
      if ('error' in done) outbox.say({ kind: 'refused', mark: command.mark, path: command.path, error: done.error });
      break;
    }
    case 'unmark': marks.remove(command.mark, command.path); break;
    case 'settle':
      drain(groups.changes, 'changes', mostSettlingReads);
      hand(true);
      outbox.say({ kind: 'settled', id: command.id });
      break;
    default: command satisfies never;
  }
});

const command = Buffer.alloc(65_536);
const decoder = new StringDecoder('utf8');
/** The first looks at a process are ten times as slow as the later ones, and would miss who is quick: they are had with the agent. */
function warmUp(): void {
  const pidfd = openProcess(setup.agent);
  if ('error' in pidfd) return;
  const portray = createPortray(setup);
  for (let round = 0; round < warmingRounds; round++) {
    const seen = glance(setup, setup.agent, pidfd.value);
    if (seen !== null) portray(seen, pidfd.value);
  }
  closeSync(pidfd.value);
}

function listen(): void {
  const length = readSync(agentSide, command, 0, command.length, null);
  if (length === 0) process.exit(0);
  obey(decoder.write(command.subarray(0, length)));
}

warmUp();
const inputs = [groups.changes, groups.opens, agentSide, ...'value' in births ? [births.value] : []];
outbox.say({ kind: 'ready', births: 'value' in births });
flushCompileCache();
for (let strayAt = clock(), wakesAt = clock(), wakes = 0, hasMore = false; ;) {
  const wait: number = hasMore ? 0 : gathering.due === null ? strayEveryMs : Math.max(0, Math.ceil(gathering.due - clock()));
  const ready: readonly number[] = waitFor(inputs, outbox.isWaiting ? agentSide : null, Math.min(wait, strayEveryMs)).inputs;
  // Whoever comes next may be gone first: the rest of what is known can wait.
  hasMore = ready.length > 0 || actors.finishOne();
  // Who has changed something began before.
  if ('value' in births && ready.includes(births.value)) meetNew(births.value);
  if (ready.includes(groups.changes)) drain(groups.changes, 'changes', readsInTurn);
  if (ready.includes(groups.opens)) drain(groups.opens, 'opens', readsInTurn);
  if (ready.includes(agentSide)) listen();
  hand(false);
  if (clock() - wakesAt > wakesMs) { wakesAt = clock(); wakes = 0; }
  if (ready.length > 0 && ++wakes > mostWakes) waitFor([agentSide], null, napMs);
  if (clock() - strayAt > strayEveryMs) { strayAt = clock(); marks.forgetStrays(); }
}
