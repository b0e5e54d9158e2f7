import { statSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { MxnetCalled } from '../../../agent/contract/event.ts';
import { readText } from '../../../agent/contract/text.ts';
import { accessOf, fileIdentity, resolvePath } from '../procfs/describe.ts';
import type { Call } from './calls.ts';
import type { LoadFunction } from './functions.ts';
import type { Entered, Named } from './wire.ts';

type Argument = MxnetCalled['argument'];
type PathArgument = Extract<Argument, { type: 'path' }>;
type Name = { readonly bytes: Buffer } | { readonly why: string };

export const mostNameBytes = 8_192;
const fault = '(fault)';

/** The name in a record, as far as this one record tells it; undefined when it tells none. */
export function nameIn(record: Named | Entered): Buffer | undefined {
  const text = record.kind === 'named' ? record.name : record.late?.bytes?.split('\0', 1)[0];
  return text === undefined || text === null ? undefined : Buffer.from(text, 'latin1');
}

/**
 * The name of a call. From the record that fetched it; else, for names of 4,060 bytes and more, from the caller's memory,
 * read a moment later: it counts only when it still begins with what the kernel saw there at the entry.
 */
export function nameOf({ named, entered }: Call): Name {
  if (named === null && entered === null) return { why: 'the entry of the call was not seen' };
  const head = (entered?.head ?? '').split('\0', 1)[0] ?? '';
  const fits = (name: string): boolean => name.startsWith(head);
  // Some kernels write these words where others write nothing; a file may also have that name.
  const fetched = named === null || named.name === null || (named.name === fault && !fits(named.name)) ? undefined : named.name;
  if (fetched !== undefined) return fits(fetched) ? { bytes: Buffer.from(fetched, 'latin1') } : { why: 'the name changed while it was read' };
  const memory = entered?.late?.bytes ?? undefined;
  if (memory === undefined) return { why: 'the name could not be read from the memory of the caller' };
  const end = memory.indexOf('\0');
  if (end === -1 && memory.length >= mostNameBytes) return { why: `the name is longer than ${mostNameBytes} bytes` };
  if (end === -1) return { why: 'the name has no end in readable memory' };
  const name = memory.slice(0, end);
  return fits(name) && head !== '' ? { bytes: Buffer.from(name, 'latin1') } : { why: 'the name changed while it was read' };
}

/** As this thread means it now. `raw` is escaped. */
export function resolveName(host: HostPaths, tid: number, name: Buffer): PathArgument {
  const resolved = resolvePath(host, tid, name);
  const argument = unresolvedName(name);
  if (resolved === null) return argument;
  // No such file, or not for us: the name and place are told all the same.
  let file: PathArgument['file'] = null;
  try { file = fileIdentity(statSync(resolved.openPath, { bigint: true })); } catch { /* as said */ }
  return { ...argument, place: resolved.place, file, access: accessOf(resolved.openPath) };
}

export const unresolvedName = (name: Buffer): PathArgument =>
  ({ type: 'path', raw: readText(name, mostNameBytes), place: null, file: null, access: null });

/** What was loaded, when it is not a file. */
export function otherArgument(shape: LoadFunction['shape'], call: Call): Argument {
  switch (shape.argument) {
    case 'buffer': {
      const value = shape.length === null ? null : call.entered?.[shape.length.from] ?? null;
      const bytes = value === null || shape.length === null ? -1n : shape.length.bits === 32 ? BigInt.asIntN(32, BigInt(value)) : BigInt(value);
      return { type: 'buffer', bytes: bytes >= 0n && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : null };
    }
    case 'list': return { type: 'unread', why: 'the file is named in a list of parameters' };
    case 'path': case 'none': return { type: 'unread', why: 'the entry of the call was not seen' };
    default: shape satisfies never; return { type: 'unread', why: '' };
  }
}
