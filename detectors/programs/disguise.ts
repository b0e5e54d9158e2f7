import type { Process } from '../../agent/contract/process.ts';
import { bare, isSystemPath } from '../context/programs.ts';
import { nameOf } from '../context/wording.ts';

/** Programs of the system that nobody looks at twice. Those that several names lead to are left out. */
const daemons = new Set([
  'sshd', 'systemd', 'systemd-journald', 'systemd-udevd', 'systemd-logind', 'systemd-resolved', 'systemd-networkd', 'systemd-timesyncd', 'cron', 'crond', 'atd',
  'dbus-daemon', 'rsyslogd', 'auditd', 'agetty', 'networkmanager', 'polkitd', 'irqbalance', 'chronyd', 'ntpd', 'dockerd', 'containerd', 'kubelet', 'snapd', 'udevd',
]);
const kernelThread = /^\[?(kworker|ksoftirqd|kthreadd|migration|rcu_\w+|kswapd|kdevtmpfs|khugepaged|kcompactd|watchdog|cpuhp|jbd2|scsi_eh|kauditd|kintegrityd|kblockd|oom_reaper)([/:_\]\d].*)?$/;

/** What a program pretends to be, in words; null when it does not. Links and versions of one name are no pretence. */
export function disguise({ executable, argv }: Process): string | null {
  const [called = ''] = argv;
  const { path } = executable;
  const file = nameOf(path.replace(/ \(deleted\)$/, ''));
  // A program that could not be read has its name in brackets as its path.
  if (!path.startsWith('/')) return null;
  if (/^\[.*\]$/.test(called) || kernelThread.test(called) || kernelThread.test(file)) return 'a thread of the kernel';
  const name = bare(called).replace(/:$/, '');
  if (daemons.has(name) && !isRelated(name, bare(file))) return `${name}, a program of the system`;
  if (daemons.has(bare(file)) && !isSystemPath(path)) return `${bare(file)}, a program of the system that lies elsewhere`;
  return /^\.[^.]/.test(file) ? 'nothing: its name is hidden' : null;
}

const isRelated = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a) || b === 'busybox' || b === 'toybox' || b === 'init';
