import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { canonical, rangeOf } from './context/address.ts';
import { bounded, createOnce } from './context/bounded.ts';
import { keyOf, learn } from './context/keys.ts';
import { programOf } from './context/programs.ts';
import { createTrees, type Load } from './context/trees.ts';
import { duration, quote, who } from './context/wording.ts';

type Connection = EventOf<'network.connected'>;
interface Target { readonly address: string; readonly port: number; readonly at: number; readonly id: string }

const most = { trees: 1_024, targets: 64, evidence: 8 } as const;
/** Ports from here on are given out by the kernel, so that honest peers of one machine differ by them. */
const firstEphemeral = 32_768;

/**
 * Suspects a tree that after a load tries many machines of a private network, or many ports of one machine, within
 * `spanMs`: somebody looks for a way on. Only what the program never tried before counts, so that a cluster is known by
 * its second start; public addresses are no such search (downloads spread over many).
 * Medium within `windowMs` after a load, low later; once for each load, and for ports each machine.
 * False positives: the first start of a distributed training or of a service mesh, discovery of printers and databases.
 * Blind: slow scans, raw sockets, names that are asked for only.
 */
export default defineDetector({
  name: 'scan',
  sees: 'stream',
  wants: ['network.connected', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    spanMs: z.number().int().min(1_000).max(3_600_000).default(60_000),
    /** So many new private addresses within the span are a scan. */
    hosts: z.number().int().min(5).max(most.targets).default(24),
    /** So many new ports of one address are one. */
    ports: z.number().int().min(5).max(most.targets).default(12),
  }),
  create({ windowMs, spanMs, hosts, ports }, memory, isExcepted = () => false) {
    const trees = createTrees();
    const tried = bounded<string, readonly Target[]>(most.trees);
    const once = createOnce();

    function judge(event: Connection): readonly Suspicion[] {
      const address = canonical(event.address);
      if (event.direction === 'listen') return [];
      const known = learn(memory, keyOf('scan', programOf(event.process), address, event.port < firstEphemeral ? event.port : 'any'), event.at);
      const load = trees.lastLoad(trees.get(event.tree, event.process), event.at);
      if (known || !load) return [];
      const key = `${event.tree.pid}:${event.tree.startTicks}`;
      const recent = [...tried.get(key) ?? [], { address, port: event.port, at: event.at, id: event.id }].filter(each => Math.abs(event.at - each.at) <= spanMs).slice(-most.targets);
      tried.set(key, recent);
      const found = [manyHosts(recent), manyPorts(recent, address)].filter(each => each !== null);
      return found.filter(each => !isExcepted(each.rule, event) && once(`${key} ${load.id} ${each.rule} ${each.of}`)).map(each => asSuspicion(event, each, load, event.at - load.until <= windowMs));
    }

    function manyHosts(recent: readonly Target[]): Scan | null {
      const inside = new Map(recent.filter(each => rangeOf(each.address) === 'private').map(each => [each.address, each]));
      return inside.size < hosts ? null : { rule: 'scan.hosts', of: '', targets: [...inside.values()], what: `tried ${inside.size} machines of private networks` };
    }

    function manyPorts(recent: readonly Target[], address: string): Scan | null {
      const own = new Map(recent.filter(each => each.address === address).map(each => [each.port, each]));
      return own.size < ports ? null : { rule: 'scan.ports', of: address, targets: [...own.values()], what: `tried ${own.size} ports of ${quote(address, 64)}` };
    }

    return event => {
      switch (event.kind) {
        case 'network.connected': return judge(event);
        case 'mxnet.mapped': trees.mapped(event); return [];
        case 'mxnet.called': case 'file.opened': trees.loaded(event); return [];
        default: return event satisfies never;
      }
    };
  },
});

interface Scan { readonly rule: 'scan.hosts' | 'scan.ports'; readonly of: string; readonly targets: readonly Target[]; readonly what: string }

function asSuspicion(event: Connection, { rule, targets, what }: Scan, load: Load, soon: boolean): Suspicion {
  const span = event.at - Math.min(...targets.map(each => each.at));
  return {
    rule, severity: soon ? 'medium' : 'low', confidence: soon ? 0.6 : 0.3, at: event.at, techniques: rule === 'scan.hosts' ? ['T1018', 'T1046'] : ['T1046'],
    because: [event.id, ...targets.map(each => each.id).filter(id => id !== event.id).slice(-most.evidence), load.id],
    summary: `${who(event.process)} ${what} within ${duration(span)} that it never tried before, ${duration(event.at - load.until)} after loading ${quote(load.what)}`,
  };
}
