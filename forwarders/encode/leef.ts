import { gistOf } from './gist.ts';
import type { DetectionFinding } from './ocsf-schema.ts';
import { cutText } from './words.ts';

const severities = { 1: 1, 2: 3, 3: 5, 4: 8, 5: 10 } as const;

/**
 * The alert as one line of QRadar's Log Event Extended Format 2.0: `LEEF:2.0|vendor|product|version|rule|x09|attributes`
 * divided by tabs. The format knows no escape, so what divides attributes or lines becomes a blank. No value is longer
 * than `limit` characters. Pure.
 */
export function encodeLeef(alert: DetectionFinding, limit: number): string {
  const { metadata: { product }, finding_info: { analytic } } = alert;
  return leefLine([product.vendor_name, product.name, product.version, cutText(analytic?.uid ?? 'incident', limit)], attributesOf(alert), limit);
}

type LeefAttribute = readonly [key: string, value: string | number | undefined];

/** Header of four parts and attributes, cleaned; attributes without a value are left out. */
export function leefLine(header: readonly string[], attributes: readonly LeefAttribute[], limit: number): string {
  const told = attributes.flatMap(([key, value]) => value === undefined || value === '' ? [] : [`${key}=${cutText(String(value), limit).replaceAll(/[\t\r\n]/g, ' ')}`]);
  return `LEEF:2.0|${header.map(part => part.replaceAll(/[|\t\r\n]/g, ' ')).join('|')}|x09|${told.join('\t')}`;
}

function attributesOf(alert: DetectionFinding): readonly LeefAttribute[] {
  const { finding_info: info, metadata, device } = alert;
  const { artifact, loader, child, container, reached, techniques } = gistOf(alert);
  return [
    // Milliseconds since 1970 need no devTimeFormat.
    ['devTime', alert.time], ['sev', severities[alert.severity_id]], ['cat', info.types[0]], ['identHostName', device.hostname], ['src', device.ip],
    ['dst', reached?.dst_endpoint?.ip], ['dstPort', reached?.dst_endpoint?.port], ['proto', reached?.connection_info?.protocol_name], ['usrName', loader?.user?.uid],
    ['resource', artifact?.path], ['fileHash', artifact?.hashes?.[0]?.value], ['fileSize', artifact?.size],
    ['processPath', loader?.path], ['processId', loader?.pid], ['commandLine', loader?.cmd_line], ['childCommandLine', child?.cmd_line], ['childProcessId', child?.pid],
    ['containerId', container?.uid], ['incident', info.uid], ['action', alert.activity_name], ['alertId', metadata.uid], ['deviceId', device.uid],
    ['techniques', techniques.join(',')], ['finding', info.desc], ['msg', alert.message],
  ];
}
