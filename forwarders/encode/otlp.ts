import type { AnyValue, Attributes, HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { CheckpointEnvelope, Envelope, HeartbeatEnvelope, IncidentEnvelope } from '../../agent/contract/forwarder.ts';
import { encodeCheckpoint } from './checkpoint.ts';
import { present } from './evidence.ts';
import { encodeHeartbeat } from './heartbeat.ts';
import { encodeOcsf, findingsOf } from './ocsf.ts';
import { safeText } from './words.ts';
import type { DetectionFinding } from './ocsf-schema.ts';

/** OTLP severity numbers of OCSF 1 Informational … 5 Critical, in OCSF's order. */
const severityNumbers = { 1: 9, 2: 11, 3: 13, 4: 17, 5: 21 } as const;
const severityTexts = { 1: 'INFO', 2: 'INFO3', 3: 'WARN', 4: 'ERROR', 5: 'FATAL' } as const;

/** Milliseconds since 1970 as OpenTelemetry's seconds and nanoseconds; microseconds survive. */
export function hrTimeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1_000);
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1_000) * 1_000];
}

/** What every record of one agent shares. The transformer groups records by identity, so one object serves all. */
export interface Origin {
  readonly resource: Resource;
  readonly instrumentationScope: ReadableLogRecord['instrumentationScope'];
}
export type OriginOf = (envelope: Envelope) => Origin;

export const resourceAttributes = ({ host, version }: Envelope): Attributes => ({
  'service.name': 'mxwarden', 'service.version': version, 'service.instance.id': host.id,
  'host.id': host.id, 'host.name': host.name, 'host.ip': [...host.addresses], 'os.type': 'linux', 'os.description': host.os, 'os.version': host.kernel,
});

/** Remembers an origin per host and version: a batch has one, or two in the minute after an update. */
export function rememberOrigins(resourceFromAttributes: (attributes: Attributes) => Resource): OriginOf {
  const known = new Map<string, Origin>();
  return envelope => {
    const key = JSON.stringify(resourceAttributes(envelope));
    const origin = known.get(key)
      ?? { resource: resourceFromAttributes(resourceAttributes(envelope)), instrumentationScope: { name: 'mxwarden', version: envelope.version } };
    if (known.size > 16) known.clear();
    known.set(key, origin);
    return origin;
  };
}

/** An envelope as an OpenTelemetry event: the OCSF object is the body, what one searches by the attributes. */
export function encodeLogRecord(envelope: Envelope, originOf: OriginOf): ReadableLogRecord {
  switch (envelope.type) {
    case 'incident': return detection(envelope, originOf);
    case 'checkpoint': return checkpoint(envelope, originOf);
    case 'heartbeat': return heartbeat(envelope, originOf);
    default: return envelope satisfies never;
  }
}

function checkpoint(envelope: CheckpointEnvelope, originOf: OriginOf): ReadableLogRecord {
  const { id, sequence, body: { origin, size, root, at } } = envelope;
  return {
    ...originOf(envelope), hrTime: hrTimeOf(at), hrTimeObserved: hrTimeOf(at),
    eventName: 'mxwarden.audit.checkpoint', severityNumber: severityNumbers[1], severityText: severityTexts[1],
    body: encodeCheckpoint(envelope) as unknown as AnyValue, droppedAttributesCount: 0,
    attributes: { 'mxwarden.envelope.id': id, 'mxwarden.envelope.sequence': sequence, 'mxwarden.audit.origin': origin, 'mxwarden.audit.size': size, 'mxwarden.audit.root': root },
  };
}

function heartbeat(envelope: HeartbeatEnvelope, originOf: OriginOf): ReadableLogRecord {
  const { id, sequence, body: { at, intervalMs } } = envelope;
  const beat = encodeHeartbeat(envelope);
  const { sensors_total, sensors_impaired } = beat.unmapped.mxwarden;
  return {
    ...originOf(envelope), hrTime: hrTimeOf(at), hrTimeObserved: hrTimeOf(at),
    eventName: 'mxwarden.heartbeat', severityNumber: severityNumbers[1], severityText: severityTexts[1],
    body: beat as unknown as AnyValue, droppedAttributesCount: 0,
    attributes: {
      'mxwarden.envelope.id': id, 'mxwarden.envelope.sequence': sequence, 'mxwarden.heartbeat.interval': intervalMs,
      'mxwarden.sensors.total': sensors_total, 'mxwarden.sensors.impaired': sensors_impaired,
    },
  };
}

function detection(envelope: IncidentEnvelope, originOf: OriginOf): ReadableLogRecord {
  const alert = encodeOcsf(envelope);
  return {
    ...originOf(envelope),
    hrTime: hrTimeOf(envelope.body.changedAt), hrTimeObserved: hrTimeOf(envelope.body.changedAt),
    eventName: 'mxwarden.detection', severityNumber: severityNumbers[alert.severity_id], severityText: severityTexts[alert.severity_id],
    body: alert as unknown as AnyValue, attributes: attributesOf(envelope, alert), droppedAttributesCount: 0,
  };
}

const safe = (text: string | null | undefined): string | undefined => (typeof text === 'string' ? safeText(text, 256) : undefined);

function attributesOf(envelope: IncidentEnvelope, alert: DetectionFinding): Attributes {
  const { body: incident } = envelope;
  const leading = findingsOf(incident)[0];
  const file = alert.evidences.find(evidence => evidence.name === 'model artifact')?.file;
  const process = alert.actor?.process;
  const container = incident.loader?.container;
  return present<Attributes>({
    'mxwarden.incident.id': alert.finding_info.uid, 'mxwarden.incident.revision': incident.revision, 'mxwarden.incident.status': incident.status,
    'mxwarden.envelope.id': envelope.id, 'mxwarden.envelope.sequence': envelope.sequence,
    'security_rule.name': alert.finding_info.analytic?.name, 'security_rule.uuid': alert.finding_info.analytic?.uid,
    'security_rule.category': alert.finding_info.analytic?.category, 'security_rule.description': alert.finding_info.desc,
    'security_rule.ruleset.name': leading && 'mxwarden', 'security_rule.version': leading && envelope.version,
    'file.path': file?.path, 'file.name': file?.name, 'file.size': file?.size, 'mxwarden.file.sha256': file?.hashes?.[0]?.value,
    'process.pid': process?.pid, 'process.executable.path': process?.path, 'process.executable.name': process?.name,
    'process.command_line': process?.cmd_line, 'process.real_user.id': incident.loader?.uid,
    'container.id': safe(container?.id), 'k8s.pod.uid': safe(container?.podUid),
  });
}
