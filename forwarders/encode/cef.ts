import { gistOf } from './gist.ts';
import type { DetectionFinding } from './ocsf-schema.ts';
import { cutText } from './words.ts';

const severities = { 1: 1, 2: 3, 3: 5, 4: 8, 5: 10 } as const;
const longestName = 512;

/**
 * The alert as one line of ArcSight's Common Event Format, version 0 ("Implementing ArcSight Common Event Format"):
 * `CEF:0|vendor|product|version|rule|name|severity 0 to 10|fields`. No value is longer than `limit` characters. Pure.
 */
export function encodeCef(alert: DetectionFinding, limit: number): string {
  const { metadata: { product }, finding_info: { analytic }, message, severity_id } = alert;
  const header = [product.vendor_name, product.name, product.version, cutText(analytic?.uid ?? 'incident', limit), cutText(message, Math.min(limit, longestName)), String(severities[severity_id])];
  return cefLine(header, fieldsOf(alert), limit);
}

/** Header of six parts and fields, escaped; fields without a value are left out. */
export function cefLine(header: readonly string[], fields: readonly CefField[], limit: number): string {
  const told = fields.flatMap(([key, value]) => value === undefined || value === '' ? [] : [`${key}=${escapeValue(cutText(String(value), limit))}`]);
  return `CEF:0|${header.map(escapeHeader).join('|')}|${told.join(' ')}`;
}

/** A header has no line breaks, and a backslash before each bar and backslash. */
const escapeHeader = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\|]/g, '\\$&');
/** In a field a backslash stands before each equals sign and backslash, and for line breaks. */
const escapeValue = (text: string): string => text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');

export type CefField = readonly [key: string, value: string | number | undefined];

function fieldsOf(alert: DetectionFinding): readonly CefField[] {
  const { finding_info: info, metadata, device } = alert;
  const { artifact, loader, child, container, reached, techniques } = gistOf(alert);
  const sixth = device.ip?.includes(':') === true;
  return [
    ['rt', alert.time], ['start', alert.start_time], ['end', alert.end_time], ['cat', info.types[0]], ['act', alert.activity_name],
    ['externalId', metadata.uid], ['dvchost', device.hostname], ['deviceExternalId', device.uid], [sixth ? 'c6a1' : 'dvc', device.ip], ...label('c6a1', 'device address', sixth ? device.ip : undefined),
    ['filePath', artifact?.path], ['fname', artifact?.name], ['fsize', artifact?.size], ['fileHash', artifact?.hashes?.[0]?.value],
    ['sproc', loader?.path], ['spid', loader?.pid], ['suid', loader?.user?.uid], ['dproc', child?.cmd_line], ['dpid', child?.pid],
    ['dst', reached?.dst_endpoint?.ip?.includes(':') ? undefined : reached?.dst_endpoint?.ip], ['c6a3', reached?.dst_endpoint?.ip?.includes(':') ? reached.dst_endpoint.ip : undefined],
    ...label('c6a3', 'destination address', reached?.dst_endpoint?.ip?.includes(':') ? reached.dst_endpoint.ip : undefined),
    ['dpt', reached?.dst_endpoint?.port], ['proto', reached?.connection_info?.protocol_name],
    ...custom('cs1', 'incident', info.uid), ...custom('cs2', 'techniques', techniques.join(',')), ...custom('cs3', 'command line', loader?.cmd_line),
    ...custom('cs4', 'container', container?.uid), ...custom('cs5', 'finding', info.desc), ['msg', alert.message],
  ];
}

/** Free fields say beside their value what it is. */
export const custom = (key: string, name: string, value: string | undefined): readonly CefField[] => [[key, value], ...label(key, name, value)];
const label = (key: string, name: string, value: string | undefined): readonly CefField[] => value === undefined || value === '' ? [] : [[`${key}Label`, name]];
