import type { HttpAnswer } from './post.ts';
import { judgeSocketError } from './socket-errors.ts';
import type { Quote, Verdict } from './verdict.ts';
import { configuration, refused, retry } from './verdict.ts';

/** What an OTLP receiver's answer means. Pure, but for the clock a date in Retry-After is compared with. */
export interface PartialSuccess { readonly rejectedLogRecords?: number; readonly errorMessage?: string }
export interface OtlpResponse { readonly partialSuccess?: PartialSuccess }
export type ParseResponse = (body: Uint8Array) => OtlpResponse;
/** 'taken' may come with a warning of the receiver's. */
export type Answer = { readonly outcome: 'taken'; readonly warning: string | null } | Verdict;

/** No receiver may ask for more silence than this. */
const maxWaitMs = 3_600_000;

export function judgeHttpAnswer({ status, headers, body }: HttpAnswer, sent: number, parse: ParseResponse, quote: Quote, now: number): Answer {
  const said = (): string => {
    const words = quote(new TextDecoder().decode(body.subarray(0, 1_024)).replaceAll('\ufffd', ''));
    return `status ${status}${words === '' ? '' : `: ${words}`}`;
  };
  if (status >= 200 && status < 300) return judgeSuccess(headers['content-type'], body, sent, parse, quote);
  switch (status) {
    case 408: case 429: case 500: case 502: case 503: case 504: return retry(`the receiver is busy or broken, ${said()}`, retryAfterMs(headers['retry-after'], now));
    case 400: case 413: case 422: return refused('split', `the receiver does not accept it, ${said()}`);
    case 401: case 403: case 407: return configuration(`the receiver does not let us in: check the headers and tls.cert, ${said()}`);
    case 404: case 405: case 415: return configuration(`no OTLP/HTTP receiver at this endpoint, ${said()}`);
    default: break;
  }
  if (status >= 300 && status < 400) return configuration(`the endpoint redirects; name the place it redirects to, ${said()}`);
  return status >= 500 ? retry(said(), retryAfterMs(headers['retry-after'], now)) : configuration(`the receiver does not accept us, ${said()}`);
}

/** A login page answers 200 too: only an empty body or an OTLP response counts. */
function judgeSuccess(contentType: string | undefined, body: Uint8Array, sent: number, parse: ParseResponse, quote: Quote): Answer {
  if (body.byteLength === 0) return { outcome: 'taken', warning: null };
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? 'no content type';
  const foreign = configuration(`a success that is no OTLP response (${quote(type)}): a proxy or login page answers in place of the receiver`);
  if (type !== 'application/x-protobuf' && type !== 'application/json') return foreign;
  try {
    return judgePartialSuccess(type === 'application/json' ? parseJson(body) : parse(body), sent, quote);
  } catch {
    return foreign; // whatever is wrong with it, it is not the receiver's word that it has our records
  }
}

function parseJson(body: Uint8Array): OtlpResponse {
  const { partialSuccess } = JSON.parse(new TextDecoder().decode(body)) as { partialSuccess?: Record<keyof PartialSuccess, unknown> };
  if (!partialSuccess) return {};
  return { partialSuccess: { rejectedLogRecords: Number(partialSuccess.rejectedLogRecords ?? 0), errorMessage: String(partialSuccess.errorMessage ?? '') } };
}

/**
 * The receiver says how many it refused, not which, and none may be sent again. So the batch goes to the dead letters
 * whole, with these words: an operator can look for them, and nothing is lost unnoticed.
 */
export function judgePartialSuccess({ partialSuccess }: OtlpResponse, sent: number, quote: Quote): Answer {
  const count = partialSuccess?.rejectedLogRecords ?? 0;
  const words = quote(partialSuccess?.errorMessage ?? '');
  if (!(count > 0)) return { outcome: 'taken', warning: words === '' ? null : words };
  const which = count >= sent ? `all ${sent} records` : `${count} of ${sent} records and does not say which; the others it has`;
  return refused('final', `the receiver refused ${which}: ${words}`);
}

/** Milliseconds from a Retry-After header: seconds, or a date; undefined for neither. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), maxWaitMs);
}

export function judgeHttpError(error: unknown, quote: Quote): Verdict {
  const { code, name, message } = error instanceof Error ? error as NodeJS.ErrnoException : { code: undefined, name: '', message: String(error) };
  if (name === 'AbortError' || name === 'TimeoutError') return retry('no answer in time (it may be stored already)');
  return judgeSocketError(code ?? '') ?? retry(quote(message));
}

const tlsWords = /certificate|self.signed|altname|hostname\/ip does not match|wrong version number|alert/i;
/** gRPC's numbers, in the words of the OTLP specification. */
export function judgeGrpcStatus(code: number, message: string, retryInfoMs: number | undefined, quote: Quote): Verdict {
  const words = quote(message);
  switch (code) {
    case 1: case 4: case 10: case 11: case 15: return retry(`gRPC status ${code}: ${words}`, retryInfoMs);
    case 14:
      return tlsWords.test(message) ? configuration(`no TLS connection could be made: ${words}`) : retry(`the receiver is not there: ${words}`, retryInfoMs);
    // A message above the receiver's limit has this code as well as a receiver that is full.
    case 8:
      return /larger than max|exceeds? (the )?max|too large/i.test(message)
        ? refused('split', `larger than the receiver accepts: ${words}`)
        : retry(`the receiver is full: ${words}`, retryInfoMs ?? 30_000);
    case 3: return refused('split', `the receiver does not accept it: ${words}`);
    case 7: case 16: return configuration(`the receiver does not let us in: ${words}`);
    case 5: case 12: return configuration(`no OTLP/gRPC receiver at this endpoint: ${words}`);
    case 2: case 13: // also grpc-js's own words for an answer that is no gRPC
      return /HTTP status|content-type|protocol/i.test(message)
        ? configuration(`no gRPC receiver at this endpoint: ${words}`)
        : refused('doubtful', `the receiver failed, gRPC status ${code}: ${words}`);
    default: return configuration(`gRPC status ${code}: ${words}`);
  }
}

/** Milliseconds of google.rpc.RetryInfo in the trailer `grpc-status-details-bin`; undefined when it has none or is no protobuf. */
export function retryInfoMs(details: Uint8Array): number | undefined {
  for (const any of fieldsOf(details, 3)) {
    const url = fieldsOf(any, 1)[0];
    if (url === undefined || !new TextDecoder().decode(url).endsWith('/google.rpc.RetryInfo')) continue;
    const delay = fieldsOf(fieldsOf(any, 2)[0] ?? new Uint8Array(), 1)[0] ?? new Uint8Array();
    return Math.min(varintOf(delay, 1) * 1_000 + Math.floor(varintOf(delay, 2) / 1e6), maxWaitMs);
  }
  return undefined;
}

const fieldsOf = (message: Uint8Array, wanted: number): Uint8Array[] =>
  walk(message).flatMap(({ field, bytes }) => (field === wanted && bytes !== null ? [bytes] : []));
const varintOf = (message: Uint8Array, wanted: number): number =>
  walk(message).find(({ field, bytes }) => field === wanted && bytes === null)?.value ?? 0;

/** Top-level fields of a protobuf message, as far as it is one. */
function walk(message: Uint8Array): { field: number; value: number; bytes: Uint8Array | null }[] {
  const found: { field: number; value: number; bytes: Uint8Array | null }[] = [];
  let at = 0;
  const varint = (): number => {
    for (let [value, scale, steps] = [0, 1, 0]; steps < 10 && at < message.length; scale *= 128, steps += 1) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    at = Infinity;
    return 0;
  };
  while (at < message.length && found.length < 64) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    const value = wire === 0 || wire === 2 ? varint() : 0;
    const bytes = wire === 2 && at + value <= message.length ? message.subarray(at, at + value) : null;
    if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
    else if (wire === 2 && bytes) at += value;
    else if (wire !== 0) break;
    found.push({ field, value, bytes });
  }
  return found;
}
