import type { Process } from '../../agent/contract/process.ts';
import { nameOf } from './wording.ts';

/*
 * What programs are, judged by the file name of the executable and by argv[0]: a shell may be a link to busybox, and
 * busybox is what its first argument says. A copy under a new name is not recognised by name; it is then a first-ever
 * child, and mostly one from a temporary folder.
 */

export type ProgramClass = 'shell' | 'interpreter' | 'download-tool' | 'privilege-tool' | 'persistence-tool';

const names: { readonly [Class in ProgramClass]: ReadonlySet<string> } = {
  shell: new Set([
    'sh', 'bash', 'rbash', 'dash', 'ash', 'zsh', 'ksh', 'ksh93', 'mksh', 'pdksh', 'lksh', 'yash', 'csh', 'tcsh', 'fish', 'pwsh', 'elvish', 'xonsh', 'nu',
  ]),
  interpreter: new Set([
    'python', 'pypy', 'perl', 'ruby', 'irb', 'node', 'nodejs', 'deno', 'bun', 'php', 'lua', 'luajit', 'tclsh', 'expect', 'rscript', 'guile', 'julia', 'jshell',
  ]),
  'download-tool': new Set([
    'curl', 'wget', 'nc', 'ncat', 'netcat', 'nc.openbsd', 'nc.traditional', 'socat', 'ssh', 'scp', 'sftp', 'rsync', 'ftp', 'lftp', 'ncftp', 'tftp',
    'telnet', 'aria2c', 'axel', 'openssl s_client',
  ]),
  'privilege-tool': new Set(['sudo', 'su', 'doas', 'pkexec', 'runuser', 'nsenter', 'unshare', 'chroot', 'setpriv', 'capsh', 'newgrp']),
  'persistence-tool': new Set(['crontab', 'at', 'batch', 'systemctl', 'systemd-run', 'chattr', 'useradd', 'usermod', 'passwd', 'insmod', 'modprobe']),
};
const classes = Object.entries(names) as readonly (readonly [ProgramClass, ReadonlySet<string>])[];

/** The names a program goes by: of its file, of argv[0], and of the applet or sub-command that decides what it does. */
function namesOf(process: Process): readonly string[] {
  const file = bare(process.executable.path);
  const called = bare(process.argv[0] ?? '');
  const all = [file, called];
  if (file === 'busybox' || file === 'toybox') all.push(called === file ? process.argv[1] ?? '' : called);
  if (file === 'openssl' && process.argv[1] === 's_client') all.push('openssl s_client');
  return all;
}

/** `/usr/bin/python3.11 (deleted)` → `python`, `-bash` → `bash` */
const bare = (path: string): string => nameOf(path.replace(/ \(deleted\)$/, '')).replace(/^-/, '').toLowerCase().replace(versioned, '$1');
const versioned = /^(python|pypy|perl|ruby|php|lua|node|tclsh|bash|guile)[-\d.]+[a-z]?$/;

export function classOf(process: Process): ProgramClass | null {
  const own = namesOf(process);
  return classes.find(([, known]) => own.some(name => known.has(name)))?.[0] ?? null;
}

const interpreted = new Set(['python', 'pypy', 'perl', 'ruby', 'node', 'php', 'lua', 'java', 'julia', 'rscript']);

/**
 * What makes two runs the same service: the executable, and for an interpreter also its script or module. `python3 -c`
 * has neither and is one program per executable.
 */
export function programOf(process: Process): string {
  const { path } = process.executable;
  if (!interpreted.has(bare(path))) return path;
  const rest = process.argv.slice(1, 16);
  const index = rest.findIndex(word => word === '-c' || word === '-m' || !word.startsWith('-'));
  const word = rest[index];
  if (word === undefined) return path;
  if (word === '-c') return `${path} -c`;
  if (word === '-m') return `${path} -m ${rest[index + 1] ?? ''}`;
  return `${path} ${word.startsWith('/') ? word : `${process.cwd}/${word}`}`;
}

/**
 * How Python itself runs its own executable again: the spawn, fork-server and tracker processes of multiprocessing.
 * Anchored at both ends, and no call inside the parentheses, so that nothing else fits between.
 */
const multiprocessing = /^from multiprocessing\.(spawn|forkserver|resource_tracker|semaphore_tracker) import ([a-z_]+); ?\2\([^();]*\)$/;

/** Options of the interpreter that run nothing: a script or a module among them would be what really runs. */
const harmless = /^( -[bBdEIOPqsSuvx]+| -[XW] ?[\w.=:]+)*$/;

export function isPythonWorker(argv: readonly string[]): boolean {
  const code = argv.indexOf('-c');
  const options = argv.slice(1, Math.max(1, code)).map(word => ` ${word}`).join('');
  return code > 0 && harmless.test(options) && multiprocessing.test(argv[code + 1] ?? '')
    && argv.slice(code + 2).every(word => word === '--multiprocessing-fork');
}

const systemFolders = /^\/(usr\/(local\/)?)?(s?bin|lib|libexec)(64)?\//;

/**
 * What Python and MXNet run by themselves to learn about the machine: `platform` asks uname, joblib lscpu and nproc,
 * `ctypes.util.find_library` asks ldconfig, gcc, ld and objdump (CPython Lib/ctypes/util.py). Judged with its arguments
 * and only from system folders.
 */
const housekeeping: { readonly [name: string]: RegExp } = {
  uname: /^( -\w+)*$/,
  nproc: /^( --all)?$/,
  lscpu: /^( (-p|--parse)(=[\w,]+)?)?$/,
  getconf: /^ \w+$/,
  lsb_release: /^( -\w+)*$/,
  ldconfig: /^ -p$/,
  'nvidia-smi': /^( (-L|-q|--query-gpu=[\w.,]+|--format=[\w,]+))*$/,
};
const probing = /^(gcc|cc|x86_64-linux-gnu-gcc(-\d+)?|aarch64-linux-gnu-gcc(-\d+)?|collect2|ld|ld\.bfd|x86_64-linux-gnu-ld\.bfd|aarch64-linux-gnu-ld\.bfd)$/;

export function isHousekeeping(process: Process): boolean {
  const { path } = process.executable;
  if (!systemFolders.test(path)) return false;
  const name = nameOf(path);
  const rest = process.argv.slice(1).map(word => ` ${word}`).join('');
  if (probing.test(name)) return process.argv.some(word => word === '-Wl,-t' || word === '-t') && !/\.(c|cc|cpp|s|S)( |$)/.test(rest);
  if (/(^|-)objdump$/.test(name)) return rest.startsWith(' -p -j .dynamic ');
  return Object.hasOwn(housekeeping, name) && (housekeeping[name]?.test(rest) ?? false);
}

/** Why a place is one where only passing files are, in words; null when it is not. */
export function temporary(path: string): string | null {
  if (/^(\/?memfd:|\/proc\/(self|\d+)\/fd\/)/.test(path)) return 'memory, without a file';
  if (/^\/(tmp|var\/tmp|dev\/shm|run\/(user\/\d+|shm|lock))\//.test(path)) return 'a temporary folder';
  return path.endsWith(' (deleted)') ? 'a file that was deleted' : null;
}
