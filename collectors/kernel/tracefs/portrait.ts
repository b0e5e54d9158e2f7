import { statSync } from 'node:fs';
import { normalize } from 'node:path/posix';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { Process, ProcessRef, Streams } from '../../../agent/contract/process.ts';
import { readText } from '../../../agent/contract/text.ts';
import { fileIdentity, resolvePath } from '../procfs/describe.ts';
import { parseArguments } from '../procfs/parse.ts';
import { streamsOf } from '../procfs/streams.ts';
import { mostPeekBytes } from './peek.ts';

export interface Execution {
  readonly ref: ProcessRef;
  /** As given to execve(2), latin1. */
  readonly file: string;
  /** Bytes of /proc/PID/cmdline, latin1; null when they were not read, undefined when nothing that was read is to be trusted. */
  readonly argv: string | null | undefined;
}
/** What only a living process shows of its standard streams. */
export interface Flow { readonly streams: Streams | null; readonly parentStreams?: Streams | null }
/** Where the executed file is and what /proc says of the process, as long as it lives. */
export interface Sighting { readonly process: Process; readonly path: string; readonly file: Process['executable']['file'] }

/** As in `ProcessExecuted`. `maySearch`: whether tables of sockets may be read, which takes milliseconds on a busy host. */
export function flowOf(host: HostPaths, process: Process, maySearch: () => boolean): Flow {
  const streams = streamsOf(host, process, maySearch);
  const [parent] = process.ancestors;
  const isTerminal = streams?.slice(0, 2).some(stream => stream?.type === 'terminal') === true;
  return { streams, ...isTerminal && parent !== undefined ? { parentStreams: streamsOf(host, parent, maySearch) } : {} };
}

/** To be called at once: what it looks at may live for half a millisecond. Null when it is gone already. */
export function sight(host: HostPaths, process: Process | null, file: string): Sighting | null {
  if (process === null) return null;
  // A descriptor, as fexecve(3) writes it: the name says nothing.
  if (file.startsWith('/dev/fd/')) return { process, path: process.executable.path, file: process.executable.file };
  // Names that mean something to MXNet, such as `stdin`, mean nothing to execve.
  const resolved = resolvePath(host, process.pid, Buffer.from(file.startsWith('/') ? file : `./${file}`, 'latin1'));
  // As it was called, links not followed: what `sh` leads to says less than that it was called so.
  const called = readText(Buffer.from(file, 'latin1'));
  const path = file.startsWith('/') || process.cwd === '' ? called : normalize(`${process.cwd}/${called}`);
  return { process, path, file: resolved === null ? null : identityAt(resolved.openPath) };
}

/** The process as it was when it executed this file; what it no longer shows is told by `before`: what it was, or who made it. */
export function executedPortrait({ ref, file, argv }: Execution, sighting: Sighting | null, before: Process | null): Process {
  const base = sighting?.process ?? (before?.pid === ref.pid ? before : forkedPortrait(ref, before));
  const path = sighting?.path ?? readText(Buffer.from(file, 'latin1'));
  return { ...base, ...ref, executable: { path, file: sighting?.file ?? null }, argv: wordsOf(argv, sighting) };
}

function wordsOf(argv: string | null | undefined, sighting: Sighting | null): readonly string[] {
  if (argv === undefined) return [];
  if (argv === null) return sighting?.process.argv ?? [];
  return parseArguments(Buffer.from(argv, 'latin1'), argv.length >= mostPeekBytes);
}

/** A copy of who made it. When that is unknown too: what cannot be known of a process that is gone, with -1 for its user. */
export function forkedPortrait(ref: ProcessRef, parent: Process | null): Process {
  if (parent === null) {
    return { ...ref, executable: { path: '[gone]', file: null }, argv: [], cwd: '', uid: -1, loginUid: null, container: null, ancestors: [] };
  }
  const maker = { pid: parent.pid, startTicks: parent.startTicks, path: parent.executable.path };
  return { ...parent, ...ref, ancestors: [maker, ...parent.ancestors].slice(0, 16) };
}

function identityAt(openPath: string): Process['executable']['file'] {
  // It is gone, or never was where the name points now: the name alone is told.
  try { return fileIdentity(statSync(openPath, { bigint: true })); } catch { return null; }
}
