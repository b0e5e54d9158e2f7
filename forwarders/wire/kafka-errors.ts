import { judgeSocketError } from './socket-errors.ts';
import type { Quote, Verdict } from './verdict.ts';
import { configuration, refused, retry } from './verdict.ts';

/**
 * What kafkajs throws, judged by its root cause. Neither `.retriable` can be used: the outer one is false while a
 * broker restarts, the inner one true for a wrong certificate authority. Pure.
 */
const configurations: Readonly<Record<string, string>> = {
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not offer this sasl.mechanism',
  ILLEGAL_SASL_STATE: 'the broker expects no SASL on this port, or another kind',
  SASL_AUTHENTICATION_FAILED: 'the broker refuses the user name or the password',
  TOPIC_AUTHORIZATION_FAILED: 'the user may not write to this topic: grant WRITE and DESCRIBE on it',
  CLUSTER_AUTHORIZATION_FAILED: 'the user may not produce idempotently: grant WRITE on the topic or IDEMPOTENT_WRITE on the cluster',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'the user may not produce here',
  UNKNOWN_TOPIC_OR_PARTITION: 'the topic does not exist, or the user may not see it: it is never created by the agent',
  INVALID_TOPIC_EXCEPTION: 'the broker does not accept this topic name',
  SECURITY_DISABLED: 'the broker has no security, but was asked for it',
  POLICY_VIOLATION: 'a policy of the broker forbids this',
  INVALID_REQUIRED_ACKS: 'the broker does not accept acks from all replicas',
  UNSUPPORTED_COMPRESSION_TYPE: 'the broker does not accept gzip',
  UNSUPPORTED_VERSION: 'the broker is of a version that kafkajs cannot speak with',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'the topic has a message format without headers',
  INVALID_TIMESTAMP: 'the broker does not accept our time: is the clock of this host right?',
};
const waits: Readonly<Record<string, string>> = {
  NOT_ENOUGH_REPLICAS: 'too few replicas are in sync',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'too few replicas are in sync (it may be stored already)',
  REQUEST_TIMED_OUT: 'the replicas did not confirm in time (it may be stored already)',
};
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

interface Root { readonly name: string; readonly message: string; readonly type: string | null; readonly code: string | null }

export function rootOf(error: unknown): Root {
  let root: unknown = error;
  for (let depth = 0; depth < 16 && root instanceof Error && root.cause; depth += 1) root = root.cause;
  if (!(root instanceof Error)) return { name: 'Error', message: String(root), type: null, code: null };
  const { type, code } = root as Error & { type?: unknown; code?: unknown };
  return { name: root.name, message: root.message, type: typeof type === 'string' ? type : null, code: typeof code === 'string' ? code : null };
}

/** `quote` keeps secrets and control characters of the broker's own words out of the reason. */
export function judgeKafkaError(error: unknown, quote: Quote): Verdict {
  const { name, message, type, code } = rootOf(error);
  const words = quote(message);
  if (type !== null) return judgeProtocolError(type, words);
  switch (name) {
    case 'KafkaJSSASLAuthenticationError': return configuration(`the broker refuses the user name or the password: ${words}`);
    case 'KafkaJSNotImplemented': return configuration(`kafkajs cannot do this: ${words}`);
    case 'KafkaJSConnectionClosedError':
      return retry('the broker closed the connection (if it goes on: check that tls and sasl are what this port expects)');
    case 'KafkaJSRequestTimeoutError': return retry(`no answer in time (it may be stored already): ${words}`);
    default: break;
  }
  const socket = code === null ? null : judgeSocketError(code);
  if (socket) return { ...socket, reason: `${socket.reason}: ${words}` };
  // Only our own fault brings these: kafkajs looks at the record before it speaks to anyone.
  if (code === 'ERR_INVALID_ARG_TYPE' || words.startsWith('Invalid message without value')) return refused('split', `no valid record: ${words}`);
  return retry(words === '' ? name : words);
}

function judgeProtocolError(type: string, words: string): Verdict {
  if (tooLarge.has(type)) return refused('split', `larger than the broker or the topic accepts (${type})`);
  if (type === 'INVALID_RECORD') return refused('doubtful', `the broker does not accept this record (${type})`);
  const why = configurations[type];
  if (why !== undefined) return configuration(`${why} (${type})`);
  return retry(`${waits[type] ?? words} (${type})`);
}
