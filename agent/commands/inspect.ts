import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { registry } from '../assemble.ts';
import { loadConfig } from '../config/load.ts';
import type { Verdict } from '../contract/inspection.ts';
import { cycloneDx } from '../inspection/cyclonedx.ts';
import { inspectAll } from '../inspection/pool.ts';
import type { Result } from '../inspection/result.ts';
import { sarifLog } from '../inspection/sarif.ts';
import { resultLines, summaryLine } from '../inspection/text.ts';
import { type Found, walk } from '../inspection/walk.ts';
import { version } from '../version.ts';
import { configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

export interface InspectOptions {
  readonly config?: string;
  readonly format: 'text' | 'json' | 'sarif' | 'cyclonedx';
  readonly recursive: boolean;
  readonly policy?: string;
  readonly jobs?: number;
  readonly maxBytes: number;
  readonly timeout: number;
  readonly stdin?: boolean;
  readonly null?: boolean;
}

/** 0: all clean. 1: findings. 2: something was not examined to its end, whatever else was found. */
export async function inspect(paths: readonly string[], options: InspectOptions): Promise<ExitCode> {
  const { config } = loadConfig(options.policy ?? configFile(options.config), registry);
  const settings = { ...config.detectors.get('inspection') as object, timeoutMs: options.timeout };
  const counts = new Map<Verdict, number>();
  const progress = createProgress();
  if (paths.length === 0 && !options.stdin && !options.null) {
    process.stderr.write('mxwarden: name what is to be inspected, or say --stdin\n');
    return exitCode.usage;
  }
  const roots = [...paths.map(path => Buffer.from(path)), ...options.stdin || options.null ? await fromStdin(options.null ? 0x00 : 0x0a) : []];
  const pool = { jobs: options.jobs ?? availableParallelism(), maxBytes: options.maxBytes, timeoutMs: options.timeout, configs: new Map([['inspection', settings]]) };
  const gathered: Result[] = [];
  let findings = false;
  for await (const result of inspectAll(all(roots, options.recursive), pool)) {
    counts.set(result.verdict, (counts.get(result.verdict) ?? 0) + 1);
    findings ||= result.findings.some(({ severity }) => severity !== 'info') || ['malicious', 'suspicious', 'malformed'].includes(result.verdict);
    progress.clear();
    if (options.format === 'text' || options.format === 'json') show(result, options.format);
    else gathered.push(result);
    progress.tell(counts);
  }
  progress.clear();
  if (options.format === 'text') print(summaryLine(counts));
  if (options.format === 'sarif') printJson(sarifLog(gathered, version));
  if (options.format === 'cyclonedx') printJson(cycloneDx(gathered, version, new Date()));
  // A check of nothing is no check.
  if (counts.size === 0) {
    process.stderr.write('mxwarden: no file was found there\n');
    return exitCode.incomplete;
  }
  if ((counts.get('incomplete') ?? 0) + (counts.get('unsupported') ?? 0) > 0) return exitCode.incomplete;
  return findings ? exitCode.findings : exitCode.ok;
}

function* all(roots: readonly Buffer[], recursive: boolean): Generator<Found> {
  for (const root of roots) yield* walk(root, recursive);
}

function show(result: Result, format: 'text' | 'json') {
  if (format === 'json') printJson(result);
  else for (const line of resultLines(result)) print(line);
}

/** Names with this byte behind each, as find(1) prints them; the last may lack it. */
async function fromStdin(separator: number): Promise<Buffer[]> {
  const all = await buffer(process.stdin);
  const names: Buffer[] = [];
  for (let from = 0; from < all.length;) {
    const found = all.indexOf(separator, from);
    const end = found < 0 ? all.length : found;
    if (end > from) names.push(all.subarray(from, end));
    from = end + 1;
  }
  return names;
}

/** A line that renews itself on a terminal, nothing elsewhere. */
function createProgress() {
  let told = 0;
  const on = process.stderr.isTTY === true;
  return {
    clear() { if (on && told > 0) process.stderr.write('\r\x1b[K'); },
    tell(counts: ReadonlyMap<Verdict, number>) {
      if (!on || performance.now() - told < 200) return;
      told = performance.now();
      process.stderr.write(`${[...counts.values()].reduce((sum, count) => sum + count, 0)} files inspected …`);
    },
  };
}
