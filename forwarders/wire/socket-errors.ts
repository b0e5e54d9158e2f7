import type { Postponed } from './verdict.ts';
import { configuration, retry } from './verdict.ts';

/** Codes of Node's sockets and of OpenSSL, in an operator's words. Pure. */
const socketReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut (if it goes on: does the far side speak TLS on this port, and do we?)',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name is not known (a typing error, unless the name service is down)',
  EAI_AGAIN: 'the name service does not answer',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};
const tlsReasons: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that tls.ca does not name',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by an authority that tls.ca does not name',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that tls.ca does not name',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that tls.ca does not name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, and tls.ca does not name it',
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock of this host is wrong',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or the clock of this host is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  EPROTO: 'it does not speak TLS on this port',
};
const otherTls = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|CERT_|CRL_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/;
const clientCertificate = /ALERT_(BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/;

/** Null for a code that is none of the network's. */
export function judgeSocketError(code: string): Postponed | null {
  const tls = tlsReasons[code];
  if (tls !== undefined) return configuration(`${tls} (${code})`);
  if (clientCertificate.test(code)) return configuration(`it refuses our client certificate, or wants one: see tls.cert and tls.key (${code})`);
  if (otherTls.test(code)) return configuration(`no TLS connection could be made (${code})`);
  const socket = socketReasons[code];
  return socket === undefined ? null : retry(`${socket} (${code})`);
}
