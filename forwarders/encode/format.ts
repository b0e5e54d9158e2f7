import { z } from 'zod';
import type { HeartbeatEnvelope, IncidentEnvelope } from '../../agent/contract/forwarder.ts';
import { encodeCef } from './cef.ts';
import { encodeEcs } from './ecs.ts';
import { heartbeatAsCef, heartbeatAsEcs, heartbeatAsLeef, heartbeatAsOcsf11, type HeartbeatEvent, encodeHeartbeat } from './heartbeat.ts';
import { encodeLeef } from './leef.ts';
import { encodeOcsf, maxAlertBytes, ocsfLine } from './ocsf.ts';
import { asOcsf11 } from './ocsf-older.ts';
import type { DetectionFinding } from './ocsf-schema.ts';

/** OCSF 1.8 is what mxwarden says; the others are renderings of it for receivers that want them. */
export const formats = ['ocsf', 'ocsf-1.1', 'ecs', 'cef', 'leef'] as const;
export type AlertFormat = (typeof formats)[number];

export const formatConfig = z.enum(formats);

/** MIME type of one alert. */
export const contentType = (format: AlertFormat): string => format === 'cef' || format === 'leef' ? 'text/plain; charset=utf-8' : 'application/json';

/** Longest values of the one-line forms, from generous to bare. */
const valueLimits = [1_024, 512, 256, 128, 64, 32] as const;

/** One alert or heartbeat as one line without its end, at most `most` bytes of UTF-8. Throws RangeError when it cannot be made that short. */
export function encodeAs(format: AlertFormat, envelope: IncidentEnvelope | HeartbeatEnvelope, most = maxAlertBytes): string {
  return envelope.type === 'incident' ? encodeIncident(format, envelope, most) : heartbeatLine(format, envelope, most);
}

function encodeIncident(format: AlertFormat, envelope: IncidentEnvelope, most: number): string {
  switch (format) {
    case 'ocsf': return withinJson(ocsfLine, envelope, most);
    case 'ocsf-1.1': return withinJson(rendered(asOcsf11), envelope, most);
    case 'ecs': return withinJson(rendered(encodeEcs), envelope, most);
    case 'cef': return withinLine(encodeCef, envelope, most);
    case 'leef': return withinLine(encodeLeef, envelope, most);
    default: return format satisfies never;
  }
}

type LineOf = (envelope: IncidentEnvelope, most: number) => string;
const rendered = (render: (alert: DetectionFinding) => unknown): LineOf => (envelope, most) => JSON.stringify(render(encodeOcsf(envelope, most)));

function withinJson(lineOf: LineOf, envelope: IncidentEnvelope, most: number): string {
  // A rendering may be somewhat longer than the alert it was made of.
  for (const room of [most, most * 0.75, most * 0.5]) {
    const line = lineOf(envelope, Math.floor(room));
    if (Buffer.byteLength(line) <= most) return line;
  }
  throw new RangeError(`it cannot be told in ${most} bytes`);
}

function withinLine(render: (alert: DetectionFinding, limit: number) => string, envelope: IncidentEnvelope, most: number): string {
  const alert = encodeOcsf(envelope);
  for (const limit of valueLimits) {
    const line = render(alert, limit);
    if (Buffer.byteLength(line) <= most) return line;
  }
  throw new RangeError(`it cannot be told in ${most} bytes`);
}

function heartbeatLine(format: AlertFormat, envelope: HeartbeatEnvelope, most: number): string {
  for (const limit of valueLimits) {
    const line = renderHeartbeat(format, encodeHeartbeat(envelope, limit), limit);
    if (Buffer.byteLength(line) <= most) return line;
  }
  throw new RangeError(`it cannot be told in ${most} bytes`);
}

function renderHeartbeat(format: AlertFormat, beat: HeartbeatEvent, limit: number): string {
  switch (format) {
    case 'ocsf': return JSON.stringify(beat);
    case 'ocsf-1.1': return JSON.stringify(heartbeatAsOcsf11(beat));
    case 'ecs': return JSON.stringify(heartbeatAsEcs(beat));
    case 'cef': return heartbeatAsCef(beat, limit);
    case 'leef': return heartbeatAsLeef(beat, limit);
    default: return format satisfies never;
  }
}
