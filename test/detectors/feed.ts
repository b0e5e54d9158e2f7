import type { Exception } from '../../agent/config/exceptions.ts';
import type { Log } from '../../agent/contract/component.ts';
import type { Event } from '../../agent/contract/event.ts';
import type { Finding } from '../../agent/contract/finding.ts';
import { createDetection, type Detection } from '../../agent/pipeline/detect.ts';
import { detectors } from '../../detectors/index.ts';

const silent = () => {};
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** All detectors as the pipeline runs them, with their default configuration where none is given. */
export const detection = (config: Readonly<Record<string, unknown>> = {}, exceptions: readonly Exception[] = []): Detection =>
  createDetection(detectors, new Map(detectors.map(detector => [detector.name, detector.config.parse(config[detector.name] ?? {})])), log, exceptions);

export const findingsOf = (events: Iterable<Event>, by = detection()): readonly Finding[] => [...events].flatMap(event => by.see(event));
