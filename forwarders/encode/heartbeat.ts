import type { HeartbeatEnvelope, SensorLife } from '../../agent/contract/forwarder.ts';
import { cefLine, custom } from './cef.ts';
import { deviceOf } from './device.ts';
import { ecsVersion } from './ecs.ts';
import { present } from './evidence.ts';
import { leefLine } from './leef.ts';
import { unmappedSchema } from './ocsf.ts';
import { isoTime } from './story.ts';
import { cutText, safeText } from './words.ts';

/** More sensors than this are counted, not named; with less room for texts, fewer. */
const mostSensors = 32;
const roomForSensors = 64;

export type HeartbeatEvent = ReturnType<typeof encodeHeartbeat>;

/**
 * That the agent lives, as an OCSF 1.8 Application Lifecycle event (6002) of the application mxwarden. OCSF has no activity
 * for it, so it is 99, Other; its status is Success when every sensor works. How each sensor is stands in
 * `unmapped.mxwarden.sensors`. No text is longer than `limit`.
 */
export function encodeHeartbeat({ id, sequence, host, version, body }: HeartbeatEnvelope, limit = 1_024) {
  const impaired = body.sensors.filter(isImpaired);
  const isWell = impaired.length === 0 && body.storeFailure === null;
  const told = limit < roomForSensors ? [] : body.sensors.slice(0, mostSensors);
  return {
    activity_id: 99, activity_name: 'Heartbeat', category_uid: 6, category_name: 'Application Activity', class_uid: 6002, class_name: 'Application Lifecycle',
    type_uid: 600_299, type_name: 'Application Lifecycle: Other', time: Math.trunc(body.at), start_time: Math.trunc(body.startedAt), timezone_offset: 0,
    severity_id: 1, severity: 'Informational', ...isWell ? { status_id: 1, status: 'Success' } : { status_id: 99, status: 'Impaired' },
    message: safeText(body.title, limit), app: { name: 'mxwarden', vendor_name: 'mxwarden', version },
    metadata: {
      version: '1.8.0', uid: id, product: { name: 'mxwarden', vendor_name: 'mxwarden', version }, profiles: ['host'],
      log_name: 'heartbeats', log_provider: 'mxwarden', sequence,
    },
    device: deviceOf(host),
    unmapped: {
      mxwarden: {
        schema: unmappedSchema, interval_ms: body.intervalMs, events: body.events, open_incidents: body.openIncidents,
        store_failure: body.storeFailure === null ? null : safeText(body.storeFailure, limit),
        sensors_total: body.sensors.length, sensors_impaired: impaired.length,
        sensors: told.map(({ name, state, level, reason, spokeAt }) => ({
          name: safeText(name, 64), state: safeText(state, 64), level: level === null ? null : safeText(level, 64),
          reason: reason === null ? null : safeText(reason, Math.min(limit, 256)), spoke: spokeAt === null ? null : isoTime(spokeAt),
        })),
      },
    },
  };
}

export const isImpaired = ({ state }: SensorLife): boolean => state !== 'armed';

/** OCSF 1.1.0 has the same class, without the kernel's release. */
export function heartbeatAsOcsf11({ metadata, device, ...beat }: HeartbeatEvent): Record<string, unknown> {
  const { kernel_release, ...os } = device.os;
  return { ...beat, metadata: { ...metadata, version: '1.1.0' }, device: { ...device, os }, unmapped: { ...beat.unmapped, kernel_release } };
}

export function heartbeatAsEcs({ time, start_time, message, metadata, device, unmapped, status_id }: HeartbeatEvent): Record<string, unknown> {
  return {
    '@timestamp': isoTime(time), ecs: { version: ecsVersion }, message,
    event: {
      kind: 'event', category: ['host'], type: ['info'], action: 'heartbeat', id: metadata.uid, outcome: status_id === 1 ? 'success' : 'unknown', severity: 1,
      module: 'mxwarden', dataset: 'mxwarden.heartbeats', provider: metadata.log_provider, sequence: metadata.sequence, start: isoTime(start_time), created: isoTime(time),
    },
    host: present({ hostname: device.hostname, name: device.hostname, id: device.uid, ip: device.ip ? [device.ip] : undefined, os: { type: 'linux', full: device.os.name, kernel: device.os.kernel_release } }),
    observer: { vendor: metadata.product.vendor_name, product: metadata.product.name, version: metadata.product.version, type: 'host-agent', hostname: device.hostname },
    tags: ['mxwarden', 'mxnet'], mxwarden: unmapped.mxwarden,
  };
}

/** `mxnet armed tracefs, network down`. */
const sensorsText = ({ unmapped: { mxwarden: { sensors } } }: HeartbeatEvent): string =>
  sensors.map(({ name, state, level }) => `${name} ${state}${level === null ? '' : ` ${level}`}`).join(', ');

export function heartbeatAsCef(beat: HeartbeatEvent, limit: number): string {
  const { metadata: { product, uid }, device, message, time, start_time, unmapped: { mxwarden } } = beat;
  const sixth = device.ip?.includes(':') === true;
  const header = [product.vendor_name, product.name, product.version, 'heartbeat', cutText(message, Math.min(limit, 512)), '0'];
  return cefLine(header, [
    ['rt', time], ['start', start_time], ['cat', 'Heartbeat'], ['act', 'Heartbeat'], ['outcome', beat.status], ['externalId', uid], ['dvchost', device.hostname],
    ['deviceExternalId', device.uid], ['dvc', sixth ? undefined : device.ip], ...custom('c6a1', 'device address', sixth ? device.ip : undefined),
    ['cn1', mxwarden.interval_ms], ['cn1Label', 'milliseconds to the next'], ...custom('cs1', 'sensors', sensorsText(beat)), ['msg', message],
  ], limit);
}

export function heartbeatAsLeef(beat: HeartbeatEvent, limit: number): string {
  const { metadata: { product, uid }, device, message, time, unmapped: { mxwarden } } = beat;
  return leefLine([product.vendor_name, product.name, product.version, 'heartbeat'], [
    ['devTime', time], ['sev', 1], ['cat', 'Heartbeat'], ['identHostName', device.hostname], ['src', device.ip], ['action', 'Heartbeat'], ['alertId', uid],
    ['deviceId', device.uid], ['outcome', beat.status], ['intervalMs', mxwarden.interval_ms], ['sensors', sensorsText(beat)], ['msg', message],
  ], limit);
}
