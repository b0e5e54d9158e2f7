import type { Artifact } from './artifact.ts';
import type { Component } from './component.ts';
import type { Event, EventKind, EventOf } from './event.ts';
import type { Place } from './file.ts';
import type { Suspicion } from './finding.ts';
import type { Inspection } from './inspection.ts';

export type Detector = StreamDetector | ArtifactDetector;

/** Sees every wanted event, in order. Pure: no I/O, no timer, no clock but `event.at`, bounded memory. */
// biome-ignore lint/suspicious/noExplicitAny: the one variance seam; lists hold detectors of every configuration and kind
export interface StreamDetector<Config = any, Kind extends EventKind = any> extends Component<Config> {
  readonly sees: 'stream';
  readonly wants: readonly Kind[];
  create(config: Config, memory: Memory, isExcepted?: IsExcepted): (event: EventOf<Kind>) => readonly Suspicion[];
}

/**
 * Whether the operator has excepted findings of this rule about this event. The pipeline suppresses them anyway; who tells
 * only the first few of many asks before counting, so that what is excepted uses up nobody else's turn.
 */
export type IsExcepted = (rule: string, event: Event) => boolean;

/**
 * What a detector remembers across restarts: 20,000 keys of at most 512 characters, the least recently written
 * forgotten first. The pipeline keeps it; a detector may keep more in its closure, which a restart forgets.
 */
export interface Memory {
  get(key: string): string | number | undefined;
  set(key: string, value: string | number): void;
}

/** Sees one file's bytes, in a pool thread, under a budget of size, time and memory. Stateless. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export interface ArtifactDetector<Config = any> extends Component<Config> {
  readonly sees: 'artifact';
  /** Never throws for what the file holds: that is part of the inspection. Synchronous: the thread is its own. */
  inspect(artifact: Artifact, config: Config): Inspection;
  /** JSON of what the inspection depends on besides the bytes of the file and of the one beside it: equal ones are judged alike. */
  context(place: Place, config: Config): unknown;
}

export function defineDetector<Config, const Kind extends EventKind>(detector: StreamDetector<Config, Kind>): StreamDetector<Config, Kind>;
export function defineDetector<Config>(detector: ArtifactDetector<Config>): ArtifactDetector<Config>;
export function defineDetector(detector: Detector): Detector { return detector; }
