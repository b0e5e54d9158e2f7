import type { Detector } from '../agent/contract/detector.ts';
import audit from './audit.ts';
import beacon from './beacon.ts';
import change from './change.ts';
import child from './child.ts';
import collection from './collection.ts';
import connection from './connection.ts';
import crash from './crash.ts';
import escaping from './escape.ts';
import inspection from './inspection.ts';
import kernel from './kernel.ts';
import library from './library.ts';
import load from './load.ts';
import loss from './loss.ts';
import memory from './memory.ts';
import persistence from './persistence.ts';
import privilege from './privilege.ts';
import scan from './scan.ts';
import secret from './secret.ts';
import tampering from './tampering.ts';
import theft from './theft.ts';
import usage from './usage.ts';

/** Every detector this agent has, in the order in which they see an event. Adding one is one import and one word. */
export const detectors: readonly Detector[] = [
  inspection, change, load, library, crash, child, connection, beacon, scan, secret, collection, theft, persistence, memory, privilege, escaping, kernel,
  tampering, usage, loss, audit,
];
