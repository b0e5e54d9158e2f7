import { registry } from '../assemble.ts';
import { parseCheckpoint } from '../audit/checkpoint.ts';
import { TrailDamage } from '../audit/damage.ts';
import { parseEntry } from '../audit/entry.ts';
import { entriesIn, epochFiles, type EpochFiles } from '../audit/epoch-files.ts';
import { readFile } from '../audit/files.ts';
import { consistencyProof, inclusionProof, type NodeAt, rootHash, verifyConsistency } from '../audit/merkle.ts';
import { leaveNotice } from '../audit/notices.ts';
import { parseVkey, signersOf, type Verifier } from '../audit/note.ts';
import { trailPlace } from '../audit/place.ts';
import { formatProof, parseProof, proves } from '../audit/proof.ts';
import { nodesIn, tilePath, tileWidth } from '../audit/tile.ts';
import { folderOf } from '../audit/trail.ts';
import { trusted } from '../audit/trust.ts';
import type { EpochReport } from '../audit/verify.ts';
import { existing, holdCheckpoint, verifyTrail } from '../audit/verify-trail.ts';
import { loadConfig } from '../config/load.ts';
import { UnavailableError } from '../contract/errors.ts';
import { escapeText } from '../contract/text.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

export interface TrailOptions extends CommonOptions {
  /** A copy of a trail, which is read without a word to its agent. */
  readonly directory?: string;
  /** Each a vkey, as the command line has checked. */
  readonly key?: readonly string[];
  readonly epoch?: number;
}

const mostFile = 1_048_576;

/** 0: every record, tile and checkpoint is as it was signed. 1: something is not. 69: there is no trail. */
export async function verify(options: TrailOptions & { readonly checkpoint?: string }): Promise<ExitCode> {
  const directory = readTrail(options, 'verify');
  const reports = verifyTrail(directory, keysOf(options), options.epoch);
  if (reports.length === 0) throw new UnavailableError(`${directory}: there is no epoch ${options.epoch}`);
  const held = options.checkpoint === undefined ? null : holdCheckpoint(fileOf(options.checkpoint), reports, report => report.keys.map(parseVkey), rootIn(directory));
  if (options.format === 'json') {
    for (const report of reports) printJson(report);
    if (held !== null) printJson({ checkpoint: held });
  } else {
    for (const report of reports) for (const line of reportLines(report)) print(line);
    if (held !== null) print(`the checkpoint of ${held.size} records: ${held.fault === null ? `it is signed, and epoch ${held.epoch} continues it` : escapeText(held.fault)}`);
    if (keysOf(options).length === 0) print('the key was taken from the trail itself: give --key VKEY to hold it against the one that you noted');
  }
  return reports.every(({ faults }) => faults.length === 0) && held?.fault == null ? exitCode.ok : exitCode.findings;
}

export function* reportLines({ epoch, records, signed, first, begun, ended, root, keys, faults }: EpochReport): Generator<string> {
  const unsigned = records > signed ? `, the last ${records - signed} under no checkpoint yet` : '';
  yield `epoch ${epoch}: ${faults.length === 0 ? 'sound' : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`}; ${records} records${unsigned}${first > 0 ? `; ${first} were removed by retention` : ''}`;
  if (begun !== null) yield `  from ${escapeText(begun)} to ${escapeText(ended ?? '')}`;
  yield `  root ${root ?? 'unknown'}`;
  for (const key of keys) yield `  key  ${escapeText(key)}`;
  for (const { place, fault } of faults) yield `  ${escapeText(place)}: ${escapeText(fault)}`;
}

/** Prints a tlog-proof of one record, with the record in it. */
export async function prove(seq: number, options: TrailOptions): Promise<ExitCode> {
  const directory = readTrail(options, `prove ${seq}`);
  const epoch = options.epoch ?? existing(directory).at(-1) ?? 1;
  const files = epochFiles(folderOf(directory, epoch));
  const { last } = onDamage(() => trustedIn(files, options));
  if (last === null) throw new UnavailableError(`epoch ${epoch} has no sound checkpoint: mxwarden audit verify says more`);
  if (seq >= last.size) throw new UnavailableError(`record ${seq} is under no checkpoint: the last one counts ${last.size} records, the next one comes within the configured time`);
  const proof = onDamage(() => ({
    index: seq, hashes: inclusionProof(seq, last.size, nodesOf(files, last.size)), checkpoint: last,
    entry: entriesIn(files, Math.floor(seq / tileWidth), last.size)?.[seq % tileWidth] ?? null,
  }));
  if (proof.entry !== null && !proves(proof, proof.entry)) throw new UnavailableError(`record ${seq} is not the one that was signed: mxwarden audit verify says more`);
  process.stdout.write(formatProof(proof));
  return exitCode.ok;
}

/** 0: the record is in a tree that a key that counts has signed. 1: it is not. 2: nothing tells which key counts. */
export async function verifyProof(file: string, options: TrailOptions & { readonly record?: string }): Promise<ExitCode> {
  const proof = parsed(file, () => parseProof(fileOf(file)));
  const entry = options.record === undefined ? proof.entry : Buffer.from(fileOf(options.record).toString().replace(/\n$/, ''));
  if (entry === null) throw new UnavailableError(`${file}: the proof does not hold the record: give it with --record FILE`);
  const keys = keysOf(options).map(({ publicKey }) => ({ name: proof.checkpoint.origin, publicKey }));
  const holds = proves(proof, entry);
  const signed = signersOf(proof.checkpoint.parsed, keys).length > 0;
  const told = { origin: proof.checkpoint.origin, seq: proof.index, size: proof.checkpoint.size, included: holds, signed: keys.length === 0 ? null : signed, record: recordIn(entry) };
  if (options.format === 'json') printJson(told);
  else {
    print(`${holds ? 'included' : 'NOT included'}: record ${told.seq} of ${escapeText(told.origin)}, in its tree of ${told.size}`);
    print(keys.length === 0 ? 'whether the tree is the log\'s own is not known: give its key with --key VKEY' : signed ? 'the checkpoint is signed by the key given' : 'the checkpoint is NOT signed by the key given');
    print(escapeText(entry.toString()));
  }
  if (!holds || (keys.length > 0 && !signed)) return exitCode.findings;
  return keys.length === 0 ? exitCode.incomplete : exitCode.ok;
}

function recordIn(entry: Buffer): unknown {
  try { return parseEntry(entry); } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** 0: both checkpoints are signed, and the newer tree continues the older one. 1: not so. The proof is printed. */
export async function consistency(older: string, newer: string, options: TrailOptions): Promise<ExitCode> {
  const directory = readTrail(options, 'consistency');
  const [from, to] = [parsed(older, () => parseCheckpoint(fileOf(older))), parsed(newer, () => parseCheckpoint(fileOf(newer)))];
  const faults: string[] = [];
  const reports = verifyTrail(directory, keysOf(options));
  const rootAt = rootIn(directory);
  for (const [name, { note }] of [[older, from], [newer, to]] as const) {
    const { fault } = holdCheckpoint(Buffer.from(note), reports, report => report.keys.map(parseVkey), rootAt);
    if (fault !== null) faults.push(`${name}: ${fault}`);
  }
  if (from.origin !== to.origin) faults.push('they are of two logs');
  if (from.size > to.size) faults.push(`the first one counts ${from.size} records and the second one ${to.size}: give the older one first`);
  const epoch = reports.find(({ origin }) => origin === to.origin)?.epoch;
  const files = epoch === undefined ? null : epochFiles(folderOf(directory, epoch));
  const proof = files === null || faults.length > 0 ? [] : onDamage(() => consistencyProof(from.size, to.size, nodesOf(files, to.size)));
  if (faults.length === 0 && !verifyConsistency(from.size, to.size, proof, from.root, to.root)) faults.push('the newer tree does not continue the older one');
  const told = { consistent: faults.length === 0, from: from.size, to: to.size, proof: proof.map(hash => Buffer.from(hash).toString('base64')), faults };
  if (options.format === 'json') printJson(told);
  else for (const line of [told.consistent ? `consistent: the tree of ${told.to} continues that of ${told.from}` : 'NOT consistent', ...faults, ...told.proof]) print(escapeText(line));
  return told.consistent ? exitCode.ok : exitCode.findings;
}

/** The trail of this host, whose agent is told who reads it; or a copy, whose reading is nobody's business. */
export function readTrail(options: TrailOptions, what: string): string {
  if (options.directory !== undefined) return options.directory;
  const file = configFile(options.config);
  const { directory } = trailPlace(file, loadConfig(file, registry).config);
  existing(directory);
  try { leaveNotice(directory, what); } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    process.stderr.write(`mxwarden: this reading cannot be noted in the trail (${String(error.code)})\n`);
  }
  return directory;
}

export const keysOf = ({ key }: TrailOptions): Verifier[] => (key ?? []).map(parseVkey);

function fileOf(path: string): Buffer {
  try {
    const bytes = readFile(path, mostFile);
    if (bytes !== null) return bytes;
  } catch (error) {
    if (error instanceof TrailDamage) throw new UnavailableError(`${path}: ${error.message}`);
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new UnavailableError(`${path}: cannot be read (${String(error.code)})`);
  }
  throw new UnavailableError(`${path}: there is no such file`);
}

function parsed<T>(file: string, work: () => T): T {
  try { return work(); } catch (error) {
    if (error instanceof RangeError) throw new UnavailableError(`${file}: ${error.message}`);
    throw error;
  }
}

function onDamage<T>(work: () => T): T {
  try { return work(); } catch (error) {
    if (error instanceof TrailDamage) throw new UnavailableError(`${error.place}: ${error.message}; mxwarden audit verify says more`);
    throw error;
  }
}

const trustedIn = (files: EpochFiles, options: TrailOptions) => trusted(files, keysOf(options), damage => { throw damage; });

/** A tree of this size through its tiles; the edge as it was published, or the full tiles that have grown from it. */
function nodesOf(files: EpochFiles, size: number): NodeAt {
  return nodesIn((level, index) => {
    const width = Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
    const tile = files.tile(level, index) ?? (width < tileWidth ? files.tile(level, index, width) : null);
    if (tile === null) throw new TrailDamage(tilePath(level, index, width), 'it is missing');
    return tile;
  });
}

/** The root of an earlier tree, from the tiles of the last one. */
function rootIn(directory: string): (epoch: number, size: number) => Uint8Array | null {
  return (epoch, size) => {
    const files = epochFiles(folderOf(directory, epoch));
    const last = files.checkpoint();
    try { return last && rootHash(size, nodesOf(files, parseCheckpoint(last).size)); } catch (error) {
      if (error instanceof RangeError || error instanceof TrailDamage) return null;
      throw error;
    }
  };
}
