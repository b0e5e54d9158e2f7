import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection } from '../../../../agent/contract/inspection.ts';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import type { OperatorPolicy } from '../../../../detectors/formats/symbol/policy.ts';
import { symbolFormat } from '../../../../detectors/formats/symbol/symbol.ts';
import { runPython } from '../../../services/mxnet.ts';

/** Real MXNet takes one thread, so that no test takes the machine. */
const env = { OMP_NUM_THREADS: '1', MXNET_ENGINE_TYPE: 'NaiveEngine' };
const here = import.meta.dirname;

/** A folder for as long as it is needed. */
export function folder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'mxwarden-symbol-'));
  return { path, [Symbol.dispose]() { rmSync(path, { recursive: true, force: true }); } };
}

export async function counts(questions: readonly (readonly [string, Readonly<Record<string, string>>])[]): Promise<(readonly [number, number] | null)[]> {
  const { stdout, stderr, code } = await runPython({ file: join(here, 'arity.py') }, { input: JSON.stringify(questions), env, timeoutMs: 110_000 });
  if (code !== 0) throw new Error(`MXNet ended with ${code}\n${stderr.slice(-1_000)}`);
  return JSON.parse(stdout) as (readonly [number, number] | null)[];
}

export interface Written { readonly name: string; readonly bytes: Buffer }

/** Files that MXNet itself wrote: one part of honest.py. */
export async function written(part: string, place: string): Promise<Written[]> {
  const { code, stderr } = await runPython({ file: join(here, 'honest.py'), args: [place, part] }, { env, timeoutMs: 110_000 });
  if (code !== 0) throw new Error(`MXNet could not write ${part}\n${stderr.slice(-1_500)}`);
  return readdirSync(place).filter(name => name.endsWith('.json')).sort().map(name => ({ name, bytes: readFileSync(join(place, name)) }));
}

export const inspect = (bytes: Uint8Array, policy: OperatorPolicy = {}, name = 'model-symbol.json'): Inspection => inspectSource(name, sourceOf(bytes), [symbolFormat(policy)]);
/** Findings that are more than a remark. */
export const above = ({ observations }: Inspection): string[] => observations.filter(({ severity }) => severity !== 'info').map(({ rule, severity, summary }) => `${severity} ${rule}: ${summary}`);
export const rules = ({ observations }: Inspection): string[] => observations.map(({ rule }) => rule);
