/*
 * One boot of a guest: a kernel of Debian in QEMU, emulated in software, with the project on its disk.
 *
 * Owns the process of QEMU and a folder of files, both gone when it resolves. Must not own: what is run there, or what its
 * output means.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from '../services/cache.ts';
import { parts } from '../services/parts.ts';
import { mustRun, onPath, tethered } from '../services/run.ts';
import { makeDisk, makeFirst, makeInit, projectFolder } from './image.ts';

export interface Guests extends AsyncDisposable {
  boot(kernel: string, plan: Boot): Promise<Result>;
}
export interface Boot {
  /** The security modules of the kernel, in the order in which they are asked. */
  readonly lsm: readonly string[];
  /** A script for bash, run as root in the folder of the project, with its Node first on the path. */
  readonly script: string;
  readonly timeoutMs: number;
  /** Each line that the script says, as it says it. */
  said?(line: string): void;
}
export interface Result {
  /** What the script exited with. */
  readonly status: number;
  readonly output: string;
  /** What the kernel said of faults of its own. */
  readonly complaints: readonly string[];
  /** What the script left in /guest/results, by its path there. */
  result(path: string): Promise<Buffer>;
}

/** Room for what a script leaves in /guest/results, as a tar archive. */
const resultBytes = 64 << 20;
const memoryMegabytes = 1_024;
const lookEveryMs = 200;

/** Builds the disk that all boots begin with; what one writes there, no other sees. Throws when QEMU is missing. */
export async function prepareGuests(): Promise<Guests> {
  if (process.arch !== 'x64') throw new Error('guests are of x86-64 only');
  if (!onPath('qemu-system-x86_64')) throw new Error('QEMU is missing: apt-get install qemu-system-x86');
  const kernels = installed(parts.guests);
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-guests-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  // QEMU ends with us.
  for (const signal of signals) process.once(signal, () => { rmSync(folder, { recursive: true, force: true }); process.exit(128 + constants.signals[signal]); });
  try {
    const disk = join(folder, 'disk.ext4');
    await makeDisk(disk, join(folder, 'root'));
    const init = await makeInit(folder);
    let boots = 0;
    return {
      async boot(kernel, plan) {
        boots += 1;
        const place = join(folder, String(boots));
        await mkdir(place);
        await writeFile(join(place, 'first.cpio'), await makeFirst(init, join(kernels, kernel, 'modules'), wrapped(plan.script)));
        return await bootOnce({ kernel: join(kernels, kernel, 'vmlinuz'), disk, place }, plan);
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) { await remove(); throw error; }
}

const wrapped = (script: string): string => `cd ${projectFolder}\nexport PATH=$PWD/node_modules/.bin:$PATH GUEST_RESULTS=/guest/results\n${script}\n`;

interface Machine { readonly kernel: string; readonly disk: string; readonly place: string }

const words = ({ kernel, disk, place }: Machine, lsm: readonly string[]): string[] => [
  // One thread for both processors: with two, a kernel that patches itself while it runs, as for probes, sometimes dies of it.
  '-accel', 'tcg,thread=single', '-cpu', 'max,-pku', '-smp', '2', '-m', String(memoryMegabytes), '-display', 'none', '-nodefaults', '-no-reboot',
  '-kernel', kernel, '-initrd', join(place, 'first.cpio'),
  // Nobody attacks the guest through its processor: what would keep that off costs a third of its time.
  '-append', `console=ttyS0 quiet panic=-1 mitigations=off lsm=${lsm.join(',')}`,
  '-serial', `file:${join(place, 'console')}`, '-serial', `file:${join(place, 'output')}`,
  '-drive', `file=${disk},format=raw,if=virtio,snapshot=on`, '-drive', `file=${join(place, 'results')},format=raw,if=virtio`,
];

async function bootOnce(machine: Machine, { lsm, timeoutMs, said }: Boot): Promise<Result> {
  const { place } = machine;
  for (const name of ['output', 'console', 'results']) await writeFile(join(place, name), '');
  await truncate(join(place, 'results'), resultBytes);
  const child = spawn(...tethered('qemu-system-x86_64', words(machine, lsm)), { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: place } });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { complaint = (complaint + text).slice(-2_000); });
  const ended = new Promise<string>((resolve, reject) => { child.on('error', reject).on('exit', (code, signal) => resolve(String(signal ?? code))); });
  const follow = follower(join(place, 'output'), said);
  const looking = setInterval(follow.look, lookEveryMs);
  let late = false;
  const limit = setTimeout(() => { late = true; child.kill('SIGKILL'); }, timeoutMs);
  const how = await ended.finally(() => { clearTimeout(limit); clearInterval(looking); });
  follow.look();
  const output = follow.text();
  const status = /^guest: end (\d+)$/m.exec(output)?.[1];
  if (status === undefined) {
    const console = (await readFile(join(place, 'console'), 'latin1')).slice(-12_000);
    throw new Error(`the guest ${late ? `did not end within ${timeoutMs} ms` : `ended before its script (${how})`}\n${complaint}\n${console}\n${output.slice(-6_000)}`);
  }
  const complaints = (await readFile(join(place, 'console'), 'latin1')).split(/\r?\n/).filter(line => /WARNING:|BUG:|Oops/.test(line));
  return { status: Number(status), output, complaints, result: path => member(join(place, 'results'), path) };
}

/** Reads a file that grows. */
function follower(path: string, said: Boot['said']): { look(): void; text(): string } {
  const bytes = Buffer.alloc(64 << 10);
  const decoder = new TextDecoder();
  let [whole, rest, at] = ['', '', 0];
  return {
    text: () => whole,
    look() {
      const file = openSync(path, 'r');
      try {
        for (let count = readSync(file, bytes, 0, bytes.length, at); count > 0; count = readSync(file, bytes, 0, bytes.length, at)) {
          at += count;
          const text = decoder.decode(bytes.subarray(0, count), { stream: true });
          whole += text;
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) said?.(line);
        }
      } finally { closeSync(file); }
    },
  };
}

async function member(archive: string, path: string): Promise<Buffer> {
  const folder = await mkdtemp(join(archive, '../result-'));
  await mustRun('tar', ['-C', folder, '-xf', archive, `./${path}`]);
  return await readFile(join(folder, path));
}
