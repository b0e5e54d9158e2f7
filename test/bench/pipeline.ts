import { registry } from '../../agent/assemble.ts';
import type { Draft } from '../../agent/contract/event.ts';
import { createCorrelation } from '../../agent/pipeline/correlate.ts';
import { createDetection } from '../../agent/pipeline/detect.ts';
import { createStream } from '../../agent/pipeline/stream.ts';
import { everyEvent, noon } from '../builders.ts';
import { print } from './figure.ts';

const count = 400_000;
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A busy host: mostly samples, one load in a hundred events, processes and files that vary. */
export function* traffic(size: number): Generator<Draft> {
  const kinds = everyEvent().filter(event => !['baseline.restored', 'agent.started', 'events.lost', 'sensor.changed'].includes(event.kind));
  for (let number = 0; number < size; number++) {
    const { id, collector, ...draft } = kinds[number % kinds.length] ?? kinds[0] as (typeof kinds)[number];
    const process = { pid: 1_000 + (number % 50), startTicks: 77 };
    yield { ...draft, at: noon + number * 0.01, ...('process' in draft ? { process: { ...draft.process, ...process } } : {}), ...('tree' in draft ? { tree: process } : {}) } as Draft;
  }
}

/** Events a second through stream, detectors and correlation on one core, with nothing lost. */
export function pipelineFigure(): void {
  const configs = new Map(registry.detectors.map(detector => [detector.name, detector.config.parse({})]));
  const detection = createDetection(registry.detectors, configs, log);
  const correlation = createCorrelation({ quietMs: 600_000, attributionMs: 600_000, coalesceMs: 500, maxOpen: 500 });
  let seen = 0;
  let incidents = 0;
  const stream = createStream('bench', 100_000, batch => {
    for (const event of batch) { correlation.see(event, detection.see(event)); seen += 1; }
    incidents += correlation.take(batch.at(-1)?.at ?? noon).length;
  });
  const drafts = [...traffic(count)];
  const began = performance.now();
  drafts.forEach((draft, number) => { stream.emit('bench', draft); if (number % 20_000 === 0) stream.flush(); });
  stream.flush();
  const seconds = (performance.now() - began) / 1_000;
  print({ name: 'pipeline.events-per-second', value: seen / seconds, unit: 'events/s', goal: '>= 100000', detail: { lost: stream.dropped, incidents } });
}
