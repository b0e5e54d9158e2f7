/** One look at one process: does it have MXNet in its memory? */
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { ProcessExited } from '../../../agent/contract/event.ts';
import { createCode, describeCode } from './code.ts';
import { describeProcess } from './describe.ts';
import { describeLibrary, isNamed, locate, type Reason } from './library.ts';
import { type FileMapping, parseMaps } from './maps.ts';
import type { Members } from './members.ts';
import type { ProcessStat } from './parse.ts';
import { isDenied, isGone, type Reading, readFew, readLink } from './read.ts';
import { environmentOf, settingsOf } from './settings.ts';
import { hasEnded, livingFolder, statusOf } from './status.ts';
import type { Suspects } from './suspects.ts';
import type { Tally } from './tally.ts';
import { type View, viewOf } from './view.ts';

const most = { mapsBytes: 8 << 20, libraries: 16, verdicts: 50_000 };
const othersMs = 600_000;
/** A sensor that says a process has ended is believed for so long; then the kernel's word counts. */
const leftMs = 1_000;

export type Look = 'seen' | 'kernel' | 'denied' | 'gone';
export interface Survey {
  examine(pid: number): Look;
  /** Another file is known to be MXNet: what was taken for none is looked at again. */
  reconsider(): void;
  leave(pid: number, status: ProcessExited['status']): void;
}

export function createSurvey(host: HostPaths, members: Members, suspects: Suspects, tally: Tally): Survey {
  /** Of each member: what has been told, and of which program. */
  const told = new Map<number, { readonly startTicks: number; readonly executable: string | null; readonly keys: Set<string> }>();
  const code = createCode(tally);
  const left = new Map<number, { readonly startTicks: number; readonly until: number }>();
  /** Mapped files that are not MXNet; forgotten now and then, since a file may be written anew under its name. */
  const others = new Set<string>();
  let othersSince = performance.now();

  function end(pid: number, status: ProcessExited['status']): void {
    told.delete(pid);
    code.forget(pid);
    members.end(pid, status);
  }

  function examine(pid: number): Look {
    const stat = statusOf(host, pid);
    if (stat?.kernelThread) return 'kernel';
    if (told.has(pid) && told.get(pid)?.startTicks !== stat?.startTicks) end(pid, null);
    if (stat === null || hasEnded(stat)) { end(pid, null); left.delete(pid); return 'gone'; }
    if (isLeft(stat)) return 'seen';
    const folder = livingFolder(host, stat);
    const maps = mapsOf(folder);
    if (typeof maps === 'string') return maps;
    forgetOthers();
    let view: View | null = null;
    for (const mapping of maps) {
      const name = `${mapping.device}:${mapping.inode}${mapping.executable ? '' : '-'} ${mapping.path}`;
      if (others.has(name)) continue;
      view ??= viewOf(host, pid, folder);
      if (view === null) return 'gone';
      const reason = reasonFor(view, mapping);
      if (reason === null) remember(name);
      else if (reason !== 'waiting') note(view, stat, mapping, reason);
    }
    const member = told.get(pid);
    for (const mapping of member === undefined ? [] : code.compare({ pid, startTicks: member.startTicks, executable: member.executable }, maps)) {
      view ??= viewOf(host, pid, folder);
      if (view !== null) members.extend(pid, describeCode(view, mapping));
    }
    return 'seen';
  }

  function forgetOthers(): void {
    const now = performance.now();
    if (now - othersSince < othersMs) return;
    others.clear();
    othersSince = now;
  }

  function remember(name: string): void {
    if (others.size >= most.verdicts) others.clear();
    others.add(name);
  }

  function isLeft(stat: ProcessStat): boolean {
    const entry = left.get(stat.pid);
    if (entry === undefined) return false;
    if (entry.startTicks === stat.startTicks && performance.now() < entry.until) return true;
    left.delete(stat.pid);
    return false;
  }

  function mapsOf(folder: string): readonly FileMapping[] | Look {
    let reading: Reading;
    try { reading = readFew(`${folder}/maps`, most.mapsBytes); } catch (error) {
      if (isDenied(error)) return 'denied';
      if (isGone(error)) return 'gone';
      throw error;
    }
    if (reading.cut) tally.add(`memory map longer than ${most.mapsBytes} bytes, the rest of it not seen`, folder);
    return parseMaps(reading.bytes, reading.cut);
  }

  function reasonFor(view: View, mapping: FileMapping): Reason | 'waiting' | null {
    if (isNamed(mapping.path)) return 'name';
    const verdict = suspects.verdict(mapping, () => locate(view, mapping));
    return verdict === 'functions' && readLink(`${view.folder}/exe`) === mapping.path ? 'linked' : verdict;
  }

  function note(view: View, stat: ProcessStat, mapping: FileMapping, reason: Reason): void {
    const executable = readLink(`${view.folder}/exe`);
    const before = told.get(stat.pid);
    // A process that is going has no executable any more; it is not a new program for that.
    if (executable === null && before !== undefined && before.executable !== null) return;
    const known = before?.executable === executable ? before : { startTicks: stat.startTicks, executable, keys: new Set<string>() };
    const key = `${mapping.device}:${mapping.inode}`;
    if (known.keys.has(key)) return;
    if (known.keys.size >= most.libraries) {
      tally.add(`library of MXNet beyond ${most.libraries} in one process`, String(stat.pid));
      return;
    }
    const process = describeProcess(host, stat.pid);
    if (process === null || process.startTicks !== stat.startTicks) return;
    told.set(stat.pid, known);
    known.keys.add(key);
    const environment = environmentOf(view);
    const library = describeLibrary(view, mapping, reason, environment);
    if (reason === 'name' && suspects.remember(mapping, library.file)) others.clear();
    members.add(process, library, settingsOf(view, environment), known !== before);
  }

  return {
    examine,
    reconsider: () => others.clear(),
    leave(pid, status) {
      const member = members.all.get(pid);
      if (member !== undefined) left.set(pid, { startTicks: member.process.startTicks, until: performance.now() + leftMs });
      end(pid, status);
    },
  };
}
