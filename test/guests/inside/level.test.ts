import { openBpfSession } from '../../../collectors/kernel/bpf/session.ts';
import { levelOf } from '../../../collectors/kernel/bpf/level.ts';
import { testWith } from '../../services/require.ts';
import { host, witness } from '../../collectors/kernel/tracefs/stage.ts';

const level = process.env.MXWARDEN_GUEST_LEVEL ?? '';
/** Facts that are seen at hooks, or else at the functions that lead there. */
const hooked = ['memory made executable', 'tracing', 'mounts', 'kernel modules', 'bpf', 'perf events'];

testWith.serial(['guest'], 'every fact is seen, at the level that this kernel was booted for', async t => {
  await using session = await openBpfSession(host, { log: witness().port.log, bufferKb: 64, syscalls: false });
  t.deepEqual(session.sights.filter(({ way }) => way === null), []);
  t.is<string, string>(levelOf(session.sights), level);
  const ways = session.sights.filter(({ fact }) => hooked.includes(fact)).flatMap(({ way }) => way ?? []);
  t.deepEqual(ways.filter(name => !name.startsWith(level === 'bpf-lsm' ? 'lsm_' : 'fentry_')), []);
  // Hooks that a kernel attaches programs to, and never runs them at, are not believed.
  const refused = new Map(session.sights.flatMap(sight => sight.refused));
  if (level === 'bpf-lsm') t.false(refused.has('lsm_bpf')); else t.regex(refused.get('lsm_bpf') ?? '', /attached, but not run: bpf is not among the security modules/);
  t.log(session.sights.map(({ fact, way }) => `${fact}: ${way?.join(', ')}`).join('; '));
});
