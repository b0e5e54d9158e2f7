import { commandsOf, isWriter, type Command, writtenBy } from '../context/commands.ts';
import type { Verdict } from '../context/deeds.ts';
import { isBelow } from '../context/wording.ts';

/*
 * Command lines that turn against what watches a host. Whole words are judged, and what a shell is told to run (-c) as
 * the words that it consists of.
 */

const agent = /(^|[^\w.-])mxwarden(d|-[\w-]+)?([^\w-]|$)/;
const enders = new Set(['kill', 'pkill', 'killall', 'skill', 'systemctl', 'service', 'rc-service', 'supervisorctl', 'docker', 'podman', 'kubectl']);
const endings = new Set(['stop', 'kill', 'disable', 'mask', 'delete', 'rm', 'pause', 'freeze']);
const spoilers = new Set(['rm', 'unlink', 'truncate', 'shred', 'mv', 'chmod', 'chown', 'chattr', 'umount']);
const debuggers = new Set(['gdb', 'strace', 'ltrace', 'ptrace', 'bpftool', 'bpftrace']);

const guards = new Set([
  'auditd', 'falco', 'falco-modern-bpf', 'falcon-sensor', 'tetragon', 'tracee', 'kunai', 'osqueryd', 'wazuh-agent', 'ossec', 'sysmon', 'clamav-daemon', 'clamd', 'fapolicyd',
  'rsyslog', 'rsyslogd', 'syslog-ng', 'systemd-journald', 'apparmor', 'firewalld', 'ufw', 'nftables', 'iptables', 'crowdsec', 'fail2ban', 'elastic-agent', 'mdatp', 'filebeat', 'auditbeat',
]);
const traces = /^\/sys\/(kernel\/(debug\/)?tracing\/(\S*\/)?(uprobe_events|kprobe_events|tracing_on|enable|set_event\S*|trace|current_tracer|free_buffer)|fs\/bpf(\/|$))/;
const logs = /^\/var\/(log|run\/(utmp|wtmp)|lib\/systemd\/coredump)(\/|$)|\/\.(bash|zsh|ash|python)_history$/;

type Told = Omit<Verdict, 'about'> | null;

/** What a command line does to the agent, to another guard, or to logs; null when nothing. */
export function attackOn(argv: readonly string[], guarded: readonly string[]): Verdict | null {
  for (const command of commandsOf(argv)) {
    const told = onAgent(command, guarded) ?? onGuards(command) ?? onLogs(command);
    if (told !== null) return { ...told, about: argv.slice(0, 8).join(' ') };
  }
  return null;
}

/** Ends by a signal, or by an order to whoever supervises it. */
const stops = ({ program, rest }: Command, isMeant: (word: string) => boolean): boolean =>
  enders.has(program) && rest.some(isMeant) && (/kill/.test(program) || rest.some(word => endings.has(word)));

function onAgent(command: Command, guarded: readonly string[]): Told {
  const { program, rest } = command;
  const isGuarded = (path: string) => traces.test(path) || guarded.some(each => path === each || isBelow(path, each));
  const spoils = (spoilers.has(program) && rest.some(isGuarded)) || writtenBy(command).some(isGuarded);
  const debugs = debuggers.has(program) && rest.some(word => agent.test(word) || (program === 'bpftool' && /^(detach|unpin|delete|update)$/.test(word)));
  return stops(command, word => agent.test(word)) || spoils || debugs
    ? { rule: 'tampering.agent-command', severity: 'critical', confidence: 0.9, techniques: ['T1562.001', 'AML.T0107'], what: `ran a command against the agent that watches it or against its probes, by ${program || 'a shell'}` } : null;
}

function onGuards(command: Command): Told {
  const { program, rest } = command;
  const off = (program === 'setenforce' && rest[0] === '0') || (program === 'auditctl' && (rest.includes('-D') || (rest.includes('-e') && rest.includes('0'))))
    || (/^(ip6?tables|nft)$/.test(program) && rest.some(word => /^(-F|--flush|flush)$/.test(word))) || (program === 'ufw' && rest.includes('disable')) || program === 'aa-teardown' || program === 'aa-disable';
  return stops(command, word => guards.has(word.replace(/\.service$/, ''))) || off
    ? { rule: 'tampering.guard-command', severity: 'high', confidence: 0.8, techniques: ['T1562.001', 'AML.T0107'], what: `switched off what guards this host, by ${program}` } : null;
}

function onLogs(command: Command): Told {
  const { program, rest } = command;
  const removes = (spoilers.has(program) && rest.some(word => logs.test(word))) || (writtenBy(command).some(path => logs.test(path)) && !isWriter(program));
  const vacuums = (program === 'journalctl' && rest.some(word => word.startsWith('--vacuum'))) || (program === 'history' && rest.includes('-c')) || (program === 'dmesg' && rest.some(word => /^(-C|-c|--clear)$/.test(word)))
    || (program === 'unset' && rest.includes('HISTFILE'));
  return removes || vacuums ? { rule: 'tampering.logs-removed', severity: 'medium', confidence: 0.6, techniques: ['T1070.002', 'T1070.003', 'AML.T0107'], what: `took away traces of what happened, by ${program || 'a shell'}` } : null;
}
