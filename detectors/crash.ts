import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import { quote, who } from './context/wording.ts';

/** Sent from outside, by somebody or by the kernel short of memory; a fault of the load itself brings others. */
const fromOutside = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

/**
 * A load that never returned because the process died in it. Suspects memory corruption by the file (a bounds
 * error of the loader, exploited or tried) or a file made to kill. A process that was killed from outside during a load
 * says little: it is told, but low; SIGKILL may still be the kernel's answer to a file that claims more memory than
 * there is. False positives: a truncated download, a library that crashes by itself, a deployment that stops a service
 * while it loads.
 */
export default defineDetector({
  name: 'crash',
  sees: 'stream',
  wants: ['mxnet.called'],
  config: z.strictObject({}),
  create: () => call => {
    if (call.outcome !== 'crashed') return [];
    const stopped = call.signal !== null && fromOutside.has(call.signal);
    const told = `${who(call.process)} died inside ${call.api} while it loaded ${loaded(call)}`;
    return [{
      rule: 'crash.in-load', severity: stopped ? 'low' : 'high', confidence: stopped ? 0.3 : 0.9, at: call.at, because: [call.id],
      summary: stopped ? `${told}, but by ${call.signal}, which comes from outside: ${call.signal === 'SIGKILL' ? 'somebody, or the kernel because memory ran out' : 'somebody stopped it'}`
        : `${told}${call.signal === null ? '' : `, by ${call.signal}`}: the file may be made to corrupt memory`,
      techniques: stopped ? ['T1499'] : ['AML.T0011.000', 'T1203'],
    }];
  },
});

function loaded({ argument }: EventOf<'mxnet.called'>): string {
  switch (argument.type) {
    case 'path': return quote(argument.place?.path ?? argument.raw);
    case 'buffer': return argument.bytes === null ? 'a buffer' : `${argument.bytes} bytes from memory`;
    case 'unread': return 'something whose name could not be read';
    default: return argument satisfies never;
  }
}
