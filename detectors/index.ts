import type { Detector } from '../agent/contract/detector.ts';
import change from './change.ts';
import child from './child.ts';
import connection from './connection.ts';
import crash from './crash.ts';
import inspection from './inspection.ts';
import library from './library.ts';
import load from './load.ts';
import loss from './loss.ts';
import usage from './usage.ts';

/** Every detector this agent has, in the order in which they see an event. Adding one is one import and one word. */
export const detectors: readonly Detector[] = [inspection, change, load, library, crash, child, connection, usage, loss];
