import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { ProcessRef } from '../agent/contract/process.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { createDeeds, type Deed, isForeign, type Verdict } from './context/deeds.ts';
import { isBelow, quote } from './context/wording.ts';
import { attackOn } from './tampering/command-line.ts';
import { createPulse } from './tampering/pulse.ts';

type Traced = EventOf<'process.traced'>;

/**
 * Suspects a process that after a load reaches into another one, keeps debuggers away from itself, or turns against what
 * watches it: the agent's files, the agent's process, other guards, logs. Also suspects that the agent was stopped: by a
 * pause of its own samples that it did not sleep through (a frozen cgroup, SIGSTOP), and by a run that did not end in order.
 *
 * Whoever attaches to its own ancestors or to itself is mostly a crash reporter or a profiler, so that is medium; reading
 * is what MPI does between ranks. `traceme` is what strace and gdb make their child do, and what a program does that
 * wants no debugger. False positives: py-spy, gdb and strace started by hand in a notebook; an overloaded or paused
 * virtual machine; a power cut.
 * Blind: signals to the agent that do not end it (no fact tells them); tracing of the agent's children is told as of any
 * process; the environment of other processes, read through /proc/PID/environ.
 */
export default defineDetector({
  name: 'tampering',
  sees: 'stream',
  wants: ['process.traced', 'process.executed', 'file.changed', 'agent.sampled', 'agent.started', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
    /** Files and folders of the agent itself; where its state lies elsewhere, that is to be named here. */
    guarded: z.array(z.string().startsWith('/').max(4_096)).max(256).default(['/var/lib/mxwarden', '/etc/mxwarden', '/usr/lib/mxwarden', '/opt/mxwarden', '/run/mxwarden', '/var/log/mxwarden']),
    /** A pause of the agent's own samples that is so long is told. */
    stalledMs: z.number().int().min(5_000).max(86_400_000).default(30_000),
  }),
  create({ windowMs, guarded, stalledMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    const pulse = createPulse({ stalledMs, windowMs }, memory);

    function changed(event: EventOf<'file.changed'>): readonly Suspicion[] {
      const { by, place, change } = event;
      const tree = by === null ? undefined : deeds.treeOf(by);
      if (by === null || tree === undefined || change === 'found' || !guarded.some(each => place.path === each || isBelow(place.path, each))) return [];
      return deeds.judge({ event, process: by, tree }, {
        rule: 'tampering.agent-files', severity: 'critical', confidence: 0.9, about: place.path, techniques: ['T1562.001', 'T1070', 'AML.T0107'],
        what: `changed a file of the agent that watches it, ${quote(place.path)}`,
      });
    }

    function executed(event: EventOf<'process.executed'>): readonly Suspicion[] {
      const attack = attackOn(event.process.argv, guarded);
      return attack === null ? [] : deeds.judge({ event, process: event.process, tree: event.tree }, attack);
    }

    /** Told in any run again, in the first fact of it. */
    let agent: ProcessRef | null = null;

    function traced(event: Traced): readonly Suspicion[] {
      const deed = { event, process: event.process, tree: event.tree };
      if (agent !== null && event.target?.pid === agent.pid && event.target.startTicks === agent.startTicks) return deeds.judge(deed, reachAgent(event));
      return deeds.judge(deed, reach(event, isForeign(event.process, deeds.tree(deed)), isKin(deed, event.target)));
    }

    return event => {
      switch (event.kind) {
        case 'process.traced': return traced(event);
        case 'process.executed': return executed(event);
        case 'file.changed': return changed(event);
        case 'agent.sampled': return pulse.sampled(event);
        case 'agent.started': agent = event.process ?? null; return pulse.started(event);
        case 'mxnet.called': case 'file.opened': pulse.loaded(event); return deeds.learnLoad(event);
        case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

const reachAgent = ({ means }: Traced): Verdict => ({
  rule: 'tampering.agent-traced', severity: means === 'read' ? 'high' : 'critical', confidence: 0.9, about: means, techniques: ['T1562.001', 'T1055', 'AML.T0107'],
  what: `${means === 'read' ? 'read the memory of' : means === 'attach' ? 'took hold of' : 'reached into the memory of'} the agent that watches it`,
});

/** One of its own ancestors, or the process with MXNet at the root of its tree. */
const isKin = ({ process, tree }: Deed, target: ProcessRef | null): boolean =>
  target !== null && [tree, ...process.ancestors].some(each => each.pid === target.pid && each.startTicks === target.startTicks);

const targetOf = ({ target }: Traced): string => target === null ? 'a process that is not known' : `the process with pid ${target.pid}`;

function reach(event: Traced, foreign: boolean, kin: boolean): Verdict {
  const about = `${event.target?.pid ?? ''} ${event.target?.startTicks ?? ''}`;
  const severity = kin ? 'medium' : 'high';
  const confidence = event.target === null ? 0.6 : 0.8;
  switch (event.means) {
    case 'attach': return {
      rule: 'tampering.attached', severity, confidence, about, habitual: true, techniques: ['T1055.008', 'AML.T0107'],
      what: `took hold of ${kin ? 'its own ancestor' : targetOf(event)} as a debugger does`,
    };
    case 'write': return {
      rule: 'tampering.memory-written', severity, confidence, about, techniques: ['T1055', 'AML.T0107'],
      what: `wrote into the memory of ${targetOf(event)}`,
    };
    case 'memory': return {
      rule: 'tampering.memory-file', severity, confidence, about, techniques: ['T1055.009', 'T1003.007', 'AML.T0090'],
      what: `opened the memory of ${targetOf(event)} through /proc`,
    };
    case 'read': return {
      rule: 'tampering.memory-read', severity: kin ? 'low' : 'medium', confidence: 0.5, about, habitual: true, techniques: ['T1003.007', 'AML.T0090'],
      what: `read the memory of ${targetOf(event)}`,
    };
    case 'traceme': return {
      rule: 'tampering.anti-debug', severity: foreign ? 'low' : 'medium', confidence: 0.6, about: '', habitual: true, techniques: ['T1622', 'AML.T0097'],
      what: 'had itself traced by its parent, which keeps every other debugger away',
    };
    default: return event.means satisfies never;
  }
}
