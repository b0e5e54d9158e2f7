import type { Finding, Severity } from '../../agent/contract/finding.ts';
import { severities } from '../../agent/contract/finding.ts';
import type { IncidentEnvelope } from '../../agent/contract/forwarder.ts';
import type { Incident } from '../../agent/contract/incident.ts';
import { artifactEvidence, evidencesOf, observablesOf } from './artifacts.ts';
import { present, processOf } from './evidence.ts';
import { deviceOf } from './device.ts';
import { chapterLine, timeOf, zeroOf } from './story.ts';
import { describeTechnique } from './techniques.ts';
import { baseName, safeText } from './words.ts';
import type { Analytic, DetectionFinding, Evidence } from './ocsf-schema.ts';

/** No alert is longer than this as UTF-8 JSON: below the 1 MB that brokers and gateways accept, with room for a batch. */
export const maxAlertBytes = 256 * 1_024;
/** Of `unmapped.mxwarden`, which is ours and not OCSF's: raised when a reader of it would have to change. */
export const unmappedSchema = 1;

/**
 * What is told, from generous to bare; the next level is tried when even the evidence that may go makes too little room.
 * `spares` ranks evidence: -1 lets go what no finding cites, `loads` everything but the artifact and its loads.
 */
const uncited = -1;
const loads = 50;
const levels = [
  { text: 4_096, chapters: 200, items: 200, causes: 32, spares: uncited },
  { text: 1_024, chapters: 200, items: 200, causes: 16, spares: loads - 1 },
  { text: 256, chapters: 200, items: 50, causes: 4, spares: loads - 1 },
  { text: 96, chapters: 50, items: 20, causes: 2, spares: Infinity },
  { text: 64, chapters: 10, items: 4, causes: 1, spares: Infinity },
] as const;
type Level = (typeof levels)[number];
const roomForMark = 512;

const activities = { open: [1, 'Create'], updated: [2, 'Update'], closed: [3, 'Close'] } as const;
const severityIds = {
  info: [1, 'Informational'], low: [2, 'Low'], medium: [3, 'Medium'], high: [4, 'High'], critical: [5, 'Critical'],
} as const;
const rankOf = (severity: Severity): number => severities.indexOf(severity);

/**
 * One change of an incident as an OCSF 1.8 Detection Finding, at most `most` bytes long as JSON (or as short as can be).
 *
 * `time` is the moment of this change, `finding_info.created_time` that of the incident; `finding_info.uid` is the
 * incident in all its changes, `metadata.uid` this one. What did not fit is counted in `unmapped.mxwarden.cut`:
 * evidence goes first, what no finding cites before what one does, the oldest before the newest.
 */
export const encodeOcsf = (envelope: IncidentEnvelope, most = maxAlertBytes): DetectionFinding => encode(envelope, most).alert;

/** The same as JSON on one line. */
export function ocsfLine(envelope: IncidentEnvelope, most = maxAlertBytes): string {
  const { alert, line } = encode(envelope, most);
  return line ?? JSON.stringify(alert);
}

/** `line`: the alert as JSON, where that was made in passing. */
function encode(envelope: IncidentEnvelope, most: number): { readonly alert: DetectionFinding; readonly line: string | null } {
  let whole = 0;
  for (const level of levels) {
    const alert = bound(compose(envelope, level), level.text);
    const line = JSON.stringify(alert);
    const size = Buffer.byteLength(line);
    whole ||= size;
    if (size <= most && level === levels[0]) return { alert, line };
    const excess = size - (most - roomForMark);
    const kept = shed(alert.evidences, excess, citedBy(envelope.body), level.spares);
    if (kept !== null || level === levels.at(-1)) return { alert: mark(alert, kept ?? [], level, whole), line: null };
  }
  throw new RangeError('unreachable: the last level returns');
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

function compose({ id, sequence, host, version, body: incident }: IncidentEnvelope, level: Level): DetectionFinding {
  const story = incident.story.slice(-level.chapters);
  const findings = findingsOf(incident);
  const leading = findings[0];
  const [activity_id, activity_name] = activities[incident.status];
  const [severity_id, severity] = severityIds[incident.severity];
  const isAlert = rankOf(incident.severity) >= rankOf('medium');
  const times = story.map(timeOf);
  const [first, last] = [Math.min(...times, incident.openedAt), Math.max(...times, incident.openedAt)].map(Math.trunc) as [number, number];
  const evidences = [...artifactEvidence(incident), ...evidencesOf(story)];
  const zero = zeroOf(incident);
  return present<DetectionFinding>({
    activity_id, activity_name, category_uid: 2, category_name: 'Findings', class_uid: 2004, class_name: 'Detection Finding',
    type_uid: 200_400 + activity_id, type_name: `Detection Finding: ${activity_name}`,
    time: Math.trunc(incident.changedAt), start_time: first, end_time: last, timezone_offset: 0,
    severity_id, severity, ...confidenceOf(leading), ...statusOf(incident),
    is_alert: isAlert, action_id: 3, action: 'Observed', disposition_id: isAlert ? 19 : 17, disposition: isAlert ? 'Alert' : 'Logged',
    message: incident.title,
    metadata: {
      version: '1.8.0', uid: id, product: { name: 'mxwarden', vendor_name: 'mxwarden', version }, profiles: ['host', 'security_control'],
      log_name: 'alerts', log_provider: 'mxwarden', sequence, correlation_uid: incident.id,
    },
    finding_info: present<DetectionFinding['finding_info']>({
      uid: incident.id, title: incident.title, desc: leading?.summary,
      types: [incident.loader === null ? 'Suspicious model file' : 'Suspicious model load'],
      data_sources: unique(story.flatMap(chapter => (chapter.type === 'event' ? [chapter.event.collector] : []))).slice(0, level.items),
      created_time: Math.trunc(incident.openedAt), modified_time: Math.trunc(incident.changedAt), first_seen_time: first, last_seen_time: last,
      ...rulesOf(findings, version, level),
    }),
    device: deviceOf(host),
    actor: incident.loader ? { process: processOf(incident.loader) } : undefined,
    resources: incident.artifact ? [resourceOf(incident.artifact.place.path)] : undefined,
    evidences, observables: observablesOf(host, evidences).slice(0, level.items),
    unmapped: {
      mxwarden: {
        schema: unmappedSchema, revision: incident.revision, gaps: incident.gaps.slice(0, level.items), addresses: host.addresses.slice(0, level.items),
        story: story.map(chapter => chapterLine(chapter, zero)),
        findings: findings.slice(0, level.items).map(finding => ({
          ...finding, because: finding.because.slice(0, level.causes), techniques: finding.techniques.slice(0, level.causes),
        })),
      },
    },
  });
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
const resourceOf = (path: string) => ({ uid: path, name: baseName(path), type: 'ml-model' });

/** The gravest and surest first, so that the first is the one that leads. */
export function findingsOf({ story }: Incident): Finding[] {
  const findings = story.flatMap(chapter => (chapter.type === 'finding' ? [chapter.finding] : []));
  return findings.sort((one, other) => rankOf(other.severity) - rankOf(one.severity) || other.confidence - one.confidence || one.at - other.at);
}

function confidenceOf(leading: Finding | undefined): Pick<DetectionFinding, 'confidence_id' | 'confidence' | 'confidence_score'> {
  if (!leading) return { confidence_id: 0, confidence: 'Unknown' };
  const confidence_score = Math.round(Math.min(Math.max(leading.confidence, 0), 1) * 100) || 0;
  if (confidence_score < 34) return { confidence_id: 1, confidence: 'Low', confidence_score };
  return confidence_score < 67 ? { confidence_id: 2, confidence: 'Medium', confidence_score } : { confidence_id: 3, confidence: 'High', confidence_score };
}

/** We close an incident because nothing more was seen. Nobody reviewed it, so it is not "Resolved". */
function statusOf({ status, gaps }: Incident): Pick<DetectionFinding, 'status_id' | 'status' | 'status_detail'> {
  const complete = gaps.length === 0 ? '' : '; the account may be incomplete';
  return status === 'closed'
    ? { status_id: 99, status: 'Quiet', status_detail: `nothing more was seen; not reviewed by anyone${complete}` }
    : { status_id: 1, status: 'New', status_detail: `not reviewed by anyone${complete}` };
}

function rulesOf(findings: readonly Finding[], version: string, level: Level): Pick<DetectionFinding['finding_info'], 'analytic' | 'related_analytics' | 'attacks'> {
  const leaders = [...new Map(findings.toReversed().map(finding => [finding.rule, finding])).values()].toReversed().slice(0, level.items);
  const [analytic, ...related] = leaders.map(({ rule, detector }): Analytic => (
    { type_id: 1, type: 'Rule', uid: rule, name: rule, category: detector, version }));
  const techniques = unique(findings.flatMap(finding => finding.techniques)).slice(0, level.items);
  return {
    ...(analytic ? { analytic } : {}),
    ...(related.length > 0 ? { related_analytics: related } : {}),
    ...(techniques.length > 0 ? { attacks: techniques.map(describeTechnique) } : {}),
  };
}

/** Every text escaped and at most `limit` long, every number one that JSON can say. What is so already is not copied. */
function bound<Value>(value: Value, limit: number): Value {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return safeText(part, limit);
    if (typeof part === 'number') return Number.isFinite(part) ? part : null;
    return part !== null && typeof part === 'object' ? walkInto(part) : part;
  };
  const walkInto = (part: object): object => {
    const given = part as Record<string, unknown>;
    const changes: [string, unknown][] = [];
    for (const key of Object.keys(given)) {
      const made = walk(given[key]);
      if (made !== given[key]) changes.push([key, made]);
    }
    if (changes.length === 0) return part;
    return Array.isArray(part) ? Object.assign([...part], Object.fromEntries(changes)) : { ...part, ...Object.fromEntries(changes) };
  };
  return walk(value) as Value;
}

/** How grave the findings are that cite an event; `uncited` when none does. */
function citedBy(incident: Incident): (evidence: Evidence) => number {
  const ranks = new Map<string, number>();
  for (const { because, severity } of findingsOf(incident)) {
    for (const id of because) ranks.set(id, Math.max(ranks.get(id) ?? -1, rankOf(severity)));
  }
  // The artifact itself and the loads are what the story is about.
  return ({ uid, name }) => (uid === undefined ? 2 * loads : (ranks.get(uid) ?? uncited) + (name === 'model load' ? loads + 1 : 0));
}

/** The evidence without what had to go to save `excess` bytes; null when all that may go would not save enough. */
function shed(evidences: readonly Evidence[], excess: number, rankIn: (evidence: Evidence) => number, spares: number): Evidence[] | null {
  const order = evidences.map((evidence, index) => ({ index, rank: rankIn(evidence) }))
    .filter(({ rank }) => rank <= spares).sort((one, other) => one.rank - other.rank || one.index - other.index);
  const gone = new Set<number>();
  for (let saved = 0; saved < excess;) {
    const next = order[gone.size];
    if (next === undefined) return null;
    gone.add(next.index);
    saved += jsonBytes(evidences[next.index]) + 1;
  }
  return evidences.filter((_, index) => !gone.has(index));
}

/** The mark tells a reader that there was more, and of what. */
function mark(alert: DetectionFinding, kept: Evidence[], level: Level, whole: number): DetectionFinding {
  const cut = { evidences: alert.evidences.length - kept.length, text_limit: level.text, chapters_limit: level.chapters, items_limit: level.items };
  const mxwarden = alert.unmapped?.mxwarden;
  const told = mxwarden !== null && typeof mxwarden === 'object' && !Array.isArray(mxwarden) ? mxwarden : {};
  return {
    ...alert, evidences: kept, unmapped: { mxwarden: { ...told, cut } },
    metadata: { ...alert.metadata, is_truncated: true, untruncated_size: Math.ceil(whole / 1_024) },
  };
}
