import { BlockList, isIP } from 'node:net';
import { endOf, type Exception } from '../config/exceptions.ts';
import type { Event } from '../contract/event.ts';
import type { Suspicion } from '../contract/finding.ts';
import type { ProcessRef } from '../contract/process.ts';
import { escapeText } from '../contract/text.ts';

/** One exception, and what it did since start. */
export interface ExceptionStatus extends Pick<Exception, 'rule' | 'owner' | 'reason' | 'expires'> {
  readonly expired: boolean;
  readonly suppressed: number;
}

export interface Exceptions {
  /** To be called with every event, before its findings are judged. */
  note(event: Event): void;
  /** Whether a finding of this rule about this very event would be suppressed; if so, it counts as suppressed. */
  covers(rule: string, event: Event): boolean;
  /** Null when it is suppressed. One that an expired exception would have suppressed says so. */
  judge(suspicion: Suspicion, event: Event): Suspicion | null;
  /** What was suppressed, as info: at once, then at most once an hour for each exception, with the sum. */
  takeNotices(): readonly Suspicion[];
  status(at: number): readonly ExceptionStatus[];
}

/** What of an event an exception may speak of. */
interface Facts {
  readonly ref: ProcessRef | null;
  readonly executable?: string | undefined;
  readonly argv?: readonly string[] | undefined;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string | undefined;
}
interface Kept {
  readonly exception: Exception;
  readonly until: number;
  isAbout(rule: string): boolean;
  fits(facts: Facts): boolean;
  suppressed: number;
  untold: number;
  toldAt: number;
}
interface Match { readonly ref: ProcessRef | null; readonly by: readonly Kept[] }

const mostEvents = 10_000;
const noticeMs = 3_600_000;

/**
 * Suppresses what the operator has excepted. An exception is held against the deed alone: the first event of a finding's
 * evidence; where that is a figure of a process (its usage), the first other one of the same process. So an exception for
 * a child's program is not met by its loader's. A deed that was forgotten, ten thousand matches ago, is not suppressed.
 */
export function createExceptions(list: readonly Exception[]): Exceptions {
  const all = list.map(keep);
  /** By event id; only events that some exception fits. */
  const matches = new Map<string, Match>();
  let notices: Suspicion[] = [];

  function deedOf({ because }: Suspicion, event: Event): readonly Kept[] {
    const isFigure = because[0] === event.id && (event.kind === 'process.sampled' || event.kind === 'network.transferred');
    if (!isFigure) return matches.get(because[0])?.by ?? [];
    const same = (match: Match | undefined) => match?.ref?.pid === event.process.pid && match.ref.startTicks === event.process.startTicks;
    return because.map(id => matches.get(id)).find(same)?.by ?? [];
  }

  function suppress(each: Kept, event: Event, at: number) {
    each.suppressed += 1;
    each.untold += 1;
    if (Math.abs(at - each.toldAt) < noticeMs) return;
    notices.push(noticeOf(each, event, at));
    Object.assign(each, { untold: 0, toldAt: at });
  }

  return {
    note(event) {
      if (all.length === 0) return;
      const facts = factsOf(event);
      const by = facts === null ? [] : all.filter(each => each.fits(facts));
      if (facts === null || by.length === 0) return;
      matches.set(event.id, { ref: facts.ref, by });
      const oldest = matches.keys().next().value;
      if (matches.size > mostEvents && oldest !== undefined) matches.delete(oldest);
    },
    covers(rule, event) {
      const valid = matches.get(event.id)?.by.find(each => each.isAbout(rule) && event.at < each.until);
      if (valid) suppress(valid, event, event.at);
      return valid !== undefined;
    },
    judge(suspicion, event) {
      const about = deedOf(suspicion, event).filter(each => each.isAbout(suspicion.rule));
      const valid = about.find(each => suspicion.at < each.until);
      if (valid) { suppress(valid, event, suspicion.at); return null; }
      const [expired] = about;
      return expired ? { ...suspicion, summary: `${suspicion.summary}; the exception of ${escapeText(expired.exception.owner)} for this expired on ${expired.exception.expires}` } : suspicion;
    },
    takeNotices() {
      const told = notices;
      if (told.length > 0) notices = [];
      return told;
    },
    status: at => all.map(({ exception: { rule, owner, reason, expires }, until, suppressed }) => ({ rule, owner, reason, expires, expired: at >= until, suppressed })),
  };
}

function keep(exception: Exception): Kept {
  const { rule, executable, argv, address, port, path } = exception;
  const isInside = address === undefined ? null : network(address);
  return {
    exception, until: endOf(exception), suppressed: 0, untold: 0, toldAt: Number.NEGATIVE_INFINITY,
    isAbout: rule.endsWith('.*') ? id => id.startsWith(rule.slice(0, -1)) : id => id === rule,
    fits: facts => (executable === undefined || facts.executable === executable)
      && (argv === undefined || (facts.argv?.length === argv.length && argv.every((word, index) => word === facts.argv?.[index])))
      && (isInside === null || (facts.address !== undefined && isInside(facts.address)))
      && (port === undefined || facts.port === port)
      && (path === undefined || (path.endsWith('/') ? facts.path?.startsWith(path) === true : facts.path === path)),
  };
}

/** IPv4 written inside IPv6 is met by an IPv4 network. */
function network(text: string): (address: string) => boolean {
  const list = new BlockList();
  const [address = '', bits] = text.split('/');
  const family = (of: string) => isIP(of) === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, bits === undefined ? (isIP(address) === 4 ? 32 : 128) : Number(bits), family(address));
  return other => {
    const plain = other.replace(/%.*$/, '');
    return isIP(plain) !== 0 && list.check(plain, family(plain));
  };
}

function factsOf(event: Event): Facts | null {
  switch (event.kind) {
    case 'file.changed': case 'file.opened': case 'file.accessed': return { ref: event.by, executable: event.by?.executable.path, argv: event.by?.argv, path: event.place.path };
    case 'process.executed': case 'memory.protected': case 'process.traced': case 'credentials.changed': case 'kernel.used': case 'mxnet.registered':
      return { ref: event.process, executable: event.process.executable.path, argv: event.process.argv };
    case 'network.connected': return { ref: event.process, executable: event.process.executable.path, argv: event.process.argv, address: event.address, port: event.port };
    case 'mxnet.mapped': case 'library.mapped': return { ref: event.process, executable: event.process.executable.path, argv: event.process.argv, path: event.library.place.path };
    case 'mxnet.called': return { ref: event.process, executable: event.process.executable.path, argv: event.process.argv, path: event.argument.type === 'path' ? event.argument.place?.path : undefined };
    case 'artifact.inspected': return { ref: null, path: event.place.path };
    case 'process.exited': case 'process.sampled': case 'network.transferred': case 'host.sampled': case 'sensor.changed': case 'agent.sampled':
    case 'agent.started': case 'baseline.restored': case 'store.damaged': case 'trail.broken': case 'events.lost': return null;
    default: return event satisfies never;
  }
}

const noticeOf = ({ exception: { rule, owner, reason, expires }, untold }: Kept, event: Event, at: number): Suspicion => ({
  rule: 'agent.excepted', severity: 'info', confidence: 1, at, because: [event.id], techniques: [],
  summary: `${untold === 1 ? 'A finding' : `${untold} findings`} of ${rule} suppressed by the exception of ${escapeText(owner)}: ${escapeText(reason)} (until ${expires})`,
});
