import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { container, dense, shape, text } from '../fixtures/hostile/ndarray.ts';
import { median, print } from './figure.ts';

const giga = 2 ** 30;
const tensors = 64;
const smallFiles = 20_000;
const entry = new URL('../../agent/mxwarden', import.meta.url).pathname;

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
  execFileSync('mkdir', [below]);
  const content = container([dense({ dims: shape([2]) })], { names: [text('arg:w')] });
  for (let number = 0; number < smallFiles; number++) writeFileSync(join(below, `m${number}.nd`), content);
  const began = performance.now();
  const { peakMiB } = cpuOf([entry, 'inspect', '--format', 'json', below]);
  print({ name: 'inspect.small-files', value: smallFiles / ((performance.now() - began) / 1_000), unit: 'files/s', goal: '>= 3000', detail: { files: smallFiles, peakMiB } });
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
