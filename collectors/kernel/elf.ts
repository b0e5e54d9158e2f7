import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/*
 * ELF64, little endian, as elf(5) and the System V gABI describe it; only what finds a function in a file.
 * The file is chosen by whoever is watched: every number in it is checked against the file and against these bounds.
 */
const limits = { headers: 1_024, sections: 65_536, table: 128 << 20, chain: 65_536, window: 256 << 10, cpuMicroseconds: 3_000_000 };
const machines = new Set([62, 183]); // x86_64, aarch64
const kinds = { load: 1, dynamic: 2, symtab: 2, hash: 4, strtab: 5, dynSymtab: 6, strsz: 10, dynsym: 11, gnuHash: 0x6fff_fef5 };
const symbolBytes = 24;

interface Segment { readonly offset: bigint; readonly address: bigint; readonly bytes: bigint }
/** Where symbols and their names are in the file. */
interface Table { readonly at: bigint; readonly count: bigint; readonly names: bigint; readonly nameBytes: bigint }
interface Dynamic {
  readonly symbols: bigint;
  readonly names: bigint;
  readonly nameBytes: bigint;
  readonly gnuHash: bigint | undefined;
  readonly hash: bigint | undefined;
}

/** Reads at absolute places, never beyond the end, never for longer than the time allowed. */
interface Source { readonly size: bigint; read(at: bigint, length: number): Buffer }

/**
 * File offset (st_value − p_vaddr + p_offset of its segment) of each named function that this file defines, from the
 * dynamic symbols by their hash table, else from a scan of the section tables. Names it does not define are left out.
 * Reads tables only, never the whole file. Throws RangeError for what is not ELF64 of x86_64 or aarch64, is damaged, or
 * exceeds the bounds; the errors of open(2) and read(2) pass through.
 */
export function symbolOffsets(file: string, names: readonly string[]): Map<string, bigint> {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const source = sourceOf(descriptor);
    const { segments, dynamic, sections } = headers(source);
    const found = dynamic === undefined ? new Map<string, bigint>() : byHash(source, segments, dynamic, names);
    if (found.size > 0) return found;
    for (const table of sections()) {
      for (const [name, offset] of byScan(source, segments, table, names)) if (!found.has(name)) found.set(name, offset);
      if (found.size === names.length) break;
    }
    return found;
  } finally { closeSync(descriptor); }
}

function sourceOf(descriptor: number): Source {
  const status = fstatSync(descriptor, { bigint: true });
  if (!status.isFile()) throw new RangeError('not a regular file');
  // Of this thread's own time: on a busy machine waiting is no sign of an attack.
  const begun = process.threadCpuUsage();
  return {
    size: status.size,
    read(at, length) {
      const { user, system } = process.threadCpuUsage(begun);
      if (user + system > limits.cpuMicroseconds) throw new RangeError(`symbols not found within ${limits.cpuMicroseconds / 1_000} ms of processor time`);
      if (at < 0n || at + BigInt(length) > status.size) throw new RangeError('ELF table outside the file');
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const got = readSync(descriptor, bytes, done, length - done, at + BigInt(done));
        if (got === 0) throw new RangeError('file became shorter');
        done += got;
      }
      return bytes;
    },
  };
}

function headers(source: Source): { segments: Segment[]; dynamic: Dynamic | undefined; sections: () => Table[] } {
  if (source.size < 64n) throw new RangeError('too short for ELF');
  const head = source.read(0n, 64);
  if (head.readUInt32BE(0) !== 0x7f45_4c46 || head[4] !== 2 || head[5] !== 1) throw new RangeError('not ELF64, little endian');
  if (!machines.has(head.readUInt16LE(18))) throw new RangeError('neither x86_64 nor aarch64');
  const count = head.readUInt16LE(56);
  if (head.readUInt16LE(54) !== 56 || count > limits.headers) throw new RangeError('unusual program headers');
  const programs = source.read(head.readBigUInt64LE(32), count * 56);
  const segments: Segment[] = [];
  let dynamic: Segment | undefined;
  for (let at = 0; at < programs.length; at += 56) {
    const segment = { offset: programs.readBigUInt64LE(at + 8), address: programs.readBigUInt64LE(at + 16), bytes: programs.readBigUInt64LE(at + 32) };
    if (programs.readUInt32LE(at) === kinds.load) segments.push(segment);
    if (programs.readUInt32LE(at) === kinds.dynamic) dynamic = segment;
  }
  return { segments, dynamic: dynamic && dynamicOf(source, segments, dynamic), sections: () => tablesOf(source, head) };
}

function fileOffset(segments: readonly Segment[], address: bigint): bigint | undefined {
  const segment = segments.find(each => address >= each.address && address - each.address < each.bytes);
  return segment && address - segment.address + segment.offset;
}

function dynamicOf(source: Source, segments: readonly Segment[], place: Segment): Dynamic | undefined {
  const bytes = source.read(place.offset, bounded(place.bytes, 16 * 4_096));
  const values = new Map<number, bigint>();
  for (let at = 0; at + 16 <= bytes.length && bytes.readBigInt64LE(at) !== 0n; at += 16) {
    values.set(Number(bytes.readBigInt64LE(at)), bytes.readBigUInt64LE(at + 8));
  }
  const located = (kind: number): bigint | undefined => {
    const address = values.get(kind);
    return address === undefined ? undefined : fileOffset(segments, address);
  };
  const [symbols, names, nameBytes] = [located(kinds.dynSymtab), located(kinds.strtab), values.get(kinds.strsz)];
  if (symbols === undefined || names === undefined || nameBytes === undefined) return undefined;
  return { symbols, names, nameBytes, gnuHash: located(kinds.gnuHash), hash: located(kinds.hash) };
}

function byHash(source: Source, segments: readonly Segment[], dynamic: Dynamic, names: readonly string[]): Map<string, bigint> {
  const candidates = dynamic.gnuHash !== undefined ? gnuCandidates(source, dynamic.gnuHash)
    : dynamic.hash !== undefined ? sysvCandidates(source, dynamic.hash) : undefined;
  const found = new Map<string, bigint>();
  if (candidates === undefined) return found;
  for (const name of names) {
    const wanted = Buffer.from(`${name}\0`);
    for (const index of candidates(wanted.subarray(0, -1))) {
      const symbol = source.read(dynamic.symbols + BigInt(index) * BigInt(symbolBytes), symbolBytes);
      const at = BigInt(symbol.readUInt32LE(0));
      if (at + BigInt(wanted.length) > dynamic.nameBytes || !source.read(dynamic.names + at, wanted.length).equals(wanted)) continue;
      const offset = definedAt(segments, symbol, 0);
      if (offset !== undefined) { found.set(name, offset); break; }
    }
  }
  return found;
}

/** DT_GNU_HASH: bucket → first symbol; then hashes in symbol order, the last of a chain marked by its lowest bit. */
function gnuCandidates(source: Source, at: bigint): (name: Uint8Array) => Iterable<number> {
  const head = source.read(at, 16);
  const [buckets, first, bloomWords] = [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8)];
  if (buckets === 0) throw new RangeError('hash table without buckets');
  const bucketsAt = at + 16n + BigInt(bloomWords) * 8n;
  const chainsAt = bucketsAt + BigInt(buckets) * 4n;
  return function* (name) {
    const hash = name.reduce((sum, byte) => (Math.imul(sum, 33) + byte) >>> 0, 5_381);
    const start = source.read(bucketsAt + BigInt(hash % buckets) * 4n, 4).readUInt32LE(0);
    if (start < first) return;
    for (let index = start, steps = 0; ; index += 1, steps += 1) {
      if (steps > limits.chain) throw new RangeError('hash chain without end');
      const value = source.read(chainsAt + BigInt(index - first) * 4n, 4).readUInt32LE(0);
      if ((value | 1) >>> 0 === (hash | 1) >>> 0) yield index;
      if ((value & 1) === 1) return;
    }
  };
}

/** DT_HASH: nbucket, nchain, buckets, chains. */
function sysvCandidates(source: Source, at: bigint): (name: Uint8Array) => Iterable<number> {
  const buckets = source.read(at, 4).readUInt32LE(0);
  if (buckets === 0) throw new RangeError('hash table without buckets');
  return function* (name) {
    const hash = name.reduce(sysvStep, 0);
    let index = source.read(at + 8n + BigInt(hash % buckets) * 4n, 4).readUInt32LE(0);
    for (let steps = 0; index !== 0; steps += 1) {
      if (steps > limits.chain) throw new RangeError('hash chain without end');
      yield index;
      index = source.read(at + 8n + BigInt(buckets) * 4n + BigInt(index) * 4n, 4).readUInt32LE(0);
    }
  };
}

function sysvStep(sum: number, byte: number): number {
  const next = ((sum << 4) + byte) >>> 0;
  const high = next & 0xf000_0000;
  return (next ^ (high >>> 24)) & ~high;
}

/** .dynsym and .symtab as the section headers tell them; an executable without dynamic symbols has only these. */
function tablesOf(source: Source, head: Buffer): Table[] {
  const [at, size, count] = [head.readBigUInt64LE(40), head.readUInt16LE(58), head.readUInt16LE(60)];
  if (at === 0n || count === 0) return [];
  if (size !== 64 || count > limits.sections) throw new RangeError('unusual section headers');
  const sections = source.read(at, count * 64);
  const tables: Table[] = [];
  for (let here = 0; here < sections.length; here += 64) {
    const kind = sections.readUInt32LE(here + 4);
    const link = sections.readUInt32LE(here + 40) * 64;
    if ((kind !== kinds.symtab && kind !== kinds.dynsym) || link >= sections.length || tables.length === 4) continue;
    tables.push({
      at: sections.readBigUInt64LE(here + 24), count: sections.readBigUInt64LE(here + 32) / BigInt(symbolBytes),
      names: sections.readBigUInt64LE(link + 24), nameBytes: sections.readBigUInt64LE(link + 32),
    });
  }
  return tables;
}

function byScan(source: Source, segments: readonly Segment[], table: Table, names: readonly string[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const places = namePlaces(source, table, names);
  if (places.size === 0) return found;
  const total = bounded(table.count * BigInt(symbolBytes), limits.table);
  const window = limits.window - (limits.window % symbolBytes);
  for (let start = 0; start < total; start += window) {
    const bytes = source.read(table.at + BigInt(start), Math.min(window, total - start));
    for (let at = 0; at + symbolBytes <= bytes.length; at += symbolBytes) {
      const name = places.get(bytes.readUInt32LE(at));
      const offset = name === undefined || found.has(name) ? undefined : definedAt(segments, bytes, at);
      if (name !== undefined && offset !== undefined) found.set(name, offset);
    }
  }
  return found;
}

/** Offsets in the name table at which one of the names stands, also as the tail of a longer one: linkers share tails. */
function namePlaces(source: Source, table: Table, names: readonly string[]): Map<number, string> {
  const wanted = names.map(name => ({ name, bytes: Buffer.from(`${name}\0`) }));
  const overlap = Math.max(0, ...wanted.map(each => each.bytes.length - 1));
  const total = bounded(table.nameBytes, limits.table);
  const places = new Map<number, string>();
  for (let start = 0; start < total; start += limits.window) {
    const bytes = source.read(table.names + BigInt(start), Math.min(limits.window + overlap, total - start));
    for (const each of wanted) {
      for (let at = bytes.indexOf(each.bytes); at !== -1; at = bytes.indexOf(each.bytes, at + 1)) places.set(start + at, each.name);
    }
    if (places.size > limits.chain) throw new RangeError('a name is repeated without end');
  }
  return places;
}

/** File offset of a function that this file defines; not of an STT_GNU_IFUNC, whose code only chooses another. */
function definedAt(segments: readonly Segment[], symbols: Buffer, at: number): bigint | undefined {
  const isFunction = ((symbols[at + 4] ?? 0) & 15) === 2;
  return isFunction && symbols.readUInt16LE(at + 6) !== 0 ? fileOffset(segments, symbols.readBigUInt64LE(at + 8)) : undefined;
}

function bounded(bytes: bigint, most: number): number {
  if (bytes > BigInt(most)) throw new RangeError(`ELF table of ${bytes} bytes, more than ${most}`);
  return Number(bytes);
}
