import type { Forwarder } from '../agent/contract/forwarder.ts';
import file from './file.ts';
import kafka from './kafka.ts';
import otlp from './otlp.ts';
import stdout from './stdout.ts';
import syslog from './syslog.ts';

/** Every forwarder this agent has. Adding one is one import and one word. */
export const forwarders: readonly Forwarder[] = [stdout, file, kafka, otlp, syslog];
