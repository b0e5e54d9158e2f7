import { createRequire } from 'node:module';
import test from 'ava';
import { judgeKafkaError, rootOf } from '../../../forwarders/wire/kafka-errors.ts';
import { quoter } from '../../../forwarders/wire/verdict.ts';

/** Its own classes, with the arguments that its code gives them: its published types leave most of them out. */
type Errors = Record<`KafkaJS${string}`, new (message: string | Error, details?: object) => Error>;
const kafkajs = createRequire(import.meta.url)('kafkajs/src/errors') as Required<Errors>;
const made = (name: `KafkaJS${string}`, message: string | Error, details: object = {}): Error => {
  const Class = kafkajs[name];
  if (Class === undefined) throw new TypeError(`kafkajs has no ${name} any more`);
  return new Class(message, details);
};

/** The table of what kafkajs 2.2.4 throws against real brokers, row by row. The flags `retriable` are as it really sets them. */
const exceeded = (cause: Error): Error => made('KafkaJSNumberOfRetriesExceeded', cause, { retryCount: 3, retryTime: 500 });
const nonRetriable = (cause: Error): Error => made('KafkaJSNonRetriableError', cause, { cause });
const protocol = (type: string, code: number, retriable = false): Error => made('KafkaJSProtocolError', Object.assign(new Error(`broker says ${type}`), { type, code, retriable }));
const connection = (code: string | undefined, message = `Connection error: ${code}`): Error =>
  made('KafkaJSConnectionError', message, code === undefined ? {} : { broker: '127.0.0.1:9092', code });

const rows: readonly (readonly [situation: string, thrown: unknown, outcome: string, reason: RegExp])[] = [
  ['broker down', exceeded(connection('ECONNREFUSED')), 'retry', /nobody listens/],
  ['broker down after connect', nonRetriable(connection('ECONNREFUSED')), 'retry', /nobody listens/],
  ['name does not resolve', exceeded(connection('ENOTFOUND')), 'retry', /host name is not known/],
  ['peer closes, wrong security protocol', exceeded(made('KafkaJSConnectionClosedError', 'Closed connection', { host: 'x', port: 1 })), 'retry', /check that tls and sasl/],
  ['TLS client on a plaintext port', exceeded(connection('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established')), 'retry', /speak TLS.*secure TLS/],
  ['listener never answers', exceeded(new Error('Broker not connected')), 'retry', /Broker not connected/],
  ['connection timeout', exceeded(connection(undefined, 'Connection timeout')), 'retry', /Connection timeout/],
  ['untrusted CA', exceeded(connection('UNABLE_TO_VERIFY_LEAF_SIGNATURE')), 'configuration', /authority that tls.ca does not name/],
  ['self-signed', exceeded(connection('DEPTH_ZERO_SELF_SIGNED_CERT')), 'configuration', /signed by itself/],
  ['self-signed in chain', exceeded(connection('SELF_SIGNED_CERT_IN_CHAIN')), 'configuration', /authority/],
  ['expired', exceeded(connection('CERT_HAS_EXPIRED')), 'configuration', /expired/],
  ['wrong host name', exceeded(connection('ERR_TLS_CERT_ALTNAME_INVALID')), 'configuration', /another host name/],
  ['client certificate missing', exceeded(connection('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE')), 'configuration', /client certificate/],
  ['client certificate of another CA', exceeded(connection('ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN')), 'configuration', /client certificate/],
  ['wrong password', made('KafkaJSSASLAuthenticationError', 'SASL SCRAM SHA512 authentication failed'), 'configuration', /user name or the password/],
  ['mechanism not offered', protocol('UNSUPPORTED_SASL_MECHANISM', 33), 'configuration', /sasl.mechanism/],
  ['no right on the topic', nonRetriable(protocol('TOPIC_AUTHORIZATION_FAILED', 29)), 'configuration', /grant WRITE/],
  ['idempotent without the right', protocol('CLUSTER_AUTHORIZATION_FAILED', 31), 'configuration', /IDEMPOTENT_WRITE/],
  ['unknown topic', exceeded(protocol('UNKNOWN_TOPIC_OR_PARTITION', 3, true)), 'configuration', /topic does not exist/],
  ['bad topic name', nonRetriable(protocol('INVALID_TOPIC_EXCEPTION', 17)), 'configuration', /topic name/],
  ['too few replicas', exceeded(protocol('NOT_ENOUGH_REPLICAS', 19, true)), 'retry', /too few replicas/],
  ['replicas too slow', exceeded(protocol('REQUEST_TIMED_OUT', 7, true)), 'retry', /may be stored already/],
  ['leader moved', exceeded(protocol('NOT_LEADER_FOR_PARTITION', 6, true)), 'retry', /NOT_LEADER/],
  ['batch or record too large', protocol('MESSAGE_TOO_LARGE', 10), 'refused split', /larger than/],
  ['value undefined', made('KafkaJSNonRetriableError', 'Invalid message without value for topic "x"'), 'refused split', /no valid record/],
  ['value not a string', Object.assign(new TypeError('The "string" argument must be of type string'), { code: 'ERR_INVALID_ARG_TYPE' }), 'refused split', /no valid record/],
  ['record refused by the broker', protocol('INVALID_RECORD', 87), 'refused doubtful', /INVALID_RECORD/],
  ['codec not registered', made('KafkaJSNotImplemented', 'Snappy compression not implemented'), 'configuration', /cannot do this/],
  ['send before connect', made('KafkaJSError', 'The producer is disconnected'), 'retry', /disconnected/],
  ['sequence lost', protocol('OUT_OF_ORDER_SEQUENCE_NUMBER', 45), 'retry', /OUT_OF_ORDER/],
  ['request timed out', exceeded(made('KafkaJSRequestTimeoutError', 'Request Produce timed out', { broker: 'x', clientId: 'y', correlationId: 1, createdAt: 1, sentAt: 1, pendingDuration: 1 })), 'retry', /no answer in time/],
  ['a clock an hour ahead', protocol('INVALID_TIMESTAMP', 32), 'configuration', /clock/],
  ['what nobody foresaw', new Error('?'), 'retry', /\?/],
  ['no error at all', 'text', 'retry', /text/],
];

const plain = quoter([]);
for (const [situation, thrown, outcome, reason] of rows) {
  test(`${situation}: ${outcome}`, t => {
    const verdict = judgeKafkaError(thrown, plain);
    t.is(verdict.outcome === 'refused' ? `refused ${verdict.how}` : verdict.outcome, outcome);
    t.regex(verdict.reason, reason);
  });
}

test('a chain of causes without an end is not followed for ever', t => {
  const error = new Error('round');
  error.cause = error;
  t.is(rootOf(error).message, 'round');
});

test('what the broker says is quoted without secrets and without power over a terminal', t => {
  const error = made('KafkaJSSASLAuthenticationError', 'no user agent with hunter22\n\u001b[2J');
  t.is(judgeKafkaError(error, quoter(['hunter22'])).reason, 'the broker refuses the user name or the password: no user agent with *** \\x1b[2J');
});
