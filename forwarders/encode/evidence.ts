import { isIP } from 'node:net';
import type { Event, EventOf, LoaderSettings } from '../../agent/contract/event.ts';
import type { FileIdentity, Place } from '../../agent/contract/file.ts';
import type { Process, ProcessRef, Streams } from '../../agent/contract/process.ts';
import type { Evidence, OcsfContainer, OcsfFile, OcsfProcess } from './ocsf-schema.ts';
import { baseName, commandLine, streamText } from './words.ts';

type Present<Shape> = { [Key in keyof Shape]: Exclude<Shape[Key], undefined> };

/** Drops what is undefined, so that an absent attribute is absent in every encoding. Where nothing is, it is not copied. */
export function present<Shape extends object>(shape: Shape): Present<Shape> {
  const given = shape as Record<string, unknown>;
  const keys = Object.keys(given);
  if (keys.every(key => given[key] !== undefined)) return shape as Present<Shape>;
  const kept: Record<string, unknown> = {};
  for (const key of keys) if (given[key] !== undefined) kept[key] = given[key];
  return kept as Present<Shape>;
}

/** Nanoseconds since 1970 in decimal to whole milliseconds; undefined for what is no time. */
export const millisecondsOf = (ns: string): number | undefined => (/^-?\d{1,25}$/.test(ns) ? Number(BigInt(ns) / 1_000_000n) : undefined);
const whole = (value: number): number | undefined => (Number.isFinite(value) ? Math.trunc(value) : undefined);

interface FileFacts {
  readonly place: Place;
  readonly file: FileIdentity | null;
  readonly sha256?: string | null | undefined;
  readonly access?: { readonly uid: number; readonly gid?: number; readonly mode: number } | null | undefined;
  readonly modifier?: Process | null | undefined;
}

export const digest = (value: string) => ({ algorithm_id: 3 as const, algorithm: 'SHA-256' as const, value });
const userOf = (uid: number) => ({ uid: String(uid) });

export function fileOf({ place, file, sha256, access, modifier }: FileFacts): OcsfFile {
  const known = file === null
    ? { type_id: 0 as const, type: 'Unknown' as const }
    : { type_id: 1 as const, type: 'Regular File' as const, size: whole(file.size), modified_time: millisecondsOf(file.mtimeNs) };
  const xattributes = present({
    device: file?.device, inode: file?.inode, changed_time_ns: file?.ctimeNs, path_inside: place.inside,
    mode: access?.mode.toString(8).padStart(4, '0'), gid: access?.gid,
  });
  return present({
    name: baseName(place.path), path: place.path, ...known,
    owner: access ? userOf(access.uid) : undefined,
    modifier: modifier ? userOf(modifier.uid) : undefined,
    hashes: sha256 ? [digest(sha256)] : undefined,
    xattributes: Object.keys(xattributes).length > 0 ? xattributes : undefined,
  });
}

const uidOf = ({ pid, startTicks }: ProcessRef): string => `${pid}.${startTicks}`;
const refOf = (ref: ProcessRef) => ({ pid: ref.pid, uid: uidOf(ref) });

/** `uid` is pid and start ticks: the same process has the same uid in all alerts of a boot. */
export function processOf(process: Process, parent?: ProcessRef): OcsfProcess {
  const path = process.ancestors.find(ancestor => parent !== undefined && uidOf(ancestor) === uidOf(parent))?.path;
  return present({
    ...refOf(process), name: baseName(process.executable.path), path: process.executable.path, cmd_line: commandLine(process),
    working_directory: process.cwd, file: fileOf({ place: { path: process.executable.path }, file: process.executable.file }),
    user: userOf(process.uid), xattributes: process.loginUid === null ? undefined : { login_uid: process.loginUid },
    parent_process: parent ? present({ ...refOf(parent), path }) : undefined,
    ancestry: process.ancestors.length > 0 ? process.ancestors.slice(0, 16).map(ancestor => ({ ...refOf(ancestor), path: ancestor.path })) : undefined,
  });
}

export function containerOf({ container }: Process): OcsfContainer | undefined {
  if (container === null) return undefined;
  const pod = container.podUid ?? undefined;
  const isUuid = pod !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(pod);
  return present({
    uid: container.id, runtime: container.runtime ?? undefined,
    pod_uuid: isUuid ? pod : undefined, labels: pod !== undefined && !isUuid ? [`pod_uid=${pod}`] : undefined,
  });
}

/** What the chapter's event puts before the analyst; null for what is no artifact of the attack. */
export function evidenceOf(event: Event): Evidence | null {
  const shown = show(event);
  return shown && { ...present(shown), uid: event.id };
}

function show(event: Event): Evidence | null {
  switch (event.kind) {
    case 'file.changed':
      return {
        name: `file ${event.change}`, file: fileOf({ ...event, modifier: event.by }), actor: event.by ? { process: processOf(event.by) } : undefined,
        container: event.by ? containerOf(event.by) : undefined, data: event.from || event.gone !== undefined ? present({ from: event.from?.path, pid: event.gone }) : undefined,
      };
    case 'file.opened': return { name: 'file opened', file: fileOf(event), process: processOf(event.by), container: containerOf(event.by) };
    case 'file.accessed':
      return {
        name: `${event.what} opened`, file: fileOf(event), process: event.by ? processOf(event.by) : undefined, container: event.by ? containerOf(event.by) : undefined,
        data: event.gone === undefined ? undefined : { pid: event.gone },
      };
    case 'process.executed':
      return {
        name: 'program run', process: processOf(event.process, event.parent), container: containerOf(event.process),
        data: hasSocket(event.streams) || hasSocket(event.parentStreams) ? present({ streams: wordsOf(event.streams), parent_streams: wordsOf(event.parentStreams) }) : undefined,
      };
    case 'process.exited':
      return { name: 'process ended', process: present({ ...refOf(event.process), terminated_time: whole(event.at) }), data: { status: event.status } };
    case 'process.sampled': return { name: 'process usage', process: refOf(event.process), data: figures(event) };
    case 'network.transferred': return { name: 'network transfer', process: refOf(event.process), data: figures(event) };
    case 'mxnet.mapped':
      return {
        name: 'MXNet mapped', file: fileOf(event.library), process: processOf(event.process), container: containerOf(event.process),
        data: { version: event.library.version, unexpected: event.library.unexpected, ...settingsOf(event.settings) },
      };
    case 'library.mapped':
      return {
        name: 'library mapped', file: fileOf(event.library), process: processOf(event.process), container: containerOf(event.process),
        data: { unlinked: event.library.unlinked },
      };
    case 'mxnet.registered': return { name: 'operator registered', process: processOf(event.process), container: containerOf(event.process), data: { thread: event.thread, outcome: event.outcome } };
    case 'mxnet.called': return showLoad(event);
    case 'network.connected': return showConnection(event);
    case 'memory.protected':
      return {
        name: 'memory made executable', process: processOf(event.process), container: containerOf(event.process),
        data: { change: event.change, backing: event.backing, writable: event.writable, was_writable: event.wasWritable, bytes: event.bytes },
      };
    case 'process.traced':
      return { name: 'process traced', process: processOf(event.process), container: containerOf(event.process), data: { means: event.means, target: event.target && { ...event.target } } };
    case 'credentials.changed':
      return {
        name: 'credentials changed', process: processOf(event.process), container: containerOf(event.process),
        data: { uid_before: event.uid.before, uid_after: event.uid.after, gained: [...event.gained], dropped: [...event.dropped] },
      };
    case 'kernel.used':
      return {
        name: 'kernel interface used', process: processOf(event.process), container: containerOf(event.process),
        data: { interface: event.interface, detail: event.detail, allowed: event.allowed },
      };
    case 'artifact.inspected':
      return {
        name: 'inspection', file: fileOf(event), ...verdicts[event.verdict],
        data: { format: event.format, verdict: event.verdict, rules: event.observations.slice(0, 50).map(({ rule }) => rule) },
      };
    case 'host.sampled': case 'sensor.changed': case 'agent.sampled': case 'agent.started': case 'baseline.restored': case 'store.damaged': case 'trail.broken': case 'events.lost': return null;
    default: return event satisfies never;
  }
}

const hasSocket = (streams: Streams | null | undefined): boolean => streams?.some(stream => stream?.type === 'socket') === true;

/** `inet socket to 203.0.113.7 port 4444`, for each stream. */
const wordsOf = (streams: Streams | null | undefined): string[] | undefined => streams?.map(streamText);

function settingsOf(settings: LoaderSettings | undefined): Record<string, string[] | string> {
  const { environment, preloadFile = [] } = settings ?? {};
  return present({
    preload: environment?.preload.length ? [...environment.preload] : undefined, library_path: environment?.libraryPath.length ? [...environment.libraryPath] : undefined,
    mxnet_library_path: environment?.mxnetLibraryPath ?? undefined, role: environment?.role ?? undefined, preload_file: preloadFile.length ? [...preloadFile] : undefined,
  });
}

const verdicts: Readonly<Record<EventOf<'artifact.inspected'>['verdict'], Pick<Evidence, 'verdict_id' | 'verdict'>>> = {
  clean: { verdict_id: 5, verdict: 'Benign' },
  suspicious: { verdict_id: 4, verdict: 'Suspicious' },
  malicious: { verdict_id: 8, verdict: 'Security Risk' },
  malformed: { verdict_id: 4, verdict: 'Suspicious' },
  incomplete: { verdict_id: 7, verdict: 'Insufficient Data' },
  unsupported: { verdict_id: 7, verdict: 'Insufficient Data' },
};

/** The numbers of a sample, by their own names. */
const figures = (event: EventOf<'process.sampled' | 'network.transferred'>): Record<string, number> =>
  Object.fromEntries(Object.entries(event).flatMap(([name, value]) => (typeof value === 'number' && name !== 'at' ? [[name, value]] : [])));

function showLoad(event: EventOf<'mxnet.called'>): Evidence {
  const { argument, process } = event;
  const call = { api: event.api, outcome: event.outcome, signal: event.signal, duration_ms: event.durationMs, thread: event.thread };
  const place = argument.type === 'path' ? argument.place ?? { path: argument.raw } : null;
  const said = argument.type === 'path'
    ? { argument: argument.raw, ...(argument.access?.openFolder ? { folder_open_to_others: argument.access.openFolder } : {}) }
    : argument.type === 'buffer' ? { buffer_bytes: argument.bytes } : { argument_unread: argument.why };
  return {
    name: 'model load', process: processOf(process), container: containerOf(process), data: { ...call, ...said },
    file: place && argument.type === 'path' ? fileOf({ place, file: argument.file, access: argument.access }) : undefined,
  };
}

function showConnection({ direction, protocol, address, port, process }: EventOf<'network.connected'>): Evidence {
  const endpoint = isIP(address) !== 0 && address.length <= 40 ? { ip: address, port } : { name: address, port };
  return {
    name: direction === 'listen' ? 'port opened' : 'connection', process: processOf(process), container: containerOf(process),
    ...(direction === 'listen' ? { src_endpoint: endpoint } : { dst_endpoint: endpoint }),
    connection_info: {
      direction_id: direction === 'listen' ? 1 : 2, direction: direction === 'listen' ? 'Inbound' : 'Outbound',
      protocol_name: protocol, protocol_num: protocol === 'tcp' ? 6 : 17,
    },
  };
}
