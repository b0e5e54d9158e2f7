import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import { createDeeds, isForeign, type Verdict } from './context/deeds.ts';
import { runsGeneratedCode } from './context/jit.ts';
import { bytes, quote } from './context/wording.ts';

type Protected = EventOf<'memory.protected'>;

const pageBytes = 4_096;
/** The smallest kernel that oneDNN generates: 5 pages (see below). */
const leastKernelBytes = 4 * pageBytes;

/**
 * Suspects code that a process makes for itself after a load: memory that was written and then becomes executable, code
 * from a file that no folder has, the code of a library made writable, memory files.
 *
 * MXNet's own habits are listed, as measured with MXNet 1.9.1 on x86_64 (import, inference, training, recurrent layers,
 * custom operators, data-loader workers): libffi maps single pages writable and executable at once for each few closures
 * of ctypes; the kernels of oneDNN come to lie in anonymous memory of 20,480, 65,536, 100,000, 262,144 or 327,680 bytes
 * that is made executable and stays writable. It never takes writing away (a flip), never maps from an unlinked file,
 * and makes no memory files. What a program does before its first load (a JIT compiler that warms up) is its habit.
 * Programs of the tree that are known to generate code are left out; that they run at all is for `child`.
 * False positives: numba, JAX and other compilers that are first used after a load; libffi on hardened systems.
 * Blind: code of a size and a way that MXNet itself has; libraries as ld.so maps them.
 */
export default defineDetector({
  name: 'memory',
  sees: 'stream',
  wants: ['memory.protected', 'kernel.used', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    return event => {
      switch (event.kind) {
        case 'memory.protected': {
          const deed = { event, process: event.process, tree: event.tree };
          const verdict = suspect(event, isForeign(event.process, deeds.tree(deed)));
          return verdict === null ? [] : deeds.judge(deed, verdict);
        }
        case 'kernel.used': return event.interface === 'memfd' ? deeds.judge({ event, process: event.process, tree: event.tree }, memoryFile(event)) : [];
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

function suspect(event: Protected, foreign: boolean): Verdict | null {
  const size = event.bytes === null ? '' : ` (${bytes(event.bytes)})`;
  const about = `${event.change} ${event.backing} ${event.writable}`;
  switch (event.backing) {
    case 'unlinked': return {
      rule: 'memory.unlinked-code', severity: 'high', confidence: 0.85, about, habitual: true, techniques: ['T1620', 'AML.T0018.002'],
      what: `made code executable that lies in a file which no folder has${size}`,
    };
    case 'file': return fileCode(event, about, size);
    case 'anonymous': case null: return foreign && runsGeneratedCode(event.process) ? null : ownCode(event, about, size);
    default: return event.backing satisfies never;
  }
}

/** ld.so maps code without writing; who makes it writable exchanges it. */
function fileCode(event: Protected, about: string, size: string): Verdict | null {
  if (event.writable) return {
    rule: 'memory.patched-code', severity: 'high', confidence: 0.8, about, habitual: true, techniques: ['T1055', 'T1574', 'AML.T0018.002'],
    what: `made code that comes from a file writable while it can run${size}: code of a library can be exchanged so`,
  };
  return event.wasWritable === true ? flip(about, `made memory of a file executable that it could write until then${size}`, 0.6) : null;
}

function ownCode(event: Protected, about: string, size: string): Verdict | null {
  if (event.change === 'protected' && !event.writable) {
    return event.wasWritable === false ? null : flip(about, `made memory executable that it had written${size}`, event.backing === null ? 0.5 : 0.6);
  }
  const isOwnHabit = event.bytes === null || (event.change === 'mapped' ? event.bytes === pageBytes : event.bytes >= leastKernelBytes);
  if (isOwnHabit && event.writable) return null;
  return {
    rule: 'memory.anonymous-code', severity: 'medium', confidence: 0.6, about, habitual: true, techniques: ['T1055', 'T1620', 'AML.T0018.002'],
    what: `has memory without a file that is ${event.writable ? 'writable and ' : ''}executable${size}, in a way that is not MXNet's own`,
  };
}

const flip = (about: string, what: string, confidence: number): Verdict =>
  ({ rule: 'memory.flipped', severity: 'medium', confidence, about, habitual: true, what, techniques: ['T1027.002', 'T1055', 'AML.T0018.002'] });

function memoryFile({ detail }: EventOf<'kernel.used'>): Verdict {
  return {
    rule: 'memory.memory-file', severity: 'low', confidence: 0.4, about: detail, habitual: true, techniques: ['T1620', 'AML.T0018.002'],
    what: `made a file that lies in memory only, named ${quote(detail, 64)}`,
  };
}
