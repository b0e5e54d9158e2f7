import type { Process } from '../../agent/contract/process.ts';
import { nameOf } from './wording.ts';

/** `/usr/bin/python3.11 (deleted)` → `python`, `-bash` → `bash` */
export const bare = (path: string): string => nameOf(path.replace(/ \(deleted\)$/, '')).replace(/^-/, '').toLowerCase().replace(versioned, '$1');
const versioned = /^(python|pypy|perl|ruby|php|lua|node|tclsh|bash|guile)[-\d.]+[a-z]?$/;

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
/** In a folder where only root installs programs. */
export const isSystemPath = (path: string): boolean => systemFolders.test(path) && !path.includes('/../');

/**
 * What Python and MXNet run by themselves to learn about the machine: `platform` asks uname, joblib lscpu and nproc,
 * `ctypes.util.find_library` asks ldconfig, gcc, ld and objdump (CPython Lib/ctypes/util.py), builders ask compilers for
 * their version. Judged with its arguments and only from system folders; some of these programs are shell scripts.
 */
const housekeeping: { readonly [name: string]: RegExp } = {
  uname: /^( -[mnprsiov]+)*$/,
  nproc: /^( --all)?$/,
  lscpu: /^( (-p|--parse)(=[\w,]+)?)?$/,
  getconf: /^ \w+$/,
  lsb_release: /^( -\w+)*$/,
  ldconfig: /^ -p$/,
  'ldconfig.real': /^ -p$/,
  which: /^( -a)?( [\w.+-]+)+$/,
  'nvidia-smi': /^( (-L|-q|--query-gpu=[\w.,]+|--format=[\w,]+))*$/,
};
const probing = /^(gcc|cc|x86_64-linux-gnu-gcc(-\d+)?|aarch64-linux-gnu-gcc(-\d+)?|collect2|ld|ld\.bfd|x86_64-linux-gnu-ld\.bfd|aarch64-linux-gnu-ld\.bfd)$/;

const compiling = /^(([\w]+-linux-gnu-)?(gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(-\d+)?|nvcc|make|cmake)$/;
const versions = /^ (--version|-dumpversion|-dumpmachine|-dumpfullversion|-v|-V)$/;

/** The script of the system that a shell was started to run; null when it runs anything else. */
function scriptOf({ executable, argv }: Process): string | null {
  const script = argv[1] ?? '';
  return /^(dash|bash|sh)$/.test(nameOf(executable.path)) && isSystemPath(script) ? script : null;
}

export function isHousekeeping(process: Process): boolean {
  const { path } = process.executable;
  if (!isSystemPath(path)) return false;
  const script = scriptOf(process);
  const name = nameOf(script ?? path);
  const rest = process.argv.slice(script === null ? 1 : 2).map(word => ` ${word}`).join('');
  if (compiling.test(name) && versions.test(rest)) return true;
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
