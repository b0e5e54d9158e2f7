/**
 * The variables of the OpenTelemetry specification ("OpenTelemetry Protocol Exporter") for logs: what stands under
 * OTEL_EXPORTER_OTLP_LOGS_… wins over OTEL_EXPORTER_OTLP_…; an empty one counts as unset. Pure; values are not checked here.
 */
export interface OtlpEnvironment {
  readonly protocol?: string;
  readonly endpoint?: string;
  /** The endpoint is that of logs, to be used as it is. */
  readonly exact?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly compression?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export function otlpEnvironment(env: Readonly<Record<string, string | undefined>>): OtlpEnvironment {
  const own = (name: string) => env[`OTEL_EXPORTER_OTLP_LOGS_${name}`] || undefined;
  const read = (name: string) => own(name) ?? (env[`OTEL_EXPORTER_OTLP_${name}`] || undefined);
  const given = <Key extends string, Value>(key: Key, value: Value | undefined) => (value === undefined ? {} : { [key]: value } as { [Name in Key]: Value });
  const headers = read('HEADERS');
  const timeout = read('TIMEOUT');
  const tls = { ...given('ca', read('CERTIFICATE')), ...given('cert', read('CLIENT_CERTIFICATE')), ...given('key', read('CLIENT_KEY')) };
  return {
    ...given('protocol', read('PROTOCOL')), ...given('endpoint', read('ENDPOINT')), ...own('ENDPOINT') === undefined ? {} : { exact: true },
    ...headers === undefined ? {} : { headers: headersOf(headers) }, ...given('timeoutMs', timeout === undefined ? undefined : Number(timeout)),
    ...given('compression', read('COMPRESSION')), ...Object.keys(tls).length > 0 ? { tls } : {},
  };
}

/** `name=value,name=value`, percent-encoded (W3C Baggage without properties). What has no name is left out. */
function headersOf(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').flatMap(part => {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    return at < 1 || name === '' ? [] : [[decode(name), decode(part.slice(at + 1).trim())]];
  }));
}

function decode(text: string): string {
  try { return decodeURIComponent(text); } catch { return text; /* A stray percent sign stands for itself. */ }
}
