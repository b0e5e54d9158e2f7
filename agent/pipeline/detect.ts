import type { Exception } from '../config/exceptions.ts';
import type { Log } from '../contract/component.ts';
import type { Detector } from '../contract/detector.ts';
import type { Event, EventKind } from '../contract/event.ts';
import type { Finding, Observation, Suspicion } from '../contract/finding.ts';
import { createExceptions, type Exceptions } from './exceptions.ts';
import { createMemory, type KeptMemory } from './memory.ts';

export interface Detection {
  /** What the detectors suspect at this event. */
  see(event: Event): readonly Finding[];
  /** By detector. */
  readonly memories: ReadonlyMap<string, KeptMemory>;
  readonly exceptions: Pick<Exceptions, 'status'>;
  /** Errors thrown by detectors since start: each is a bug, and something was not judged. */
  readonly failures: number;
}

interface Step { readonly name: string; see(event: Event): readonly Suspicion[] }
const none: readonly Finding[] = [];
const noSteps: readonly Step[] = [];

/** The stream detectors that are on, each fed the kinds it wants, in the order of the list; without what is excepted. */
export function createDetection(detectors: readonly Detector[], configs: ReadonlyMap<string, unknown>, log: Log, excepted: readonly Exception[] = []): Detection {
  const exceptions = createExceptions(excepted);
  const memories = new Map<string, KeptMemory>();
  const byKind = new Map<EventKind, Step[]>();
  let failures = 0;
  for (const detector of detectors) {
    if (detector.sees !== 'stream' || !configs.has(detector.name)) continue;
    const memory = createMemory();
    memories.set(detector.name, memory);
    const see = detector.create(configs.get(detector.name), memory, exceptions.covers) as Step['see'];
    for (const kind of detector.wants as readonly EventKind[]) byKind.set(kind, [...byKind.get(kind) ?? [], { name: detector.name, see }]);
  }

  function run(step: Step, event: Event): readonly Finding[] {
    try {
      const suspicions = step.see(event);
      return suspicions.length === 0 ? none : suspicions.flatMap((suspicion, index) => admit(suspicion, step.name, event, index));
    } catch (error) {
      failures += 1;
      log.error('a detector failed; this event was not judged by it', { detector: step.name, event: event.id, kind: event.kind, error });
      return [failed(step.name, event)];
    }
  }

  function admit(suspicion: Suspicion, detector: string, event: Event, index: number): readonly Finding[] {
    const left = exceptions.judge(suspicion, event);
    return left === null ? none : [asFinding(left, detector, event, index)];
  }

  /** What an artifact detector said, with the event that carries it as its evidence. */
  const admitObserved = (observation: Observation, event: Event, index: number): readonly Finding[] =>
    admit({ ...observation, at: event.at, because: [event.id] }, observation.rule.split('.', 1)[0] ?? 'inspect', event, index);

  return {
    memories, exceptions,
    get failures() { return failures; },
    see(event) {
      if (event.kind === 'baseline.restored') memories.get(event.detector)?.restore(event.entries);
      exceptions.note(event);
      let all: readonly Finding[] = event.kind === 'artifact.inspected' ? event.observations.flatMap((observation, index) => admitObserved(observation, event, index)) : none;
      for (const step of byKind.get(event.kind) ?? noSteps) {
        const more = run(step, event);
        if (more.length > 0) all = [...all, ...more];
      }
      const notices = exceptions.takeNotices();
      return notices.length === 0 ? all : [...all, ...notices.map((notice, index) => asFinding(notice, 'agent', event, index))];
    },
  };
}

function asFinding(suspicion: Suspicion, detector: string, event: Event, index: number): Finding {
  return { id: `${event.id}:${suspicion.rule}${index > 0 ? `:${index}` : ''}`, detector, ...suspicion };
}

function failed(detector: string, event: Event): Finding {
  return asFinding({
    rule: 'agent.detector-failed', severity: 'low', confidence: 1, at: event.at, because: [event.id], techniques: [],
    summary: `The detector ${detector} failed on an event of kind ${event.kind}, which it did not judge; this is a fault of mxwarden, or someone looked for one`,
  }, 'agent', event, 0);
}
