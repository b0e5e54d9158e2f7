/** What /proc shows of a process that may be gone in half a millisecond: first what is gone first. Of the watcher process. */
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Process } from '../../../agent/contract/process.ts';
import { parseCgroup } from '../procfs/cgroup.ts';
import { describeProcess, fileIdentity } from '../procfs/describe.ts';
import { parseArguments, parseLoginUid, parseStatus, type ProcessStat, showBytes } from '../procfs/parse.ts';
import { readLink } from '../procfs/read.ts';
import { statusOf, tryRead } from '../procfs/status.ts';
import { hostPath, statOf, viewOf } from '../procfs/view.ts';
import { isThere } from './libc.ts';

export interface Glance {
  /** Where /proc/PID/exe leads, byte text; null when it has no memory any more. */
  readonly link: string | null;
  readonly uid: number;
  readonly argv: readonly string[];
  readonly stat: ProcessStat;
}

const mostArgumentBytes = 64 << 10;

/** Null when it is gone: then nothing that was read is proven to be of it. */
export function glance(host: HostPaths, pid: number, pidfd: number): Glance | null {
  const folder = `${host.proc}/${pid}`;
  const link = readLink(`${folder}/exe`);
  const argv = tryRead(`${folder}/cmdline`, mostArgumentBytes, ({ bytes, cut }) => parseArguments(bytes, cut)) ?? [];
  const uid = uidOf(host, pid);
  const stat = statusOf(host, pid);
  return stat === null || uid === null || !isThere(pidfd) ? null : { link, argv, uid, stat };
}

export type Portray = (seen: Glance, pidfd: number) => Process;

const ancestorsMs = 200;
const mostParents = 256;

/** The whole of it, as far as it is still there; what is gone by now is empty. */
export function createPortray(host: HostPaths): Portray {
  const parents = new Map<number, { readonly at: number; readonly startTicks: number; readonly list: Process['ancestors'] }>();

  /** Siblings come in crowds: their ancestors are looked at once. */
  function ancestorsOf({ parent, startTicks }: ProcessStat): Process['ancestors'] {
    const now = performance.now();
    const known = parents.get(parent);
    if (known !== undefined && now - known.at < ancestorsMs) return known.startTicks > startTicks ? [] : known.list;
    const found = parent > 0 ? describeProcess(host, parent) : null;
    const list = found === null ? [] : [{ pid: found.pid, startTicks: found.startTicks, path: found.executable.path }, ...found.ancestors].slice(0, 16);
    parents.delete(parent);
    parents.set(parent, { at: now, startTicks: found?.startTicks ?? 0, list });
    const oldest = parents.size > mostParents ? parents.keys().next().value : undefined;
    if (oldest !== undefined) parents.delete(oldest);
    // Younger than its child: somebody else has that pid by now.
    return found !== null && found.startTicks > startTicks ? [] : list;
  }

  return ({ link, argv, uid, stat }, pidfd) => {
    const folder = `${host.proc}/${stat.pid}`;
    const file = link === null ? null : statOf(`${folder}/exe`);
    const view = link === null ? null : viewOf(host, stat.pid);
    const path = link === null ? `[${stat.name}]` : showBytes(view === null || view.sameMounts ? link : hostPath(view, link));
    const late = {
      cwd: showBytes(readLink(`${folder}/cwd`) ?? ''),
      loginUid: tryRead(`${folder}/loginuid`, 32, ({ bytes }) => parseLoginUid(bytes)),
      container: tryRead(`${folder}/cgroup`, 65_536, ({ bytes }) => parseCgroup(bytes.toString())),
    };
    const own = { pid: stat.pid, startTicks: stat.startTicks, uid, argv, ancestors: ancestorsOf(stat) };
    return isThere(pidfd) ? { ...own, ...late, executable: { path, file: file === null ? null : fileIdentity(file) } }
      : { ...own, cwd: '', loginUid: null, container: null, executable: { path: link === null ? path : showBytes(link), file: null } };
  };
}

/** Whether it still runs the program, as the user, that it was seen with. */
export const isAsBefore = (host: HostPaths, { link, uid, stat }: Glance): boolean =>
  readLink(`${host.proc}/${stat.pid}/exe`) === link && uidOf(host, stat.pid) === uid;

export const isAlike = (one: Glance, other: Glance): boolean =>
  one.link === other.link && one.uid === other.uid && one.argv.length === other.argv.length && one.argv.every((word, index) => word === other.argv[index]);

/**
 * The effective user. The folder belongs to it, or to root when the process may not be looked into (proc(5)): only then the
 * long way is gone, which takes ten times as long.
 */
function uidOf(host: HostPaths, pid: number): number | null {
  const owner = statOf(`${host.proc}/${pid}`)?.uid;
  if (owner === undefined) return null;
  return owner > 0n ? Number(owner) : tryRead(`${host.proc}/${pid}/status`, 16_384, ({ bytes }) => parseStatus(bytes).uid);
}
