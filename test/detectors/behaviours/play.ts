import type { Exception } from '../../../agent/config/exceptions.ts';
import type { Event } from '../../../agent/contract/event.ts';
import type { Finding } from '../../../agent/contract/finding.ts';
import { detection } from '../feed.ts';
import { numbered, type Behaviour } from './behaviour.ts';
import { harmlessNetwork, network } from './network.ts';
import { harmlessPrograms, programs } from './programs.ts';

export const behaviours = [...programs, ...network];
export const nearMisses = [...harmlessPrograms, ...harmlessNetwork];

/** All that all detectors say of these events. */
export function play(events: readonly Event[], config?: Behaviour['config'], exceptions: readonly Exception[] = []): readonly Finding[] {
  const by = detection(config, exceptions);
  return numbered(events).flatMap(event => by.see(event));
}
