import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import type { HostPaths, Log } from '../../../agent/contract/component.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { parsePageBytes } from './format.ts';
import { enable, type Instance, nameRun, prepare, remove, type Run, sweep, switches } from './instance.ts';
import type { Reader } from './reader-process.ts';
import type { Layout } from './wire.ts';

export interface SessionOptions {
  readonly log: Log;
  /** For each CPU and instance. The largest that anyone asks for. */
  readonly bufferKb: number;
  /** Mount tracefs where it is missing. */
  readonly mount: boolean;
}
/** Our instances in this kernel, until disposed. */
export interface Armed extends AsyncDisposable {
  readonly run: Run;
  readonly instances: readonly Instance[];
  readonly pageBytes: number;
}

const readyWithinMs = 30_000;

export function requireRoot(): void { if (process.geteuid?.() !== 0) throw new UnavailableError('kernel tracing needs root'); }

/** Makes our instances, with nothing on yet, after what dead runs left behind was removed. */
export async function armed(host: HostPaths, { log, bufferKb, mount }: SessionOptions): Promise<Armed> {
  if (!existsSync(`${host.tracefs}/instances`)) await mountTracefs(host, mount, log);
  try {
    const { removed, stuck } = await sweep(host.tracefs, host.proc);
    if (removed.length > 0) log.info('removed what a dead run had left in the kernel', { removed });
    if (stuck.length > 0) log.warn('a dead run left something in the kernel that cannot be removed', { stuck });
    const run = nameRun(host.tracefs, host.proc);
    const dispose = async (): Promise<void> => {
      const left = await remove(host.tracefs, run);
      if (left.length > 0) log.error('left in the kernel', { left });
    };
    try {
      const instances = await Promise.all([prepare(run, 'api', bufferKb), prepare(run, 'tree', bufferKb), prepare(run, 'bytes', bufferKb)]);
      const pageBytes = parsePageBytes(await readFile(`${run.folder('api')}/events/header_page`, 'latin1'));
      return { run, instances, pageBytes, [Symbol.asyncDispose]: dispose };
    } catch (error) { await dispose(); throw error; }
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new UnavailableError(`kernel tracing is not to be had: ${error.message}`, { cause: error });
    throw error;
  }
}

async function mountTracefs(host: HostPaths, mount: boolean, log: SessionOptions['log']): Promise<void> {
  if (!mount) throw new UnavailableError(`no tracefs at ${host.tracefs}: mount -t tracefs nodev ${host.tracefs}`);
  try { await promisify(execFile)('mount', ['-t', 'tracefs', 'nodev', host.tracefs]); } catch (error) {
    throw new UnavailableError(`no tracefs at ${host.tracefs}, and it could not be mounted: ${String(error)}`, { cause: error });
  }
  log.info('mounted tracefs', { at: host.tracefs });
}

/**
 * Switches the events on with the reader in their filters, and resolves when it has seen in each instance a record of its
 * own making: a signal in `tree`, a mark in the others. What merely looks as if it worked is not believed. `reader` is
 * killed when this fails.
 */
export async function connect(site: Armed, learned: readonly Layout[], reader: Reader): Promise<void> {
  const missing = new Set(site.instances.map(each => each.purpose));
  const seen = Promise.withResolvers<void>();
  seen.promise.catch(() => { /* awaited below, unless something else fails first */ });
  reader.hear(reply => { if (reply.kind === 'ready' && missing.delete(reply.purpose) && missing.size === 0) seen.resolve(); });
  void reader.ended.then(why => seen.reject(new UnavailableError(`the process that reads kernel events ended: ${why}`)));
  const silent = (): UnavailableError =>
    new UnavailableError(`no kernel events came from: ${[...missing].join(', ')}; in a container the agent needs the host's process ids`);
  const timer = setTimeout(() => seen.reject(silent()), readyWithinMs);
  try {
    for (const instance of site.instances) {
      await enable(instance, reader.pid);
      const layouts = instance.purpose === 'api' ? [...instance.layouts, ...learned] : instance.layouts;
      reader.send({ do: 'read', purpose: instance.purpose, layouts, instance: { folder: instance.folder, pageBytes: site.pageBytes, events: switches(instance) } });
    }
    await seen.promise;
  } catch (error) { await reader.kill(); throw error; } finally { clearTimeout(timer); }
}
