import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs';

/** One thing to inspect, or to say that it was not. Paths are bytes: a name need not be UTF-8. */
export type Found =
  | { readonly type: 'file'; readonly path: Buffer; readonly size: number }
  /** Not opened, and why. */
  | { readonly type: 'passed'; readonly path: Buffer; readonly why: string };

const deepest = 100;
const slash = Buffer.from('/');

/**
 * Files below the given paths in the order of their bytes. Symbolic links are followed only to what lies below the path
 * they were found under; devices, FIFOs and sockets are told and never opened.
 */
export function* walk(root: Buffer, recursive: boolean): Generator<Found> {
  const facts = lookAt(root);
  if (typeof facts === 'string') { yield { type: 'passed', path: root, why: facts }; return; }
  if (facts.isSymbolicLink()) { yield* named(root, recursive); return; }
  if (!facts.isDirectory()) { yield asFound(root, facts); return; }
  const real = Buffer.from(realpathSync(root, { encoding: 'buffer' }));
  yield* below(root, { real, recursive, seen: new Set([key(facts)]), depth: 0 });
}

interface Descent { readonly real: Buffer; readonly recursive: boolean; readonly seen: Set<string>; readonly depth: number }

const key = (facts: Stats): string => `${facts.dev}:${facts.ino}`;

/** A link that was named on the command line is meant. */
function* named(path: Buffer, recursive: boolean): Generator<Found> {
  try {
    const target = Buffer.from(realpathSync(path, { encoding: 'buffer' }));
    yield* walk(target, recursive);
  } catch (error) { yield { type: 'passed', path, why: `a link to what cannot be read (${code(error)})` }; }
}

function* below(folder: Buffer, descent: Descent): Generator<Found> {
  let names: Buffer[];
  try { names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare); } catch (error) {
    yield { type: 'passed', path: folder, why: `the folder cannot be read (${code(error)})` };
    return;
  }
  for (const name of names) {
    const path = Buffer.concat([folder, slash, name]);
    const facts = lookAt(path);
    if (typeof facts === 'string') yield { type: 'passed', path, why: facts };
    else if (facts.isDirectory()) yield* folderBelow(path, facts, descent);
    else if (facts.isSymbolicLink()) yield* link(path, descent);
    else yield asFound(path, facts);
  }
}

function* folderBelow(path: Buffer, facts: Stats, descent: Descent): Generator<Found> {
  if (!descent.recursive) return;
  if (descent.depth >= deepest) { yield { type: 'passed', path, why: `folders are nested deeper than ${deepest}` }; return; }
  if (descent.seen.has(key(facts))) return;
  descent.seen.add(key(facts));
  yield* below(path, { ...descent, depth: descent.depth + 1 });
}

function* link(path: Buffer, descent: Descent): Generator<Found> {
  try {
    const target = Buffer.from(realpathSync(path, { encoding: 'buffer' }));
    const inside = target.subarray(0, descent.real.length + 1).equals(Buffer.concat([descent.real, slash]));
    if (!inside) { yield { type: 'passed', path, why: 'a symbolic link out of the folder; name its target to have it inspected' }; return; }
    const facts = statSync(path);
    if (facts.isDirectory()) yield* folderBelow(path, facts, descent);
    else yield asFound(path, facts);
  } catch (error) {
    const to = code(error) === 'ENOENT' ? `a symbolic link to nothing (${readlinkSync(path, { encoding: 'buffer' }).length} bytes)` : `a symbolic link that cannot be followed (${code(error)})`;
    yield { type: 'passed', path, why: to };
  }
}

function asFound(path: Buffer, facts: Stats): Found {
  if (facts.isFile()) return { type: 'file', path, size: facts.size };
  const what = facts.isFIFO() ? 'a FIFO' : facts.isSocket() ? 'a socket' : 'a device';
  return { type: 'passed', path, why: `${what}; only regular files are opened` };
}

function lookAt(path: Buffer): Stats | string {
  try { return lstatSync(path); } catch (error) { return code(error) === 'ENOENT' ? 'there is no such file' : `it cannot be looked at (${code(error)})`; }
}

function code(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  throw error;
}
