import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Log } from '../../../agent/contract/component.ts';
import type { Severity } from '../../../agent/contract/finding.ts';
import { type Database, openDatabase } from '../../../agent/store/database.ts';
import type { Stored } from '../../../agent/store/failure.ts';
import type { IncidentEnvelope } from '../../../agent/contract/forwarder.ts';

/** An envelope of about 600 bytes, and more as told. */
export const draft = (id: string, severity: Severity = 'medium', padding = 0): Omit<IncidentEnvelope, 'sequence'> => ({
  id, version: '0.1.0', type: 'incident',
  host: { id: 'b2f1', name: 'ml-7', os: 'Debian GNU/Linux 12', kernel: '6.1.0', addresses: ['192.0.2.7'] },
  body: {
    id: `incident-${id}`, revision: 1, status: 'open', severity, title: `a model started a shell ${'x'.repeat(padding)}`, artifact: null,
    loader: null, story: [], openedAt: 1_795_485_600_000, changedAt: 1_795_485_600_000, gaps: [],
  },
});

export const drafts = (from: number, count: number, severity?: Severity): Omit<IncidentEnvelope, 'sequence'>[] =>
  Array.from({ length: count }, (_, index) => draft(`e${from + index}`, severity));

export interface Line { readonly level: keyof Log; readonly message: string; readonly fields: object | undefined }

/** A log that remembers. */
export function notebook(): Log & { readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const at = (level: keyof Log) => (message: string, fields?: object) => { lines.push({ level, message, fields }); };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A folder that goes with the test. */
export function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mxwarden-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function database(t: ExecutionContext, directory = folder(t)): Database {
  const opened = openDatabase(directory, notebook());
  t.teardown(() => opened[Symbol.dispose]());
  return opened;
}

/** What was stored, or the end of the test. */
export function value<T>(stored: Stored<T>): T {
  if (!stored.stored) throw stored.error;
  return stored.value;
}
