import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { canonical, isLoopback, metadataServices } from './context/address.ts';
import { createOnce, createTally } from './context/bounded.ts';
import { createEarly } from './context/early.ts';
import { keyOf, learn } from './context/keys.ts';
import { programOf } from './context/programs.ts';
import { createTrees, type Load } from './context/trees.ts';
import { duration, quote, who } from './context/wording.ts';

type Connection = EventOf<'network.connected'>;
interface Verdict { readonly rule: string; readonly severity: Severity; readonly confidence: number; readonly what: string; readonly techniques: readonly string[] }

/** From here on the kernel chooses ports by itself (ip_local_port_range), so that a number says nothing. */
const firstEphemeral = 32_768;
const mostTold = 10;

/**
 * Suspects a process that after a load talks to an address and port it never used before, opens a port, or asks the
 * cloud's metadata service for credentials. "It" is the executable with its script, so that a restart knows its peers.
 * Novelty alone is low: content networks change addresses all day. Loopback is not excepted (a payload may talk to a
 * local proxy), but ports that the kernel chooses count as one there. A port opened by the service itself is how it
 * serves, low; one opened by a child of another executable is medium. The metadata service is high after a load, unless
 * the program also asks it outside the window of any load, as cloud libraries do to fetch a model: then it is low.
 * Longer than `windowMs` after a load, new addresses are info and the metadata service is low; without any load both are
 * learned in silence.
 * False positives: a new replica, a new bucket address, the first day of a service.
 */
export default defineDetector({
  name: 'connection',
  sees: 'stream',
  wants: ['network.connected', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a connection counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** Addresses that are never news, in any spelling. */
    expected: z.array(z.string()).max(10_000).default([]),
  }),
  create({ windowMs, expected }, memory) {
    const trees = createTrees();
    const tally = createTally(mostTold);
    const once = createOnce();
    const early = createEarly();
    const quiet = new Set(expected.map(canonical));

    function judge(event: Connection): readonly Suspicion[] {
      const address = canonical(event.address);
      if (quiet.has(address)) return [];
      const tree = trees.get(event.tree, event.process);
      const load = trees.lastLoad(tree, event.at);
      const near = load !== undefined && event.at - load.until <= windowMs;
      const program = programOf(event.process);
      const foreign = tree !== undefined && event.process.executable.path !== tree.executable;
      if (event.direction === 'outbound' && metadataServices.has(address)) return metadata(event, load, near, keyOf('metadata', program));
      const verdict = event.direction === 'listen' ? listening(foreign, address) : first;
      if (learn(memory, keyOf(event.direction, program, address, portOf(event, address)), event.at)) return [];
      if (!near) early.keep(event, late => tell(event, verdict, late, verdict.severity));
      return load ? tell(event, verdict, load, near ? verdict.severity : 'info') : [];
    }

    /** A habit is what it does without a load near; a habit begun inside a load's own call is none, and is unlearned. */
    function metadata(event: Connection, load: Load | undefined, near: boolean, key: string): readonly Suspicion[] {
      const habit = memory.get(key);
      const habitual = typeof habit === 'number' && habit > 0;
      if (load && near) return asked(event, load, habitual ? 'low' : 'high');
      learn(memory, key, event.at);
      early.keep(event, late => {
        if (!habitual) memory.set(key, 0);
        return asked(event, late, habitual ? 'low' : 'high');
      });
      return load ? asked(event, load, habitual ? 'info' : 'low') : [];
    }

    function asked(event: Connection, load: Load, severity: Severity): readonly Suspicion[] {
      if (!once(`${event.process.pid}:${event.process.startTicks}:${load.id}:${severity}`)) return [];
      return tell(event, severity === 'high' ? credentials : { ...credentials, confidence: 0.3 }, load, severity);
    }

    function tell(event: Connection, verdict: Verdict, load: Load, severity: Severity): readonly Suspicion[] {
      const { tell: wanted, last } = tally(`${event.tree.pid}:${event.tree.startTicks}:${load.id}:${verdict.rule}:${severity}`);
      return wanted ? [asSuspicion(event, verdict, load, severity, last)] : [];
    }

    return event => {
      switch (event.kind) {
        case 'network.connected': return judge(event);
        case 'mxnet.mapped': trees.mapped(event); return [];
        case 'mxnet.called': case 'file.opened': return early.settle(trees.loaded(event));
        default: return event satisfies never;
      }
    };
  },
});

const first: Verdict = { rule: 'connection.first', severity: 'low', confidence: 0.4, what: 'connected to', techniques: ['T1071', 'AML.T0025'] };
const credentials: Verdict = { rule: 'connection.metadata-service', severity: 'high', confidence: 0.8, what: 'asked the metadata service of the cloud, which hands out credentials, at', techniques: ['T1552.005', 'AML.T0055'] };

const listening = (foreign: boolean, address: string): Verdict => ({
  rule: 'connection.listener', severity: foreign && !isLoopback(address) ? 'medium' : 'low', confidence: foreign ? 0.6 : 0.3,
  what: 'began to listen on', techniques: ['T1571', 'AML.T0072'],
});

/** A listener's port, and a loopback peer's, is often chosen by the kernel: all those are one. */
function portOf(event: Connection, address: string): number | string {
  const chosen = event.port >= firstEphemeral && (event.direction === 'listen' || isLoopback(address));
  return `${event.protocol} ${chosen ? 'any' : event.port}`;
}

function asSuspicion(event: Connection, verdict: Verdict, load: Load, severity: Severity, last: boolean): Suspicion {
  const when = event.at <= load.until ? 'while it loaded' : `${duration(event.at - load.until)} after loading`;
  const novel = verdict.rule === 'connection.metadata-service' ? '' : verdict.rule === 'connection.first' ? ', where it never connected before,' : ', as it never did before,';
  return {
    rule: verdict.rule, severity, confidence: verdict.confidence, at: event.at, because: [event.id, load.id],
    summary: `${who(event.process)} ${verdict.what} ${quote(event.address, 64)} ${event.protocol} port ${event.port}${novel} ${when} ${quote(load.what)}${last ? '; further ones are not told one by one' : ''}`,
    techniques: verdict.techniques,
  };
}
