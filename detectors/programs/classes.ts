import type { Process } from '../../agent/contract/process.ts';
import { bare } from '../context/programs.ts';
import { looksAround } from './recon.ts';

/*
 * What programs are, judged by the file name of the executable and by argv[0]: a shell may be a link to busybox, and
 * busybox is what its first argument says. A copy under a new name is not recognised by name; it is then a first-ever
 * child, and mostly one from a temporary folder.
 */

export type ProgramClass =
  | 'shell' | 'interpreter' | 'download-tool' | 'compiler' | 'recon-tool' | 'privilege-tool' | 'persistence-tool' | 'container-tool' | 'miner';

const names: { readonly [Class in Exclude<ProgramClass, 'recon-tool'>]: ReadonlySet<string> } = {
  miner: new Set([
    'xmrig', 'xmr-stak', 'minerd', 'cpuminer', 'cpuminer-multi', 'ethminer', 'nsfminer', 'ccminer', 'cgminer', 'bfgminer', 'sgminer', 't-rex', 'trex',
    'phoenixminer', 'nbminer', 'lolminer', 'miniz', 'gminer', 'nanominer', 'teamredminer', 'srbminer-multi', 'wildrig-multi', 'bzminer', 'rigel', 'p2pool',
  ]),
  shell: new Set([
    'sh', 'bash', 'rbash', 'dash', 'ash', 'zsh', 'ksh', 'ksh93', 'mksh', 'pdksh', 'lksh', 'yash', 'csh', 'tcsh', 'fish', 'pwsh', 'elvish', 'xonsh', 'nu',
  ]),
  interpreter: new Set([
    'python', 'pypy', 'perl', 'ruby', 'irb', 'node', 'nodejs', 'deno', 'bun', 'php', 'lua', 'luajit', 'tclsh', 'expect', 'rscript', 'guile', 'julia', 'jshell',
  ]),
  'download-tool': new Set([
    'curl', 'wget', 'wget2', 'nc', 'ncat', 'netcat', 'nc.openbsd', 'nc.traditional', 'socat', 'ssh', 'scp', 'sftp', 'rsync', 'ftp', 'lftp', 'ncftp', 'tftp',
    'telnet', 'aria2c', 'axel', 'lynx', 'w3m', 'elinks', 'http', 'xh', 'lwp-request', 'lwp-download', 'rclone', 'chisel', 'ngrok', 'openssl s_client',
  ]),
  compiler: new Set([
    'gcc', 'g++', 'cc', 'c++', 'tcc', 'clang', 'clang++', 'go', 'rustc', 'cargo', 'make', 'gmake', 'ninja', 'cmake', 'as', 'ld', 'nasm', 'yasm', 'nvcc', 'gfortran',
    'javac', 'zig', 'musl-gcc', 'cython',
  ]),
  'privilege-tool': new Set(['sudo', 'sudoedit', 'su', 'doas', 'pkexec', 'runuser', 'setpriv', 'capsh', 'setcap', 'newgrp', 'sg', 'chsh', 'newuidmap', 'newgidmap']),
  'persistence-tool': new Set(['crontab', 'at', 'batch', 'systemctl', 'systemd-run', 'chattr', 'useradd', 'usermod', 'adduser', 'passwd', 'chpasswd', 'update-rc.d', 'insmod', 'modprobe']),
  'container-tool': new Set([
    'nsenter', 'unshare', 'chroot', 'pivot_root', 'mount', 'umount', 'losetup', 'debugfs', 'docker', 'podman', 'nerdctl', 'crictl', 'ctr', 'runc', 'crun', 'kubectl',
    'oc', 'helm', 'lxc', 'lxc-attach', 'machinectl', 'systemd-nspawn', 'bwrap',
  ]),
};
const classes = Object.entries(names) as readonly (readonly [Exclude<ProgramClass, 'recon-tool'>, ReadonlySet<string>])[];

/** The names a program goes by: of its file, of argv[0], and of the applet or sub-command that decides what it does. */
export function namesOf(process: Process): readonly string[] {
  const file = bare(process.executable.path);
  const called = bare(process.argv[0] ?? '');
  const all = [file, called];
  if (file === 'busybox' || file === 'toybox') all.push(called === file ? process.argv[1] ?? '' : called);
  if (file === 'openssl' && process.argv[1] === 's_client') all.push('openssl s_client');
  return all.map(name => name.replace(triplet, '$1'));
}

/** `x86_64-linux-gnu-gcc-12` → `gcc` */
const triplet = /^(?:\w+-(?:pc-)?linux-(?:gnu|musl)\w*-)?(gcc|g\+\+|cc|c\+\+|clang|clang\+\+|as|ld|gfortran)(?:\.\w+)?(?:-[\d.]+)?$/;

export function classOf(process: Process): ProgramClass | null {
  const own = namesOf(process);
  if (looksAround(own, process.argv)) return 'recon-tool';
  const found = classes.find(([, known]) => own.some(name => known.has(name)))?.[0] ?? null;
  return found === 'persistence-tool' && onlyAsks(own, process.argv) ? null : found;
}

/** `systemctl status`, `systemctl is-active`: they change nothing. */
const onlyAsks = (own: readonly string[], argv: readonly string[]): boolean =>
  own.includes('systemctl') && /^(status|show|cat|is-active|is-enabled|is-failed|is-system-running|list-\w+(-\w+)?|--version)$/.test(argv.slice(1).find(word => !/^(-q|--quiet|--user|--system|--no-pager)$/.test(word)) ?? 'status');
