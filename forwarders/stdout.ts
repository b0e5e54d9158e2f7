import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { z } from 'zod';
import { RetryableError } from '../agent/contract/errors.ts';
import type { HeartbeatEnvelope, IncidentEnvelope, Sink } from '../agent/contract/forwarder.ts';
import { defineForwarder } from '../agent/contract/forwarder.ts';
import { type AlertFormat, encodeAs, formats } from './encode/format.ts';
import type { Paint } from './encode/terminal.ts';
import { marksOf, renderIncident } from './encode/terminal.ts';
import { pack, reject } from './wire/courier.ts';

const config = z.strictObject({
  format: z.enum(['auto', 'text', 'json', ...formats]).default('auto').describe('auto: text on a terminal, one OCSF object a line (json) elsewhere'),
});

/** Alerts on standard output: told to people on a terminal, one OCSF object a line for programs. */
export default defineForwarder({
  name: 'stdout',
  config,
  async open({ format }) { return openStdout(process.stdout, format === 'auto' ? process.stdout.isTTY === true ? 'text' : 'ocsf' : format === 'json' ? 'ocsf' : format); },
});

/** How many incidents' told chapters are remembered; one beyond them is told again from its beginning. */
const remembered = 200;
/** A reader that went away cannot come back. */
const goneMs = 300_000;

function openStdout(out: WriteStream, format: AlertFormat | 'text'): Sink {
  const tell = format === 'text' ? storyteller((styles, text) => styleText(styles, text, { stream: out })) : asLines(format);
  let unread: Promise<void> | null = null;
  let gone = false;
  // Without a listener a reader that went away (`mxwarden run | head`) would end the agent.
  const onError = (): void => { gone = true; };
  out.on('error', onError);
  return {
    async send(batch, signal) {
      if (gone) throw new RetryableError('nobody reads standard output any more; what is not told yet is told at the next start', { afterMs: goneMs });
      if (unread !== null) throw new RetryableError('the reader of standard output is slow: the batch before is still unread');
      const told = batch.filter(envelope => envelope.type !== 'checkpoint');
      const { parcels, unwanted } = pack(told, tell.encode);
      unread = write(out, parcels.map(({ value }) => value).join('')).finally(() => { unread = null; });
      try { await untilAborted(unread, signal); } catch (error) {
        for (const { type, body } of told) if (type === 'incident') tell.forget(body.id);
        throw error;
      }
      reject(unwanted);
    },
    async [Symbol.asyncDispose]() { out.off('error', onError); },
  };
}

type Told = IncidentEnvelope | HeartbeatEnvelope;

const asLines = (format: AlertFormat) => ({ encode: (envelope: Told): string => `${encodeAs(format, envelope)}\n`, forget: (): void => {} });

/** Tells of each incident only what it has not told before. A terminal is itself the sign that the agent lives. */
function storyteller(paint: Paint) {
  const known = new Map<string, ReadonlySet<string>>();
  return {
    encode(envelope: Told): string {
      if (envelope.type === 'heartbeat') return '';
      const { id, status } = envelope.body;
      const text = renderIncident(envelope.body, known.get(id) ?? new Set(), paint);
      known.delete(id);
      if (status !== 'closed') known.set(id, marksOf(envelope.body));
      const oldest = known.keys().next();
      if (known.size > remembered && !oldest.done) known.delete(oldest.value);
      return text;
    },
    forget(id: string): void { known.delete(id); },
  };
}

function write(out: WriteStream, text: string): Promise<void> {
  const { promise, resolve, reject: fail } = Promise.withResolvers<void>();
  out.write(text, error => {
    if (error) fail(new RetryableError(`standard output cannot be written (${(error as NodeJS.ErrnoException).code ?? error.message})`, { afterMs: goneMs }));
    else resolve();
  });
  return promise;
}

/** A paused reader holds the text up, not the agent; the text is in the stream's hands, so it may yet be read. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject: fail } = Promise.withResolvers<void>();
  const stop = (): void => { fail(new RetryableError('the reader of standard output is slow (it may yet be read)')); };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  void work.then(resolve, fail).finally(() => { signal.removeEventListener('abort', stop); });
  return promise;
}
