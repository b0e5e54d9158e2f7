import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Log } from '../contract/component.ts';
import type { Event } from '../contract/event.ts';
import { escapeText } from '../contract/text.ts';
import type { Detection } from './detect.ts';

/** First line of a recording. Each further line is one event. */
const head = { mxwarden: 'recording', version: 1 } as const;
const longestLine = 4_194_304;

export interface Recorder extends Disposable { write(batch: readonly Event[]): void }

/** Writes events to a new file (0600) as JSON Lines, what the detectors remembered first. A full disk ends it, loudly. */
export function record(file: string, run: string, detection: Detection, log: Log): Recorder {
  const fd = openSync(file, 'wx', 0o600);
  let broken = false;
  function put(lines: readonly unknown[]) {
    if (broken || lines.length === 0) return;
    const text = Buffer.from(`${lines.map(line => JSON.stringify(line)).join('\n')}\n`);
    try { for (let at = 0; at < text.length;) at += writeSync(fd, text, at); } catch (error) {
      broken = true;
      log.error('the recording ends here', { file, error });
    }
  }
  put([head, ...baselines(run, detection)]);
  return { write: put, [Symbol.dispose]() { closeSync(fd); } };
}

/** In pieces, so that no line is too long to be read again. */
function* baselines(run: string, detection: Detection): Generator<Event> {
  let number = 0;
  for (const [detector, memory] of detection.memories) {
    const entries = memory.entries();
    for (let at = 0; at < entries.length; at += 500) {
      yield { kind: 'baseline.restored', id: `${run}.0-${(number++).toString(36).padStart(5, '0')}`, collector: 'record', at: Date.now(), detector, entries: entries.slice(at, at + 500) };
    }
  }
}

/** The events of a recording, in order. Throws RangeError naming the line that is none. */
export async function* readRecording(file: string): AsyncGenerator<Event> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file, { encoding: 'utf8' }), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.length > longestLine) throw new RangeError(`${escapeText(file)}:${number}: longer than ${longestLine} characters`);
    const value = parse(line, file, number);
    if (number === 1) {
      if (value['mxwarden'] !== head.mxwarden || value['version'] !== head.version) throw new RangeError(`${escapeText(file)}:1: not a recording of version ${head.version}`);
      continue;
    }
    if (typeof value['kind'] !== 'string' || typeof value['id'] !== 'string' || typeof value['at'] !== 'number') throw new RangeError(`${escapeText(file)}:${number}: not an event`);
    yield value as unknown as Event;
  }
  if (number === 0) throw new RangeError(`${escapeText(file)}: empty`);
}

function parse(line: string, file: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RangeError(`${escapeText(file)}:${number}: not a JSON object`);
}
