import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { type EventFormat, parseFormat } from './format.ts';
import type { Layout, Purpose, RecordKind } from './wire.ts';

/** What of a kernel event we read. */
interface Wanted {
  readonly event: string;
  readonly kind: RecordKind;
  readonly fields: readonly string[];
  readonly optional?: readonly string[];
  readonly filter?: string;
}

const overNetwork = 'family == 2 || family == 10'; // AF_INET, AF_INET6
/** PID_MAX_LIMIT: no thread ever has this number. */
const nobody = 4_194_304;
export const marker: Wanted = { event: 'ftrace/print', kind: 'marked', fields: [] };
export const kernelEvents: Readonly<Record<'tree' | 'bytes', readonly Wanted[]>> = {
  tree: [
    { event: 'sched/sched_process_exec', kind: 'executed', fields: ['filename', 'pid', 'old_pid'] },
    // Not sched_process_fork: this one says whether it is a thread.
    { event: 'task/task_newtask', kind: 'cloned', fields: ['pid', 'clone_flags'] },
    { event: 'sched/sched_process_exit', kind: 'exited', fields: [], optional: ['group_dead'] },
    { event: 'signal/signal_deliver', kind: 'signalled', fields: ['sig', 'code', 'sa_handler'] },
    {
      event: 'sock/inet_sock_set_state', kind: 'connected',
      fields: ['newstate', 'sport', 'dport', 'family', 'protocol', 'saddr', 'daddr', 'saddr_v6', 'daddr_v6'],
    },
  ],
  bytes: [
    { event: 'sock/sock_send_length', kind: 'sent', fields: ['ret'], filter: overNetwork },
    { event: 'sock/sock_recv_length', kind: 'received', fields: ['ret', 'flags'], filter: overNetwork },
  ],
};

/** Names of what one run makes: they carry its pid and start time, so that a later run can tell whether it still lives. */
export interface Run { readonly folder: (purpose: Purpose) => string; readonly group: string }
export interface Instance {
  readonly purpose: Purpose;
  readonly folder: string;
  readonly layouts: readonly Layout[];
  /** Kernel events that are not there, as SYSTEM/EVENT. */
  readonly absent: readonly string[];
}

const instanceName = /^mxwarden-(\d+)-(?:api|tree|bytes)-(\d+)-(\d+)$/;
const probeLine = /^[pr]\d*:(mxwarden_(\d+)_(\d+)_\d+)\/(\w+) /;
const purposes: readonly Purpose[] = ['api', 'tree', 'bytes'];
const busyForMs = 3_000;

let runs = 0;

/** Never the same names twice: one process may have several runs, in several threads, one after the other. */
export function nameRun(tracefs: string, proc: string): Run {
  const started = startedAt(proc, process.pid);
  const number = `${threadId}${String(runs++).padStart(6, '0')}`;
  return {
    folder: purpose => `${tracefs}/instances/mxwarden-${process.pid}-${purpose}-${started}-${number}`,
    group: `mxwarden_${process.pid}_${started}_${number}`,
  };
}

/** Buffers are `bufferKb` KiB a CPU. No event is on yet. */
export async function prepare(run: Run, purpose: Purpose, bufferKb: number): Promise<Instance> {
  const folder = run.folder(purpose);
  await mkdir(folder, { mode: 0o700 });
  await put(`${folder}/buffer_size_kb`, String(bufferKb));
  await put(`${folder}/trace_clock`, 'mono');
  if (purpose !== 'api') await put(`${folder}/options/event-fork`, '1');
  const layouts = [layoutOf(marker, await formatOf(folder, marker))];
  const absent: string[] = [];
  for (const wanted of purpose === 'api' ? [] : kernelEvents[purpose]) {
    try { layouts.push(layoutOf(wanted, await formatOf(folder, wanted))); } catch (error) {
      if (!hasCode(error, 'ENOENT') && !(error instanceof RangeError)) throw error;
      absent.push(wanted.event);
    }
  }
  return { purpose, folder, layouts, absent };
}

const formatOf = async (folder: string, { event, fields }: Wanted): Promise<EventFormat> =>
  parseFormat(await readFile(`${folder}/events/${event}/format`, 'latin1'), fields);

export function layoutOf({ kind, fields, optional = [] }: Pick<Wanted, 'kind' | 'fields' | 'optional'>, format: EventFormat, probe = 0): Layout {
  const names = ['common_pid', ...fields, ...optional.filter(name => format.fields.has(name))];
  const found = names.flatMap(name => { const field = format.fields.get(name); return field === undefined ? [] : [[name, field] as const]; });
  return { id: format.id, kind, probe, fields: Object.fromEntries(found) };
}

/**
 * Filters first, then events: an instance without a pid to filter for records every process of the machine. `reader` is
 * among them in the tree instance, so that it can see there whether it sees.
 */
export async function enable(instance: Instance, reader: number): Promise<void> {
  const { purpose, folder } = instance;
  if (purpose === 'api') return;
  await append(`${folder}/set_event_pid`, purpose === 'tree' ? `${nobody} ${reader}` : String(nobody));
  for (const { event, filter } of presentEvents(instance)) {
    if (filter !== undefined) await put(`${folder}/events/${event}/filter`, filter);
    await put(`${folder}/events/${event}/enable`, '1');
  }
}

const presentEvents = ({ purpose, absent }: Instance): readonly Wanted[] =>
  (purpose === 'api' ? [] : kernelEvents[purpose].filter(({ event }) => !absent.includes(event)));

/** The files that switch its events on and off. */
export const switches = (instance: Instance): readonly string[] =>
  presentEvents(instance).map(({ event }) => `${instance.folder}/events/${event}/enable`);

/** Removes the instances and probes of this run. Returns what could not be removed, in words. */
export const remove = (tracefs: string, run: Run): Promise<string[]> => removeRun(tracefs, purposes.map(run.folder), run.group);

/**
 * Removes what runs that are dead have left. Returns what was removed, and what could not be. Does nothing when `proc` does
 * not show this very process: it is then another machine's, or another pid namespace's, and says nothing about who lives.
 */
export async function sweep(tracefs: string, proc: string): Promise<{ readonly removed: readonly string[]; readonly stuck: readonly string[] }> {
  if (startedAt(proc, process.pid) !== startedAt('/proc', process.pid)) return { removed: [], stuck: [] };
  const runs = new Map<string, string[]>();
  const note = (group: string, pid: string | undefined, started: string | undefined): string[] => {
    if (pid === undefined || startedAt(proc, Number(pid)) === started) return [];
    const folders = runs.get(group) ?? [];
    runs.set(group, folders);
    return folders;
  };
  for (const name of await readdir(`${tracefs}/instances`)) {
    const [, pid, started, number] = instanceName.exec(name) ?? [];
    note(`mxwarden_${pid}_${started}_${number}`, pid, started).push(`${tracefs}/instances/${name}`);
  }
  for (const line of await probeLines(tracefs)) note(line.group, line.pid, line.started);
  const stuck: string[] = [];
  for (const [group, folders] of runs) stuck.push(...await removeRun(tracefs, folders, group));
  return { removed: [...runs.keys()], stuck };
}

/** Instances first: as long as one of them has a probe's event on, the probe must not be touched. */
async function removeRun(tracefs: string, folders: readonly string[], group: string): Promise<string[]> {
  const stuck = (await Promise.all(folders.map(removeInstance))).filter(each => each !== null);
  return stuck.length > 0 ? stuck : removeProbes(tracefs, group);
}

/** Busy for as long as a reader that was killed is not quite gone. */
async function removeInstance(folder: string): Promise<string | null> {
  for (const until = performance.now() + busyForMs; ;) {
    try { await rmdir(folder); return null; } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      if (!hasCode(error, 'EBUSY') || performance.now() > until) return `${folder}: ${String(error)}`;
      await sleep(20);
    }
  }
}

async function removeProbes(tracefs: string, group: string): Promise<string[]> {
  const stuck: string[] = [];
  for (const line of await probeLines(tracefs)) {
    if (line.group !== group) continue;
    try { await append(`${tracefs}/uprobe_events`, `-:${group}/${line.name}`); } catch (error) {
      // Another agent that starts now may have been quicker.
      if (!hasCode(error, 'ENOENT')) stuck.push(`${group}/${line.name}: ${String(error)}`);
    }
  }
  return stuck;
}

/** Probes of any run. A kernel without uprobes has no such file. */
async function probeLines(tracefs: string): Promise<{ group: string; pid: string; started: string; name: string }[]> {
  const text = await readFile(`${tracefs}/uprobe_events`, 'latin1').catch((error: unknown) => { if (hasCode(error, 'ENOENT')) return ''; throw error; });
  return text.split('\n').flatMap(line => {
    const [, group, pid, started, name] = probeLine.exec(line) ?? [];
    return group === undefined || pid === undefined || started === undefined || name === undefined ? [] : [{ group, pid, started, name }];
  });
}

/** Start time of a process in ticks since boot, as text; null when there is none. */
function startedAt(proc: string, pid: number): string | null {
  let text: string;
  try { text = readFileSync(`${proc}/${pid}/stat`, 'latin1'); } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return null;
    throw error;
  }
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Never truncates: that would clear everyone's probes, or a filter. */
export const put = (file: string, text: string): Promise<void> => writeWith(file, text, 'r+');
export const append = (file: string, text: string): Promise<void> => writeWith(file, text, 'a');

async function writeWith(file: string, text: string, flags: 'r+' | 'a'): Promise<void> {
  await using handle = await open(file, flags);
  await handle.write(`${text}\n`);
}

export const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
