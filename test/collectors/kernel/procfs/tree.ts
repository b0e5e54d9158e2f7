/** A made-up /proc, and real processes that map what a test gives them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { CollectorPort } from '../../../../agent/contract/collector.ts';
import type { HostPaths } from '../../../../agent/contract/component.ts';
import type { Draft } from '../../../../agent/contract/event.ts';

export const here: HostPaths = { proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' };
export const patience = 60_000;

/** Gone when the test is over. */
export function folder(t: ExecutionContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'mxwarden-procfs-')));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Made {
  readonly pid: number;
  readonly name?: string; readonly state?: string; readonly parent?: number; readonly flags?: number; readonly threads?: number;
  readonly startTicks?: number; readonly pages?: number; readonly uid?: number;
  readonly argv?: readonly string[]; readonly maps?: string; readonly cgroup?: string; readonly environment?: readonly string[];
  readonly executable?: string; readonly cwd?: string; readonly root?: string; readonly io?: string;
}

export const statLine = ({ pid, name = 'python3', state = 'S', parent = 1, flags = 4_194_304, threads = 1, startTicks = 500, pages = 1_000 }: Made): string =>
  `${pid} (${name}) ${state} ${parent} ${pid} ${pid} 0 -1 ${flags} 1 2 3 4 250 50 5 6 20 0 ${threads} 0 ${startTicks} ${pages * 4_096} 777 18446744073709551615 0 0\n`;

/** A /proc of files and links below `root`/proc. */
export function madeHost(root: string, processes: readonly Made[]): HostPaths {
  const host = { proc: join(root, 'proc'), sys: join(root, 'sys'), tracefs: join(root, 'tracing') };
  mkdirSync(host.proc, { recursive: true });
  for (const made of processes) writeProcess(host, made);
  return host;
}

export function writeProcess(host: HostPaths, made: Made): void {
  const own = join(host.proc, String(made.pid));
  rmSync(own, { recursive: true, force: true });
  mkdirSync(join(own, 'fd'), { recursive: true });
  const uid = made.uid ?? 1_001;
  writeFileSync(join(own, 'stat'), statLine(made));
  writeFileSync(join(own, 'statm'), `${made.pages ?? 1_000} 777 300 1 0 200 0\n`);
  writeFileSync(join(own, 'status'), `Name:\tx\nPid:\t${made.pid}\nUid:\t7\t${uid}\t${uid}\t${uid}\nNSpid:\t${made.pid}\nCapEff:\t0000000000000000\n`);
  writeFileSync(join(own, 'cmdline'), (made.argv ?? []).map(argument => `${argument}\0`).join(''));
  writeFileSync(join(own, 'environ'), (made.environment ?? []).map(entry => `${entry}\0`).join(''));
  writeFileSync(join(own, 'cgroup'), made.cgroup ?? '0::/\n');
  writeFileSync(join(own, 'loginuid'), '4294967295');
  writeFileSync(join(own, 'maps'), made.maps ?? '');
  writeFileSync(join(own, 'io'), made.io ?? 'rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 1\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n');
  for (const [name, target] of [['exe', made.executable], ['cwd', made.cwd], ['root', made.root ?? '/']] as const) if (target !== undefined) symlinkSync(target, join(own, name));
}

export const mapLine = (inode: bigint | number, path: string, start = 0x7f00_0000_0000): string =>
  `${`${start.toString(16)}-${(start + 4_096).toString(16)} r-xp 00000000 fe:00 ${inode}`.padEnd(73)}${path}\n`;

/** A small library of this machine under another name. */
export function libraryAt(path: string): string {
  const from = /^\S+ r-xp .* (\/\S*\/libc\.so\.6|\/\S*\/libm\.so\.6|\/\S*ld-musl\S*)$/m.exec(readFileSync('/proc/self/maps', 'latin1'))?.[1];
  if (from === undefined) throw new Error('this Node has no C library of its own');
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(join(dirname(from), existsSync(join(dirname(from), 'libm.so.6')) ? 'libm.so.6' : from), path);
  return path;
}

/** A real process, ended with the test. */
export function run(t: ExecutionContext, command: string, args: readonly string[], environment: Record<string, string> = {}, cwd?: string): ChildProcess & { readonly pid: number } {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...environment }, stdio: ['pipe', 'pipe', 'ignore'], ...(cwd === undefined ? {} : { cwd }) });
  t.teardown(() => { child.kill('SIGKILL'); });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} did not start`);
  return Object.assign(child, { pid });
}

/** Sleeps with the library in its memory. */
export const runWith = (t: ExecutionContext, library: string, environment: Record<string, string> = {}) => run(t, 'sleep', ['300'], { LD_PRELOAD: library, ...environment });

export function compile(source: string, output: string, args: readonly string[] = []): string {
  writeFileSync(`${output}.c`, source);
  execFileSync('cc', ['-o', output, `${output}.c`, ...args]);
  return output;
}

/** Resolves with what `find` finds; looks often, fails after a minute. */
export async function until<Found>(find: () => Found | null | undefined | false): Promise<Found> {
  for (const end = Date.now() + patience; Date.now() < end;) {
    const found = find();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('it did not happen within a minute');
}

/** What a collector under test was given and what it said. */
export function listeningPort(host: HostPaths) {
  const drafts: Draft[] = [];
  const failures: Error[] = [];
  const logged: { readonly level: string; readonly message: string; readonly fields: object | undefined }[] = [];
  const at = (level: string) => (message: string, fields?: object): void => { logged.push({ level, message, fields }); };
  const port: CollectorPort = {
    emit: draft => { drafts.push(draft); }, fail: error => { failures.push(error); }, host,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
  };
  const of = <Kind extends Draft['kind']>(kind: Kind): Extract<Draft, { readonly kind: Kind }>[] =>
    drafts.filter((draft): draft is Extract<Draft, { readonly kind: Kind }> => draft.kind === kind);
  return { port, drafts, failures, logged, of };
}
