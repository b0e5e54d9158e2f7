import type { Event, EventOf } from '../../agent/contract/event.ts';
import type { Place } from '../../agent/contract/file.ts';
import type { Chapter, Incident } from '../../agent/contract/incident.ts';
import { byProcess, bytesText, ranProcess, safeText, sinceText, streamText } from './words.ts';

const lineLimit = 400;
const changes = { found: 'found', created: 'created', written: 'written', renamed: 'renamed', removed: 'removed', attributes: 'chmod' } as const;
const outcomes = { ok: 'loaded', failed: 'failed', crashed: 'crashed' } as const;

export const timeOf = (chapter: Chapter): number => (chapter.type === 'event' ? chapter.event.at : chapter.finding.at);
export const idOf = (chapter: Chapter): string => (chapter.type === 'event' ? chapter.event.id : chapter.finding.id);

/** The moment the story counts from: its first load; without one, its beginning. */
export function zeroOf({ story, openedAt }: Incident): number {
  const load = story.find(chapter => chapter.type === 'event' && chapter.event.kind === 'mxnet.called') ?? story[0];
  return load ? timeOf(load) : openedAt;
}

/** One line per chapter, time from the load, safe to print: `+2.10 s  ran      /bin/sh -c id [4177]`. */
export function storyLines(incident: Incident): string[] {
  const zero = zeroOf(incident);
  return incident.story.map(chapter => chapterLine(chapter, zero));
}

export function chapterLine(chapter: Chapter, zero: number): string {
  const [verb, rest] = chapter.type === 'event'
    ? tell(chapter.event)
    : ['flagged', `${chapter.finding.severity} ${chapter.finding.rule}: ${chapter.finding.summary}`];
  const time = sinceText(timeOf(chapter) - zero).padStart(10);
  return safeText(`${time}  ${verb.padEnd(8)} ${rest}`, lineLimit);
}

const pathOf = (place: Place): string => (place.inside === undefined ? place.path : `${place.path} (inside: ${place.inside})`);

function argumentOf({ argument }: EventOf<'mxnet.called'>): string {
  switch (argument.type) {
    case 'path': return argument.place ? pathOf(argument.place) : argument.raw;
    case 'buffer': return argument.bytes === null ? 'a buffer in memory' : `${bytesText(argument.bytes)} from memory`;
    case 'unread': return `an argument that could not be read: ${argument.why}`;
    default: return argument satisfies never;
  }
}

function tellCall(event: EventOf<'mxnet.called'>): [string, string] {
  const how = event.signal === null ? event.outcome : `${event.outcome}, ${event.signal}`;
  return [outcomes[event.outcome], `${argumentOf(event)} (${event.api}, ${how}, ${Math.round(event.durationMs)} ms) by ${byProcess(event.process)}`];
}

function tellChange(event: EventOf<'file.changed'>): [string, string] {
  const from = event.from ? ` from ${pathOf(event.from)}` : '';
  const mode = event.change === 'attributes' && event.access ? ` to ${event.access.mode.toString(8).padStart(4, '0')} of uid ${event.access.uid}` : '';
  const size = event.file && event.change !== 'attributes' ? ` (${bytesText(event.file.size)})` : '';
  const by = event.change === 'found' ? '' : ` by ${byWhom(event)}`;
  return [changes[event.change], `${pathOf(event.place)}${from}${mode}${size}${by}`];
}

const byWhom = ({ by, gone }: EventOf<'file.changed' | 'file.accessed'>): string =>
  (by ? byProcess(by) : gone === undefined ? 'an unknown process' : `a process that was gone at once [${gone}]`);

const endOf = (status: EventOf<'process.exited'>['status']): string =>
  (status === null ? 'how is not known' : 'code' in status ? `code ${status.code}` : `killed by ${status.signal}`);

const reaches: Readonly<Record<EventOf<'process.traced'>['means'], string>> = {
  attach: 'into another process', traceme: 'for its parent as its tracer', read: 'into the memory of another process, to read it',
  write: 'into the memory of another process, to write it', memory: 'into the memory file of another process',
};

function credentialsOf({ uid, gained, dropped, process }: EventOf<'credentials.changed'>): string {
  const user = uid.before === uid.after ? [] : [`uid ${uid.after} (was ${uid.before})`];
  const words = [...user, ...gained.length > 0 ? [`able to ${gained.join(' ')}`] : [], ...dropped.length > 0 ? [`unable to ${dropped.join(' ')}`] : []];
  return `${words.join(', ')}: ${byProcess(process)}`;
}

/** Where a program reads from the network, which a command line does not say. */
function onSocket({ streams }: EventOf<'process.executed'>): string {
  const input = streams?.[0];
  return input?.type === 'socket' ? `, its input a ${streamText(input)}` : '';
}

function tell(event: Event): [verb: string, rest: string] {
  switch (event.kind) {
    case 'file.changed': return tellChange(event);
    case 'file.accessed': return ['accessed', `${pathOf(event.place)} by ${byWhom(event)}`];
    case 'file.opened': return ['opened', `${pathOf(event.place)} by ${byProcess(event.by)}`];
    case 'process.executed': return ['ran', `${ranProcess(event.process)}${onSocket(event)}`];
    case 'process.exited': return ['exited', `[${event.process.pid}] ${endOf(event.status)}`];
    case 'process.sampled':
      return ['used', `${(event.cpuSeconds * 1_000 / Math.max(event.intervalMs, 1)).toFixed(1)} cores, ${bytesText(event.rssBytes)}, `
        + `${event.threads} threads, ${event.descriptors} descriptors [${event.process.pid}]`];
    case 'mxnet.mapped':
      return ['mapped', `${pathOf(event.library.place)} (MXNet ${event.library.version ?? 'of unknown version'}`
        + `${event.library.unexpected === null ? '' : `, ${event.library.unexpected}`}) by ${byProcess(event.process)}`];
    case 'mxnet.registered': return ['added', `an operator of its own to MXNet${event.outcome === 'ok' ? '' : ` (${event.outcome})`}: ${byProcess(event.process)}`];
    case 'library.mapped': return ['mapped', `${pathOf(event.library.place)} as code${event.library.unlinked ? ', a file without a name,' : ''} by ${byProcess(event.process)}`];
    case 'mxnet.called': return tellCall(event);
    case 'network.connected':
      return [event.direction === 'listen' ? 'listened' : 'reached', `${event.protocol} ${event.address} port ${event.port} by ${byProcess(event.process)}`];
    case 'memory.protected':
      return [event.change === 'mapped' ? 'mapped' : 'protected', `${event.bytes === null ? 'memory' : `${bytesText(event.bytes)} of ${event.backing ?? 'some'} memory`} as executable${event.writable ? ' and writable' : event.wasWritable === true ? ', writable before,' : ''} by ${byProcess(event.process)}`];
    case 'process.traced': return ['reached', `${reaches[event.means]}${event.target === null ? '' : ` [${event.target.pid}]`} by ${byProcess(event.process)}`];
    case 'credentials.changed': return ['became', credentialsOf(event)];
    case 'kernel.used':
      return ['asked', `the kernel for ${event.interface}${event.detail === '' ? '' : ` (${event.detail})`}${event.allowed === false ? ', in vain,' : ''} by ${byProcess(event.process)}`];
    case 'network.transferred': return ['moved', `${bytesText(event.sentBytes)} out, ${bytesText(event.receivedBytes)} in [${event.process.pid}]`];
    case 'artifact.inspected': return ['examined', `${pathOf(event.place)}: ${event.format}, ${event.verdict}, sha256 ${event.sha256}`];
    case 'host.sampled': return ['host', `load ${event.load1}, ${bytesText(event.availableBytes)} free`];
    case 'sensor.changed':
      return ['sensor', `${event.sensor} ${event.state} at level ${event.level}${event.blind.length > 0 ? `, blind to: ${event.blind.join('; ')}` : ''}`];
    case 'agent.sampled': return ['agent', `${bytesText(event.rssBytes)}, ${event.loopDelayMs} ms late`];
    case 'agent.started':
      return ['started', `mxwarden ${event.version}${event.unwatchedSince === null ? '' : `, unwatched since ${isoTime(event.unwatchedSince)}`}`];
    case 'baseline.restored': return ['recalled', `${event.entries.length} entries of ${event.detector}`];
    case 'store.damaged':
      return ['damaged', `the agent's state (${event.reason}), set aside as ${event.setAside}: ${event.saved} rows saved, ${event.lost ?? 'an unknown number'} lost`];
    case 'trail.broken': return ['broken', `epoch ${event.epoch} of the audit trail: ${event.reason}`];
    case 'events.lost':
      return ['lost', event.severity === undefined
        ? `${event.count ?? 'some'} ${event.what === 'any' ? 'events' : event.what} in the ${event.where}: the story may have a hole here`
        : `${event.count ?? 'some'} ${event.severity} alerts in the ${event.where}: not every sink had them`];
    default: return event satisfies never;
  }
}

/** RFC 3339 in UTC; a time that no calendar has is given as the number it is. */
export const isoTime = (at: number): string => (Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at));
