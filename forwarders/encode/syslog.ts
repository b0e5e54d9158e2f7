import type { HeartbeatEnvelope, IncidentEnvelope } from '../../agent/contract/forwarder.ts';
import { type AlertFormat, encodeAs } from './format.ts';
import { findingsOf } from './ocsf.ts';
import { isoTime } from './story.ts';

/** RFC 5424 6.2.1. */
export const facilities = {
  user: 1, daemon: 3, auth: 4, authpriv: 10, local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23,
} as const;
export type Facility = keyof typeof facilities;

const severities = { critical: 2, high: 3, medium: 4, low: 5, info: 6 } as const;
const nothing = '-';

/**
 * One message of RFC 5424: header, `origin` (7.2), the alert or heartbeat in `format` as its text. At most `most` bytes of UTF-8.
 * No byte order mark: receivers that look for `CEF:` or `{` at the beginning do not expect one. Throws RangeError when
 * the alert cannot be made that short.
 */
export function syslogMessage(envelope: IncidentEnvelope | HeartbeatEnvelope, { facility, format, maxMessageBytes }: { readonly facility: Facility; readonly format: AlertFormat; readonly maxMessageBytes: number }, pid: number): string {
  const { host, version } = envelope;
  const { severity, at, name } = envelope.type === 'heartbeat'
    ? { severity: 'info' as const, at: envelope.body.at, name: 'heartbeat' }
    : { severity: envelope.body.severity, at: envelope.body.changedAt, name: findingsOf(envelope.body)[0]?.rule ?? 'incident' };
  const priority = facilities[facility] * 8 + severities[severity];
  const origin = `[origin software="mxwarden" swVersion="${parameter(version)}"]`;
  const header = `<${priority}>1 ${isoTime(at)} ${printable(host.name, 255)} mxwarden ${pid} ${printable(name, 32)} ${origin} `;
  return `${header}${encodeAs(format, envelope, maxMessageBytes - Buffer.byteLength(header))}`;
}

/** PRINTUSASCII of RFC 5424 6: no blanks, no controls. */
const printable = (text: string, most: number): string => text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, most) || nothing;
/** RFC 5424 6.3.3. */
const parameter = (text: string): string => text.replaceAll(/["\\\]]/g, '\\$&');
