import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, globSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiler } from '../../collectors/kernel/bpf/build.ts';
import { isInstalled } from './cache.ts';
import { parts } from './parts.ts';
import { onPath } from './run.ts';

/** Programs of the system that tests compare with, and the packages of Debian that bring them. */
const programs = {
  'cc': { commands: ['cc'], packages: 'gcc libc6-dev' },
  'c++': { commands: ['c++'], packages: 'g++' },
  'binutils': { commands: ['readelf', 'objcopy', 'nm'], packages: 'binutils' },
  'java': { commands: ['java', 'jar'], packages: 'openjdk-17-jdk-headless' },
  'zip': { commands: ['zip'], packages: 'zip' },
  'tar': { commands: ['tar', 'gzip'], packages: 'tar gzip' },
  'bsdtar': { commands: ['bsdtar'], packages: 'libarchive-tools' },
} as const;
type Program = keyof typeof programs;

export type RealPart = keyof typeof parts | Program | 'root' | 'tracefs' | 'bpf' | 'clang' | 'rsyslog' | 'guest';

const tracing = '/sys/kernel/tracing';
const setup = 'npm run test:setup';

const hangs = 'this kernel\'s tracing does not answer, see dmesg: reboot';

/**
 * Whether tracing answers, asked by a child: a call into a kernel that died inside its tracing never returns. .ci/run asks
 * once for all test files and says so by MXWARDEN_TRACING_HANGS.
 */
function tracingHangs(): boolean {
  if (process.env.MXWARDEN_TRACING_HANGS !== undefined) return process.env.MXWARDEN_TRACING_HANGS === '1';
  const answer = join(mkdtempSync(join(tmpdir(), 'mxwarden-ask-')), 'answer');
  const trial = `${tracing}/instances/mxwarden-trial-${process.pid}`;
  spawn('sh', ['-c', 'mkdir "$1"; rmdir "$1"; : > "$2"', 'sh', trial, answer], { detached: true, stdio: 'ignore' }).unref();
  for (const end = Date.now() + 10_000; !existsSync(answer); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)) if (Date.now() > end) return true;
  return false;
}

function tracefsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'run as root';
  if (tracingHangs()) return hangs;
  if (!existsSync(`${tracing}/uprobe_events`)) spawnSync('mount', ['-t', 'tracefs', 'tracefs', tracing], { timeout: 5_000 });
  try { accessSync(`${tracing}/uprobe_events`, constants.W_OK); return null; } catch { return `mount -t tracefs tracefs ${tracing} (the kernel needs uprobes)`; }
}

/** What must be there before programs can even be tried; whether they then work is what the tests are about. */
function bpfMissing(): string | null {
  if (process.getuid?.() !== 0) return 'run as root';
  if (globSync(['/lib/*/libbpf.so.1', '/usr/lib/libbpf.so.1', '/usr/lib64/libbpf.so.1']).length === 0) return 'apt-get install libbpf1';
  return existsSync('/sys/kernel/btf/vmlinux') ? null : 'a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)';
}

/** What would supply this part, or null when it is there. */
export function missing(part: RealPart): string | null {
  switch (part) {
    case 'root': return process.getuid?.() === 0 ? null : 'run as root';
    case 'guest': return process.env.MXWARDEN_GUEST_LEVEL === undefined ? 'npm run test:guests' : bpfMissing();
    case 'rsyslog': return existsSync('/usr/sbin/rsyslogd') && globSync('/usr/lib/*/rsyslog/lmnsd_gtls.so').length > 0 ? null : 'apt-get install rsyslog rsyslog-gnutls';
    case 'tracefs': return tracefsMissing();
    case 'bpf': return bpfMissing();
    case 'clang': return onPath(compiler.clang) && onPath(compiler.strip) && existsSync('/usr/include/bpf/bpf_helpers.h') ? null : `apt-get install ${compiler.packages}`;
    case 'kafka': return isInstalled(parts.kafka) && onPath('java') ? null : setup;
    case 'mxnet':
    case 'ocsf':
    case 'ecs':
    case 'verifier':
    case 'guests':
    case 'collector': return isInstalled(parts[part]) ? null : setup;
    case 'cc':
    case 'c++':
    case 'binutils':
    case 'java':
    case 'zip':
    case 'tar':
    case 'bsdtar': return programs[part].commands.every(onPath) ? null : `apt-get install ${programs[part].packages}`;
    default: return part satisfies never;
  }
}
