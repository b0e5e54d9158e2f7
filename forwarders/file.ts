import { z } from 'zod';
import { RetryableError } from '../agent/contract/errors.ts';
import { defineForwarder } from '../agent/contract/forwarder.ts';
import { encodeAs, formatConfig } from './encode/format.ts';
import { pack, reject } from './wire/courier.ts';
import { fileError } from './wire/file-errors.ts';
import { openJournal } from './wire/journal.ts';

const config = z.strictObject({
  path: z.string().min(1).default('./.mxwarden/alerts.jsonl'),
  format: formatConfig.default('ocsf'),
  maxBytes: z.int().min(4_096).default(104_857_600).describe('Begin a new file before this one grows beyond it; a single batch may be larger'),
  maxAgeHours: z.number().positive().max(87_600).optional().describe('Begin a new file when this one is so old. Default: only when it is full'),
  maxFiles: z.int().min(1).max(1_000).default(5).describe('Rotated files kept beside the current one: path.1 is the newest'),
  fsync: z.boolean().default(true).describe('Off: alerts of the last seconds can be lost with the power'),
});

/** Alerts and heartbeats into a local file, one a line. */
export default defineForwarder({
  name: 'file',
  config,
  async open(settings, { log }) {
    const { maxAgeHours = Infinity, ...plan } = settings;
    const journal = openJournal({ ...plan, maxAgeMs: maxAgeHours * 3_600_000 }, log);
    return {
      async send(batch, signal) {
        if (signal.aborted) throw new RetryableError('stopped before it was written');
        const { parcels, unwanted } = pack(batch.filter(envelope => envelope.type !== 'checkpoint'), envelope => `${encodeAs(settings.format, envelope)}\n`);
        try {
          if (parcels.length > 0) await journal.append(parcels.map(({ value }) => value).join(''));
        } catch (error) { throw fileError(settings.path, error); }
        reject(unwanted);
      },
      async [Symbol.asyncDispose]() { await journal[Symbol.asyncDispose](); },
    };
  },
});
