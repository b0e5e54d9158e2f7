import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { canonical, isLoopback } from './context/address.ts';
import { createOnce, createTally } from './context/bounded.ts';
import { createEarly } from './context/early.ts';
import { keyOf, learn } from './context/keys.ts';
import { programOf } from './context/programs.ts';
import { createTrees, type Load } from './context/trees.ts';
import { duration, quote, who } from './context/wording.ts';
import { destination, type Known, listening, type Verdict } from './network/destinations.ts';

type Connection = EventOf<'network.connected'>;

/** From here on the kernel chooses ports by itself (ip_local_port_range), so that a number says nothing. */
const firstEphemeral = 32_768;
const mostTold = 10;

/**
 * Suspects a process that after a load talks to an address and port it never used before, opens a port, or asks a service
 * that hands out credentials or power: the cloud's metadata, the API of Kubernetes or of a container engine. "It" is the
 * executable with its script, so that a restart knows its peers.
 * Novelty alone is low: content networks change addresses all day; it is medium where the port says more (mining pools,
 * administration of other machines). Loopback is not excepted (a payload may talk to a local proxy), but ports that the
 * kernel chooses count as one there. A port opened by the service itself is how it serves, low; one opened by a child of
 * another executable is medium. A service that a program also asks outside the window of any load, as cloud libraries do
 * to fetch a model, is its habit: then low. Longer than `windowMs` after a load, new addresses are info and those services
 * low; without any load all are learned in silence.
 * False positives: a new replica, a new bucket address, the first day of a service.
 */
export default defineDetector({
  name: 'connection',
  sees: 'stream',
  wants: ['network.connected', 'mxnet.called', 'file.opened', 'mxnet.mapped', 'host.sampled'],
  config: z.strictObject({
    /** How long after a load a connection counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** Addresses of name servers beside those of the host's own resolv.conf, such as those of containers; any other is foreign. */
    resolvers: z.array(z.string()).max(1_000).default([]),
    /** Addresses of Kubernetes API services, beside those that its distributions come with. */
    kubernetesApi: z.array(z.string()).max(1_000).default([]),
  }),
  create({ windowMs, resolvers, kubernetesApi }, memory, isExcepted = () => false) {
    const trees = createTrees();
    const tally = createTally(mostTold);
    const once = createOnce();
    const early = createEarly();
    let known: Known = { resolvers: new Set(resolvers.map(canonical)), ofHost: new Set(), kubernetes: new Set(kubernetesApi.map(canonical)) };
    let ofHost = '';

    /** Each second, and mostly the same. */
    function asks(servers: readonly string[]): void {
      if (servers.join(' ') === ofHost) return;
      ofHost = servers.join(' ');
      known = { ...known, ofHost: new Set(servers.map(canonical)) };
    }

    function judge(event: Connection): readonly Suspicion[] {
      const address = canonical(event.address);
      const tree = trees.get(event.tree, event.process);
      const load = trees.lastLoad(tree, event.at);
      const near = load !== undefined && event.at - load.until <= windowMs;
      const program = programOf(event.process);
      const foreign = tree !== undefined && event.process.executable.path !== tree.executable;
      const verdict = event.direction === 'listen' ? listening(foreign, address) : destination(event, address, known);
      if (verdict.byHabit) return service(event, verdict, load, near, keyOf(verdict.rule.slice('connection.'.length), program));
      if (learn(memory, keyOf(event.direction, program, address, portOf(event, address)), event.at)) return [];
      if (!near) early.keep(event, late => tell(event, verdict, late, verdict.severity));
      return load ? tell(event, verdict, load, near ? verdict.severity : 'info') : [];
    }

    /** A habit is what it does without a load near; a habit begun inside a load's own call is none, and is unlearned. */
    function service(event: Connection, verdict: Verdict, load: Load | undefined, near: boolean, key: string): readonly Suspicion[] {
      const habit = memory.get(key);
      const habitual = typeof habit === 'number' && habit > 0;
      if (load && near) return asked(event, verdict, load, habitual ? 'low' : verdict.severity);
      learn(memory, key, event.at);
      early.keep(event, late => {
        if (!habitual) memory.set(key, 0);
        return asked(event, verdict, late, habitual ? 'low' : verdict.severity);
      });
      return load ? asked(event, verdict, load, habitual ? 'info' : 'low') : [];
    }

    function asked(event: Connection, verdict: Verdict, load: Load, severity: Severity): readonly Suspicion[] {
      if (isExcepted(verdict.rule, event)) return [];
      if (!once(`${event.process.pid}:${event.process.startTicks}:${load.id}:${verdict.rule}:${severity}`)) return [];
      return tell(event, severity === verdict.severity ? verdict : { ...verdict, confidence: 0.3 }, load, severity);
    }

    function tell(event: Connection, verdict: Verdict, load: Load, severity: Severity): readonly Suspicion[] {
      if (isExcepted(verdict.rule, event)) return [];
      const { tell: wanted, last } = tally(`${event.tree.pid}:${event.tree.startTicks}:${load.id}:${verdict.rule}:${severity}`);
      return wanted ? [asSuspicion(event, verdict, load, severity, last)] : [];
    }

    return event => {
      switch (event.kind) {
        case 'network.connected': return judge(event);
        case 'mxnet.mapped': trees.mapped(event); return [];
        case 'host.sampled': asks(event.resolvers ?? []); return [];
        case 'mxnet.called': case 'file.opened': return early.settle(trees.loaded(event));
        default: return event satisfies never;
      }
    };
  },
});

/** A listener's port, and a loopback peer's, is often chosen by the kernel: all those are one. */
function portOf(event: Connection, address: string): number | string {
  const chosen = event.port >= firstEphemeral && (event.direction === 'listen' || isLoopback(address));
  return `${event.protocol} ${chosen ? 'any' : event.port}`;
}

function asSuspicion(event: Connection, verdict: Verdict, load: Load, severity: Severity, last: boolean): Suspicion {
  const when = event.at <= load.until ? 'while it loaded' : `${duration(event.at - load.until)} after loading`;
  const novel = verdict.byHabit ? '' : event.direction === 'outbound' ? ', where it never connected before,' : ', as it never did before,';
  return {
    rule: verdict.rule, severity, confidence: verdict.confidence, at: event.at, because: [event.id, load.id],
    summary: `${who(event.process)} ${verdict.what} ${quote(event.address, 64)} ${event.protocol} port ${event.port}${novel} ${when} ${quote(load.what)}${last ? '; further ones are not told one by one' : ''}`,
    techniques: verdict.techniques,
  };
}
