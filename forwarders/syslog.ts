import { z } from 'zod';
import { RetryableError } from '../agent/contract/errors.ts';
import type { ForwarderPort, Sink } from '../agent/contract/forwarder.ts';
import { defineForwarder } from '../agent/contract/forwarder.ts';
import { formatConfig } from './encode/format.ts';
import { facilities, type Facility, syslogMessage } from './encode/syslog.ts';
import { pack, reject } from './wire/courier.ts';
import { sendDatagrams, sendFramed } from './wire/syslog.ts';
import { readTls, tlsConfig } from './wire/tls.ts';
import { quoter } from './wire/verdict.ts';

const config = z.strictObject({
  host: z.string().min(1).max(255).default('127.0.0.1'),
  port: z.int().min(1).max(65_535).optional().describe('6514 for tls, 601 for tcp, 514 for udp'),
  protocol: z.enum(['tls', 'tcp', 'udp']).default('tls').describe('udp: nobody can tell whether an alert arrived'),
  tls: tlsConfig.optional(),
  format: formatConfig.default('cef'),
  facility: z.enum(Object.keys(facilities) as [Facility, ...Facility[]]).default('local0'),
  maxMessageBytes: z.int().min(1_024).max(1_048_576).default(8_096).describe('What the receiver takes; alerts are shortened to it'),
  timeoutMs: z.int().min(1_000).max(300_000).default(10_000),
}).refine(({ protocol, tls }) => protocol === 'tls' || tls === undefined, { error: 'tls is set, and protocol is not tls' });
export type SyslogConfig = z.infer<typeof config>;

const usualPorts = { tls: 6_514, tcp: 601, udp: 514 } as const;

/** Alerts as syslog messages (RFC 5424) over TLS (RFC 5425), TCP with octet counting (RFC 6587) or UDP (RFC 5426). */
export default defineForwarder({
  name: 'syslog', optIn: true, config,
  async open(settings, port) { return openSyslog(settings, port); },
});

function openSyslog(settings: SyslogConfig, { log }: ForwarderPort): Sink {
  const { host, protocol, timeoutMs } = settings;
  const target = { host, port: settings.port ?? usualPorts[protocol], timeoutMs };
  const quote = quoter([]);
  if (protocol !== 'tls') log.warn(`syslog: ${protocol} without TLS: whoever is on the network can read and change the alerts`);
  return {
    async send(batch, signal) {
      if (signal.aborted) throw new RetryableError('stopped before it was sent');
      const { parcels, unwanted } = pack(batch.filter(envelope => envelope.type !== 'checkpoint'), envelope => syslogMessage(envelope, settings, process.pid));
      const messages = parcels.map(({ value }) => value);
      if (messages.length > 0 && protocol === 'udp') await sendDatagrams(target, messages, quote);
      else if (messages.length > 0) await sendFramed(target, protocol === 'tls' ? await readTls(settings.tls ?? {}) : null, messages, quote, signal);
      reject(unwanted);
    },
    async [Symbol.asyncDispose]() { /* no connection outlives its batch */ },
  };
}
