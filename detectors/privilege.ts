import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import { bounded } from './context/bounded.ts';
import { createDeeds, type Verdict } from './context/deeds.ts';
import { keyOf } from './context/keys.ts';
import { isSetuidProgram } from './privilege/setuid-programs.ts';

type Changed = EventOf<'credentials.changed'>;
type Used = EventOf<'kernel.used'>;

/** Capabilities that are as good as root, each with what it opens (capabilities(7)). */
const grave = new Set([
  'CAP_SYS_ADMIN', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETFCAP', 'CAP_FOWNER', 'CAP_CHOWN',
  'CAP_BPF', 'CAP_PERFMON', 'CAP_MAC_ADMIN', 'CAP_MAC_OVERRIDE', 'CAP_SYS_BOOT', 'CAP_CHECKPOINT_RESTORE', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_ADMIN',
]);
/** What the use of a capability says; asked for and refused is one step less. */
const uses: ReadonlyMap<string, { readonly severity: Severity; readonly what: string; readonly technique: string }> = new Map([
  ['CAP_SYS_MODULE', { severity: 'high', what: 'to load code into the kernel', technique: 'T1547.006' }],
  ['CAP_SYS_RAWIO', { severity: 'high', what: 'to reach memory and devices of the machine itself', technique: 'T1611' }],
  ['CAP_SYS_BOOT', { severity: 'high', what: 'to restart the machine or load another kernel', technique: 'T1529' }],
  ['CAP_MAC_ADMIN', { severity: 'high', what: 'to change the security policy of the kernel', technique: 'T1562.001' }],
  ['CAP_MAC_OVERRIDE', { severity: 'high', what: 'to pass by the security policy of the kernel', technique: 'T1562.001' }],
  ['CAP_BPF', { severity: 'medium', what: 'to put programs into the kernel', technique: 'T1014' }],
  ['CAP_CHECKPOINT_RESTORE', { severity: 'medium', what: 'to take apart or rebuild other processes', technique: 'T1055' }],
  ['CAP_SYS_CHROOT', { severity: 'medium', what: 'to change its root folder', technique: 'T1611' }],
  ['CAP_MKNOD', { severity: 'medium', what: 'to make a device file', technique: 'T1611' }],
  ['CAP_PERFMON', { severity: 'low', what: 'to measure other processes', technique: 'T1082' }],
  ['CAP_SYS_PTRACE', { severity: 'low', what: 'to look into processes of others', technique: 'T1057' }],
]);
const less: { readonly [From in Severity]: Severity } = { critical: 'high', high: 'medium', medium: 'low', low: 'info', info: 'info' };
const most = { namespaces: 4_096, names: 6 } as const;

/**
 * Suspects a process that after a load becomes root, becomes another user, gains capabilities, or uses some that no model
 * needs. To become less (root to a service's user, capabilities dropped) is how servers start, and nothing. What a
 * program does before its first load is its habit. All capabilities at once come with a user namespace of one's own:
 * they hold only inside it, so that is medium, and `escape` tells of the namespace.
 *
 * False positives: sudo and su in a notebook's terminal (`child` tells of them; here they are medium), a server that
 * takes root back for a moment after its start (a shell that it starts meanwhile does so by itself), ping and its like
 * with capabilities of their file.
 */
export default defineDetector({
  name: 'privilege',
  sees: 'stream',
  wants: ['credentials.changed', 'kernel.used', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    const namespaces = bounded<string, true>(most.namespaces);

    function used(event: Used): readonly Suspicion[] {
      if (event.interface === 'namespace' && event.detail.includes('user')) namespaces.set(keyOf(event.process.pid, event.process.startTicks), true);
      const use = event.interface === 'capability' ? uses.get(event.detail) : undefined;
      return use === undefined ? [] : deeds.judge({ event, process: event.process, tree: event.tree }, {
        rule: 'privilege.capability-used', severity: event.allowed === false ? less[use.severity] : use.severity, confidence: 0.6, about: event.detail, habitual: true,
        techniques: [use.technique, 'AML.T0112'], what: `${event.allowed === false ? 'asked for' : 'used'} ${event.detail} ${use.what}${event.allowed === false ? ' and was refused' : ''}`,
      });
    }

    return event => {
      switch (event.kind) {
        case 'credentials.changed': {
          const deed = { event, process: event.process, tree: event.tree };
          const inside = namespaces.has(keyOf(event.process.pid, event.process.startTicks));
          const verdict = rise(event, inside);
          return verdict === null ? [] : deeds.judge(deed, verdict);
        }
        case 'kernel.used': return used(event);
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

/** Null for a change that gives nothing. */
function rise(event: Changed, inside: boolean): Verdict | null {
  const { uid, gained } = event;
  const about = `${uid.before} ${uid.after} ${gained.join(' ')}`;
  const known = isSetuidProgram(event.process);
  if (uid.before !== 0 && uid.after === 0) return {
    rule: 'privilege.root', severity: known || inside ? 'medium' : 'critical', confidence: known || inside ? 0.5 : 0.85, about, habitual: true, techniques: ['T1548.001', 'T1068', 'AML.T0112'],
    what: `became root; it was uid ${uid.before}${inside ? ', inside a user namespace of its own' : ''}`,
  };
  const strong = gained.filter(each => grave.has(each));
  if (gained.length > 0 && uid.before !== 0) return {
    rule: 'privilege.capability-gained', severity: inside ? 'medium' : strong.length > 0 ? 'high' : 'low', confidence: inside || known ? 0.4 : 0.7, about, habitual: true, techniques: ['T1548', 'T1068', 'AML.T0112'],
    what: `gained ${list(strong.length > 0 ? strong : gained)}${inside ? ', inside a user namespace of its own' : ''}`,
  };
  return uid.before !== uid.after && uid.before !== 0 ? {
    rule: 'privilege.other-user', severity: 'medium', confidence: 0.5, about, habitual: true, techniques: ['T1548.001', 'AML.T0112'], what: `became uid ${uid.after}; it was uid ${uid.before}`,
  } : null;
}

const list = (names: readonly string[]): string => `${names.slice(0, most.names).join(', ')}${names.length > most.names ? ` and ${names.length - most.names} more capabilities` : ''}`;
