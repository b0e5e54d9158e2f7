import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { container, dense, shape, text } from '../fixtures/hostile/ndarray.ts';
import { writeSparse } from '../fixtures/hostile/sparse-file.ts';
import { median, print, round } from './figure.ts';

const giga = 2 ** 30;
const tensors = 64;
const smallFiles = 20_000;
const hugeBytes = 50e9;
const entry = new URL('../../agent/mxwarden', import.meta.url).pathname;

/** The most memory for 50 GB: a file with holes, which takes no room on the disk. */
export function hugeFigure(): void {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-bench-'));
  try {
    const [path, tiny] = [join(folder, 'huge-0000.params'), join(folder, 'tiny-0000.params')];
    const arrays = writeSparse(path, hugeBytes);
    writeSparse(tiny, 100);
    const idle = cpuOf([entry, 'inspect', '--jobs', '1', '--format', 'json', tiny]);
    const { seconds, peakMiB } = cpuOf([entry, 'inspect', '--jobs', '1', '--timeout', '3600000', '--format', 'json', path]);
    print({ name: 'inspect.huge-file', value: peakMiB, unit: 'MiB at most', against: 'the same for 100 bytes', goal: '< 150', detail: { bytes: hugeBytes, arrays, idleMiB: idle.peakMiB, moreMiB: peakMiB - idle.peakMiB, seconds } });
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** A full inspection against sha256sum of the same cached file, small files a second, and the most memory of either. */
export function inspectionFigures(): void {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-bench-'));
  try {
    largeFile(folder);
    manyFiles(folder);
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

function largeFile(folder: string) {
  const path = join(folder, 'large-0000.params');
  writeLarge(path);
  const [own, plain] = [[] as number[], [] as number[]];
  let peak = 0;
  for (let round = 0; round < 3; round++) {
    plain.push(cpuOf(['sha256sum', path]).seconds);
    const { seconds, peakMiB } = cpuOf([entry, 'inspect', '--jobs', '1', '--format', 'json', path]);
    own.push(seconds);
    peak = Math.max(peak, peakMiB);
  }
  print({
    name: 'inspect.large-file', value: median(own) / median(plain), unit: 'times the processor time of sha256sum, 1 GiB of float32', against: 'sha256sum', goal: '<= 1.0, statistics included',
    detail: { seconds: median(own), sha256sumSeconds: median(plain), peakMiB: peak, peakGoalMiB: 150 },
  });
}

function manyFiles(folder: string) {
  const below = join(folder, 'small');
  mkdirSync(below);
  const content = container([dense({ dims: shape([2]) })], { names: [text('arg:w')] });
  for (let number = 0; number < smallFiles; number++) writeFileSync(join(below, `m${number}.nd`), content);
  const plain = perSecond(() => { readAndHash(below); });
  let peak = 0;
  const own = perSecond(() => { peak = cpuOf([entry, 'inspect', '--format', 'json', below]).peakMiB; });
  print({ name: 'inspect.small-files', value: own, unit: 'files/s', against: 'open, read and sha256 of each in a loop', goal: '>= 3000', detail: { files: smallFiles, peakMiB: peak, plainPerSecond: plain, timesAsLong: round(plain / own) } });
}

function perSecond(work: () => void): number {
  const began = performance.now();
  work();
  return round(smallFiles / ((performance.now() - began) / 1_000));
}

function readAndHash(folder: string) {
  const room = Buffer.alloc(65_536);
  for (const name of readdirSync(folder)) {
    const fd = openSync(join(folder, name), 'r');
    createHash('sha256').update(room.subarray(0, readSync(fd, room, 0, room.length, 0))).digest();
    closeSync(fd);
  }
}

/** Ordinary weights: normally distributed, as an initializer leaves them. */
function writeLarge(path: string) {
  const values = new Float32Array(giga / 4 / tensors);
  for (let at = 0; at < values.length; at++) values[at] = 0.02 * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const bytes = new Uint8Array(values.buffer);
  const record = dense({ dims: shape([values.length]), data: new Uint8Array(0) });
  const names = container([], { names: Array.from({ length: tensors }, (_, index) => text(`arg:w${index}`)) }).subarray(24);
  const fd = openSync(path, 'w');
  const header = Buffer.alloc(24);
  header.writeBigUInt64LE(0x112n);
  header.writeBigUInt64LE(BigInt(tensors), 16);
  writeSync(fd, header);
  for (let count = 0; count < tensors; count++) {
    writeSync(fd, record);
    writeSync(fd, bytes);
  }
  writeSync(fd, names);
  closeSync(fd);
}

/** Processor seconds and peak resident memory, as time(1) of bash and the kernel count them. */
function cpuOf(command: readonly string[]): { seconds: number; peakMiB: number } {
  const script = 'import resource,subprocess,sys\nc=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL).returncode\nu=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(c,u.ru_utime+u.ru_stime,u.ru_maxrss/1024)';
  const { stdout, stderr } = spawnSync('python3', ['-c', script, ...command], { encoding: 'utf8' });
  const [code = 1, seconds = Number.NaN, peakMiB = Number.NaN] = stdout.trim().split(' ').map(Number);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${stderr}`);
  return { seconds, peakMiB: Math.round(peakMiB) };
}
