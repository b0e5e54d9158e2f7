import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity } from '../agent/contract/finding.ts';
import { createDeeds, isForeign, type Verdict } from './context/deeds.ts';
import { nameOf, quote } from './context/wording.ts';

type Used = EventOf<'kernel.used'>;

/** Programs that measure, for whom perf and bpf are their trade; started by hand beside a notebook. */
const measuring = /^(perf(_[\d.]+)?|bpftrace|bpftool|nsys|ncu|nvprof|vtune|amplxe-\w+|uprof|rocprof\w*|py-spy)$/;
/** Their runtime submits input and output through a ring by default. */
const ringing = /^(node(js)?|bun|qemu-system-\w+|fio|scylla|redpanda)$/;

/**
 * Suspects a process that after a load uses interfaces of the kernel of which loading and serving a model has no need:
 * it loads a module, puts programs into the kernel, measures other processes, or submits input and output through a ring
 * that passes by system calls, where other sensors do not see it. MXNet 1.9.1 uses none of them. What a program does
 * before its first load is its habit. False positives: profilers (NVIDIA's, perf), a runtime that uses io_uring by itself.
 */
export default defineDetector({
  name: 'kernel',
  sees: 'stream',
  wants: ['kernel.used', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    return event => {
      switch (event.kind) {
        case 'kernel.used': {
          const deed = { event, process: event.process, tree: event.tree };
          const verdict = suspect(event, isForeign(event.process, deeds.tree(deed)));
          return verdict === null ? [] : deeds.judge(deed, verdict);
        }
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

/** Null for interfaces of which other detectors speak. */
function suspect(event: Used, foreign: boolean): Verdict | null {
  const name = nameOf(event.process.executable.path);
  const asked = event.allowed === false ? ', which the kernel refused' : '';
  const base = { confidence: event.allowed === null ? 0.6 : 0.8, about: event.detail, habitual: true } as const;
  const trade = (pattern: RegExp, severity: Severity): Severity => foreign && pattern.test(name) ? 'low' : severity;
  switch (event.interface) {
    case 'module': return {
      ...base, rule: 'kernel.module', severity: 'critical', techniques: ['T1547.006', 'T1014', 'AML.T0112'],
      what: `put code into the kernel as a module${event.detail === '' ? '' : `, ${quote(event.detail, 64)}`}${asked}`,
    };
    case 'bpf': return {
      ...base, rule: 'kernel.bpf', severity: trade(measuring, 'high'), techniques: ['T1014', 'T1562.001', 'AML.T0107'], what: `used bpf, by which programs are put into the kernel${asked}`,
    };
    case 'perf': return {
      ...base, rule: 'kernel.perf', severity: trade(measuring, 'medium'), techniques: ['T1082', 'T1057', 'AML.T0089'], what: `used perf events, by which other processes and the kernel are measured${asked}`,
    };
    case 'io_uring': return {
      ...base, rule: 'kernel.io-uring', severity: trade(ringing, 'medium'), techniques: ['T1562', 'AML.T0107'],
      what: `made a ring of io_uring, by which files and connections are used without system calls that sensors see${asked}`,
    };
    case 'memfd': case 'mount': case 'namespace': case 'capability': return null;
    default: return event.interface satisfies never;
  }
}
