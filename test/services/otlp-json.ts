/** The file exporter's lines (OTLP/JSON) as plain values. */
export type Plain = null | string | number | bigint | boolean | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain };
export type PlainMap = { readonly [key: string]: Plain };

export type LogRecord = {
  readonly eventName: string;
  readonly severityNumber: number;
  readonly severityText: string;
  /** Nanoseconds since 1970; 0 when the sender gave none. */
  readonly time: bigint;
  readonly observedTime: bigint;
  readonly attributes: PlainMap;
  readonly body: Plain;
  readonly resource: PlainMap;
  readonly scope: { readonly name: string; readonly version: string; readonly attributes: PlainMap };
  /** Lower-case hex, empty when there is none. */
  readonly traceId: string;
  readonly spanId: string;
};

type KeyValue = { key: string; value?: AnyValue };
type AnyValue = {
  stringValue?: string; intValue?: string | number; doubleValue?: number | string; boolValue?: boolean; bytesValue?: string;
  arrayValue?: { values?: AnyValue[] }; kvlistValue?: { values?: KeyValue[] };
};
type JsonRecord = {
  timeUnixNano?: string; observedTimeUnixNano?: string; severityNumber?: number; severityText?: string; eventName?: string;
  body?: AnyValue; attributes?: KeyValue[]; traceId?: string; spanId?: string;
};
type JsonScope = { name?: string; version?: string; attributes?: KeyValue[] };
export type LogsLine = {
  resourceLogs?: { resource?: { attributes?: KeyValue[] }; scopeLogs?: { scope?: JsonScope; logRecords?: JsonRecord[] }[] }[];
};

/** Integers become bigint only where a number would be inexact. */
function integerOf(text: string | number): number | bigint {
  const exact = BigInt(text);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

function plainOf(value: AnyValue | undefined): Plain {
  if (value === undefined) return null;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return integerOf(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.bytesValue !== undefined) return Uint8Array.from(Buffer.from(value.bytesValue, 'base64'));
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainOf);
  if (value.kvlistValue !== undefined) return mapOf(value.kvlistValue.values);
  return null;
}

const mapOf = (entries: readonly KeyValue[] = []): PlainMap => Object.fromEntries(entries.map(({ key, value }) => [key, plainOf(value)]));

const recordOf = (record: JsonRecord, scope: JsonScope, resource: PlainMap): LogRecord => ({
  eventName: record.eventName ?? '', severityNumber: record.severityNumber ?? 0, severityText: record.severityText ?? '',
  time: BigInt(record.timeUnixNano ?? 0), observedTime: BigInt(record.observedTimeUnixNano ?? 0),
  attributes: mapOf(record.attributes), body: plainOf(record.body), resource,
  scope: { name: scope.name ?? '', version: scope.version ?? '', attributes: mapOf(scope.attributes) },
  traceId: record.traceId ?? '', spanId: record.spanId ?? '',
});

/** The log records of one line; none when it speaks of metrics or traces. */
export const recordsOf = (line: LogsLine): LogRecord[] =>
  (line.resourceLogs ?? []).flatMap(({ resource, scopeLogs = [] }) =>
    scopeLogs.flatMap(({ scope = {}, logRecords = [] }) =>
      logRecords.map((record) => recordOf(record, scope, mapOf(resource?.attributes)))));
