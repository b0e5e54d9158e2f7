import test from 'ava';
import fc from 'fast-check';
import type { Answer, OtlpResponse } from '../../../forwarders/wire/otlp-answers.ts';
import { judgeGrpcStatus, judgeHttpAnswer, judgeHttpError, retryAfterMs, retryInfoMs } from '../../../forwarders/wire/otlp-answers.ts';
import { quoter } from '../../../forwarders/wire/verdict.ts';

const quote = quoter(['Bearer abc']);
const now = Date.UTC(2026, 10, 24);
const short = (answer: Answer): string => (answer.outcome === 'refused' ? `refused ${answer.how}` : answer.outcome);
const judge = (status: number, headers: Record<string, string> = {}, body = '', parse: () => OtlpResponse = () => ({})): Answer =>
  judgeHttpAnswer({ status, headers, body: Buffer.from(body) }, 3, parse, quote, now);

const statuses: Readonly<Record<string, readonly number[]>> = {
  taken: [200, 202, 204], retry: [408, 429, 500, 502, 503, 504, 599],
  'refused split': [400, 413, 422], configuration: [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 415, 418],
};
for (const [outcome, codes] of Object.entries(statuses)) {
  for (const code of codes) test(`HTTP ${code}: ${outcome}`, t => { t.is(short(judge(code)), outcome); });
}

test('a success counts only with an empty body or an OTLP response: a login page is none', t => {
  t.is(short(judge(200, { 'content-type': 'application/x-protobuf' }, 'x')), 'taken');
  t.is(short(judge(200, { 'content-type': 'application/json; charset=utf-8' }, '{}')), 'taken');
  for (const [headers, body] of [[{ 'content-type': 'text/html' }, '<html>'], [{}, 'x'], [{ 'content-type': 'application/json' }, '<html>'], [{ 'content-type': 'application/json' }, 'null']] as const) {
    const answer = judge(200, headers, body);
    t.is(short(answer), 'configuration', body);
    t.regex('reason' in answer ? answer.reason : '', /proxy or login page/);
  }
  t.is(short(judge(200, { 'content-type': 'application/x-protobuf' }, 'x', () => { throw new Error('truncated'); })), 'configuration');
});

test('a partial success refuses the batch for good, with the receiver\'s words; a mere warning refuses nothing', t => {
  const partial = (rejectedLogRecords: number, errorMessage: string) => judge(200, { 'content-type': 'application/x-protobuf' }, 'x', () => ({ partialSuccess: { rejectedLogRecords, errorMessage } }));
  t.deepEqual(partial(2, 'too old'), { outcome: 'refused', how: 'final', reason: 'the receiver refused 2 of 3 records and does not say which; the others it has: too old' });
  t.deepEqual(partial(3, 'too old'), { outcome: 'refused', how: 'final', reason: 'the receiver refused all 3 records: too old' });
  t.deepEqual(partial(0, 'slow down'), { outcome: 'taken', warning: 'slow down' });
  t.is(short(judge(200, { 'content-type': 'application/json' }, '{"partialSuccess":{"rejectedLogRecords":"1"}}')), 'refused final');
});

test('the receiver says how long to wait, in seconds or by a date, within reason', t => {
  t.deepEqual(['7', '0', 'Tue, 24 Nov 2026 00:01:00 GMT', 'Tue, 24 Nov 2020 00:00:00 GMT', '99999999', 'soon', undefined].map(header => retryAfterMs(header, now)),
    [7_000, 0, 60_000, 0, 3_600_000, undefined, undefined]);
  t.like(judge(429, { 'retry-after': '7' }), { outcome: 'retry', afterMs: 7_000 });
});

test('what the receiver says is quoted without our secrets and without power over a terminal', t => {
  const answer = judge(401, {}, 'bad token Bearer abc\n\u001b[2J');
  t.regex('reason' in answer ? answer.reason : '', /status 401: bad token \*\*\* \\x1b\[2J$/);
});

const socketCodes: readonly (readonly [string, string])[] = [
  ['ECONNREFUSED', 'retry'], ['ECONNRESET', 'retry'], ['ENOTFOUND', 'retry'], ['EAI_AGAIN', 'retry'], ['EPIPE', 'retry'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'configuration'], ['ERR_TLS_CERT_ALTNAME_INVALID', 'configuration'], ['EPROTO', 'configuration'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'configuration'], ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'configuration'], ['ERR_SSL_WRONG_VERSION_NUMBER', 'configuration'],
];
for (const [code, outcome] of socketCodes) {
  test(`HTTP client error ${code}: ${outcome}`, t => { t.is(judgeHttpError(Object.assign(new Error('x'), { code }), quote).outcome, outcome as 'retry'); });
}
test('no answer in time is worth another try', t => { t.is(judgeHttpError(new DOMException('', 'TimeoutError'), quote).outcome, 'retry'); });

const grpc: readonly (readonly [code: number, message: string, outcome: string])[] = [
  [1, '', 'retry'], [2, 'boom', 'refused doubtful'], [2, 'Received HTTP status code 500', 'configuration'], [3, '', 'refused split'], [4, '', 'retry'], [5, '', 'configuration'], [7, '', 'configuration'],
  [8, 'queue full', 'retry'], [8, 'grpc: received message larger than max (5 vs. 4)', 'refused split'], [10, '', 'retry'], [11, '', 'retry'], [12, '', 'configuration'], [13, '', 'refused doubtful'],
  [14, 'No connection established. Last error: connect ECONNREFUSED', 'retry'], [14, 'Last error: unable to verify the first certificate', 'configuration'],
  [14, 'tlsv13 alert certificate required', 'configuration'], [15, '', 'retry'], [16, '', 'configuration'], [99, '', 'configuration'],
];
for (const [code, message, outcome] of grpc) test(`gRPC status ${code} ${message}: ${outcome}`, t => { t.is(short(judgeGrpcStatus(code, message, undefined, quote)), outcome); });

const field = (number: number, bytes: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.of(number * 8 + 2, bytes.length), bytes]);
test('RetryInfo is found among the details, and honoured', t => {
  const info = field(1, Uint8Array.of(8, 3, 16, 0x80, 0xca, 0xb5, 0xee, 0x01)); // 3 s and 500,000,000 ns
  const any = (url: string, value: Uint8Array): Uint8Array => field(3, Buffer.concat([field(1, Buffer.from(url)), field(2, value)]));
  const details = Buffer.concat([Uint8Array.of(8, 14), any('type.googleapis.com/google.rpc.Help', Uint8Array.of(1)), any('type.googleapis.com/google.rpc.RetryInfo', info)]);
  t.is(retryInfoMs(details), 3_500);
  t.like(judgeGrpcStatus(8, 'full', retryInfoMs(details), quote), { outcome: 'retry', afterMs: 3_500 });
  t.is(retryInfoMs(Buffer.from('no protobuf')), undefined);
});

test('no bytes in the trailers can hang or break the reader', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
    const wait = retryInfoMs(bytes);
    return wait === undefined || (wait >= 0 && wait <= 3_600_000);
  }));
  t.pass();
});
