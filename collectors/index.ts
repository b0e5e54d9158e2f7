import type { Collector } from '../agent/contract/collector.ts';
import exec from './exec.ts';
import host from './host.ts';
import mxnet from './mxnet.ts';
import network from './network.ts';
import processes from './processes.ts';
import secrets from './secrets.ts';
import self from './self.ts';
import systemFiles from './system-files.ts';
import system from './system.ts';
import usage from './usage.ts';
import watch from './watch.ts';

/** Every collector this agent has, in start order. Adding one is one import and one line. */
export const collectors: readonly Collector[] = [system, mxnet, exec, network, processes, watch, secrets, systemFiles, usage, host, self];
