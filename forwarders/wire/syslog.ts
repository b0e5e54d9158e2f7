import { createSocket } from 'node:dgram';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RetryableError } from '../../agent/contract/errors.ts';
import type { Quote } from './verdict.ts';
import { errorOf } from './verdict.ts';
import { judgeSocketError } from './socket-errors.ts';
import type { TlsMaterial } from './tls.ts';

/** Before we end the stream: a receiver that had closed it before it read anything is heard of in this time. */
const settleMs = 100;

export interface SyslogTarget { readonly host: string; readonly port: number; readonly timeoutMs: number }

/**
 * Frames as RFC 6587 3.4.1 and RFC 5425 4.3 count them: length in bytes, a blank, the message. One connection a batch,
 * closed in order by both ends: syslog has no acknowledgement, and the receiver's own end of the stream after ours is
 * the one sign that it has read to the last byte. Throws RetryableError or MisconfiguredError.
 */
export async function sendFramed(target: SyslogTarget, tls: TlsMaterial | null, messages: readonly string[], quote: Quote, signal: AbortSignal): Promise<void> {
  const { host, port, timeoutMs } = target;
  // Half open, so that our end of the stream does not end the receiver's.
  const plain = connectPlain({ host, port, allowHalfOpen: true });
  const socket = tls === null ? plain : connectTls({ socket: plain, host, ...isIP(host) === 0 && { servername: host }, ...tls });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const give = (error: Error): void => { socket.destroy(); reject(error); };
  const stop = (): void => give(new RetryableError('stopped while sending (some of it may have arrived)'));
  const bytes = Buffer.concat(messages.map(frame));
  let ended = false;
  signal.addEventListener('abort', stop, { once: true });
  socket.setTimeout(timeoutMs, () => give(new RetryableError(ended ? `the receiver has not ended the connection after ${timeoutMs} ms; whether it has read everything is not known` : `no answer in ${timeoutMs} ms`)));
  socket.on('error', error => give(reasonOf(error, quote)));
  socket.on(tls === null ? 'connect' : 'secureConnect', () => socket.write(bytes, () => { setTimeout(end, settleMs); }));
  const end = (): void => {
    ended = true;
    socket.end();
  };
  // Whatever it says is no part of the protocol; read, so that its end is seen.
  socket.resume();
  socket.on('end', () => {
    if (ended) resolve();
    else give(new RetryableError('the receiver closed the connection before it had everything'));
  });
  socket.on('close', () => reject(new RetryableError('the connection was cut before the receiver ended it')));
  try { await promise; } finally {
    signal.removeEventListener('abort', stop);
    destroy(socket);
  }
}

/** A late error of a socket that nobody waits for any more must not end the agent. */
function destroy(socket: Socket) {
  socket.on('error', () => { /* it is over */ });
  socket.destroy();
}

const frame = (message: string): Buffer => {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
};

/** One datagram a message, RFC 5426. Nobody can tell whether one arrived. */
export async function sendDatagrams({ host, port }: SyslogTarget, messages: readonly string[], quote: Quote): Promise<void> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => { /* told by the callback of send */ });
  try {
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(message, port, host, error => error ? reject(reasonOf(error, quote)) : resolve());
      });
    }
  } finally { socket.close(); }
}

function reasonOf(error: Error, quote: Quote): Error {
  const code = 'code' in error ? String(error.code) : '';
  const verdict = judgeSocketError(code);
  return verdict ? errorOf(verdict) : new RetryableError(quote(`${error.message} (${code})`));
}
