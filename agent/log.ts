import { writeSync } from 'node:fs';
import { styleText } from 'node:util';
import pino from 'pino';
import type { Log } from './contract/component.ts';
import { escapeText } from './contract/text.ts';

export interface LogOptions { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'text' | 'json' }

/** Logs go to stderr: JSON where a service manager or a pipe reads, plain lines on a terminal. */
export function createLog({ level, format }: LogOptions): Log {
  const text = format === 'text' || (format === 'auto' && process.stderr.isTTY === true && process.env.JOURNAL_STREAM === undefined);
  const logger = pino({ level, base: null, serializers: { error: serializeError } }, { write: line => put(text ? asText(line) : line) });
  const at = (name: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields: object = {}) => logger[name](fields, escapeText(message));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? { code: error.code } : {};
  return { name: error.name, message: error.message, ...code, ...(error.cause ? { cause: serializeError(error.cause) } : {}) };
}

/** A log that cannot be written must not end the agent; the alerts have their own ways out. */
function put(line: string) {
  try { writeSync(2, line); } catch (error) {
    if (!(error instanceof Error && 'code' in error && ['EAGAIN', 'EPIPE', 'EIO', 'ENOSPC'].includes(String(error.code)))) throw error;
  }
}

const names: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };
const colours = { 20: 'gray', 30: 'cyan', 40: 'yellow', 50: 'red' } as const;

function asText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: keyof typeof colours; time: number; msg: string };
  const name = (names[level] ?? 'info').padEnd(5);
  const extra = Object.entries(fields).map(([key, value]) => `${key}=${escapeText(typeof value === 'string' ? value : JSON.stringify(value))}`).join(' ');
  const clock = new Date(time).toISOString().slice(11, 23);
  const shown = styleText(colours[level] ?? 'cyan', name, { stream: process.stderr });
  return `${clock} ${shown} ${msg}${extra ? `  ${styleText('dim', extra, { stream: process.stderr })}` : ''}\n`;
}
