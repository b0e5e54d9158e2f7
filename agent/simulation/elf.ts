/*
 * Two small ELF files made here, so that no compiler is asked of a host and no binary lies in the tree: a program that
 * sleeps a while and ends, whatever it is called and told, and a library with the entry points of MXNet. Shapes and
 * numbers: elf(5), System V gABI (hash table, dynamic section), the instruction manuals of Intel and Arm.
 */
export type Machine = 'x64' | 'arm64';

const machines: Readonly<Record<Machine, number>> = { x64: 62, arm64: 183 };
const kinds = { load: 1, dynamic: 2, stack: 0x6474_e551 } as const;
const [readExecute, readWrite] = [5, 6];
const headerBytes = 64;
const segmentBytes = 56;
/** Whatever size the pages of the kernel have. */
const alignment = 0x1_0000;

interface Segment { readonly kind: number; readonly flags: number; readonly offset: number; readonly address: number; readonly bytes: number }

function headers(machine: Machine, type: 'program' | 'library', entry: number, segments: readonly Segment[]): Buffer {
  const out = Buffer.alloc(headerBytes + segments.length * segmentBytes);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  out.writeUInt16LE(type === 'program' ? 2 : 3, 16);
  out.writeUInt16LE(machines[machine], 18);
  out.writeUInt32LE(1, 20);
  out.writeBigUInt64LE(BigInt(entry), 24);
  out.writeBigUInt64LE(BigInt(headerBytes), 32);
  out.writeUInt16LE(headerBytes, 52);
  out.writeUInt16LE(segmentBytes, 54);
  out.writeUInt16LE(segments.length, 56);
  out.writeUInt16LE(64, 58);
  segments.forEach(({ kind, flags, offset, address, bytes }, index) => {
    const at = headerBytes + index * segmentBytes;
    out.writeUInt32LE(kind, at);
    out.writeUInt32LE(flags, at + 4);
    [offset, address, address, bytes, bytes, kind === kinds.load ? alignment : 8].forEach((value, place) => out.writeBigUInt64LE(BigInt(value), at + 8 + place * 8));
  });
  return out;
}

const words = (...values: readonly number[]): Buffer => {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => out.writeUInt32LE(value >>> 0, index * 4));
  return out;
};
const long = (value: number): Buffer => { const out = Buffer.alloc(8); out.writeBigInt64LE(BigInt(value)); return out; };

/** Long enough for a sensor on a busy host to read its arguments; it is ended when that is done. */
const sleepSeconds = 20;

/** A program of about 300 bytes that sleeps for 20 s and ends with 0. It asks the kernel for nothing else. */
export function harmlessProgram(machine: Machine): Buffer {
  const base = 0x40_0000;
  const start = headerBytes + 2 * segmentBytes;
  const code = machine === 'x64' ? Buffer.from([
    0x48, 0x8d, 0x3d, 0x15, 0, 0, 0, // lea rdi, [rip + 21]: the time, behind the code
    0x31, 0xf6, // xor esi, esi
    0xb8, 35, 0, 0, 0, // mov eax, nanosleep
    0x0f, 0x05, // syscall
    0x31, 0xff, // xor edi, edi
    0xb8, 60, 0, 0, 0, // mov eax, exit
    0x0f, 0x05, // syscall
    0x90, 0x90, 0x90, // fills to 28 bytes
  ]) : words(
    0x1000_00e0, // adr x0, +28: the time, behind the code
    0xd280_0001, // mov x1, #0
    0xd280_0ca8, // mov x8, nanosleep (101)
    0xd400_0001, // svc #0
    0xd280_0000, // mov x0, #0
    0xd280_0ba8, // mov x8, exit (93)
    0xd400_0001, // svc #0
  );
  const body = Buffer.concat([code, long(sleepSeconds), long(0)]);
  const bytes = start + body.length;
  return Buffer.concat([headers(machine, 'program', base + start, [
    { kind: kinds.load, flags: readExecute, offset: 0, address: base, bytes },
    { kind: kinds.stack, flags: readWrite, offset: 0, address: 0, bytes: 0 },
  ]), body]);
}

/** What the stand-in has: MXNet's names (include/mxnet/c_api.h), and the number that decides how a call ends. */
const entryPoints = ['MXNDArrayLoad', 'MXSymbolCreateFromFile', 'MXLoadLib', 'MXNDArrayLoadFromBuffer', 'MXSymbolCreateFromJSON', 'MXCustomOpRegister'];
export const outcomeSymbol = 'mxwarden_outcome';
const functionBytes = 32;

/** Returns 0 or -1, or dies, as the number at `distance` bytes from here says: 0, 1 or 2. Each stands alone, since each is probed. */
function functionAt(machine: Machine, distance: number): Buffer {
  const code = machine === 'x64' ? Buffer.concat([
    Buffer.from([0x31, 0xc0]), // xor eax, eax
    Buffer.from([0x8b, 0x05]), words(distance - 8), // mov eax, [rip + …]
    Buffer.from([0x83, 0xf8, 0x02, 0x74, 0x03]), // cmp eax, 2; je +3
    Buffer.from([0xf7, 0xd8, 0xc3]), // neg eax; ret
    Buffer.from([0x0f, 0x0b]), // ud2
  ]) : words(
    (0x1000_0009 | ((distance & 3) << 29) | (((distance >> 2) & 0x7_ffff) << 5)) >>> 0, // adr x9, …
    0xb940_0120, // ldr w0, [x9]
    0x7100_081f, // cmp w0, #2
    0x5400_0060, // b.eq +12
    0x4b00_03e0, // neg w0, w0
    0xd65f_03c0, // ret
    0x0000_0000, // udf #0
  );
  return Buffer.concat([code], functionBytes);
}

/** A library that dlopen takes for MXNet's and that loads nothing; `padding` bytes more make another file of it. */
export const standInLibrary = (machine: Machine, padding = 0): Buffer => library(machine, 'libmxnet.so', entryPoints, padding);

/** A library without a function: opening it runs nothing. */
export const plainLibrary = (machine: Machine): Buffer => library(machine, 'plain.so', [], 0);

function library(machine: Machine, soname: string, functions: readonly string[], padding: number): Buffer {
  const names = [soname, ...functions, outcomeSymbol];
  const texts = Buffer.from(`\0${names.join('\0')}\0`);
  const nameAt = (name: string): number => texts.indexOf(`\0${name}\0`) + 1;
  const symbols = functions.length + 2;
  const start = headerBytes + 4 * segmentBytes;
  const hash = words(1, symbols, 1, 0, ...Array.from({ length: symbols - 2 }, (_, index) => index + 2), 0);
  const hashAt = start;
  const symbolsAt = Math.ceil((hashAt + hash.length) / 8) * 8;
  const textsAt = symbolsAt + symbols * 24;
  const codeAt = Math.ceil((textsAt + texts.length) / 32) * 32;
  const dataAt = codeAt + functions.length * functionBytes;
  const data = alignment + dataAt;
  const dynamic = Buffer.concat([
    [14, nameAt(soname)], [4, hashAt], [5, textsAt], [6, symbolsAt], [10, texts.length], [11, 24], [0, 0],
  ].map(([tag = 0, value = 0]) => Buffer.concat([long(tag), long(value)])));
  const outcomeAt = data + dynamic.length;
  const symbol = (name: string, info: number, section: number, address: number, bytes: number): Buffer =>
    Buffer.concat([words(nameAt(name)), Buffer.from([info, 0, section, 0]), long(address), long(bytes)]);
  const table = Buffer.concat([
    Buffer.alloc(24),
    ...functions.map((name, index) => symbol(name, 0x12, 1, codeAt + index * functionBytes, functionBytes)),
    symbol(outcomeSymbol, 0x11, 1, outcomeAt, 8),
  ]);
  const out = Buffer.alloc(dataAt + dynamic.length + 8 + padding);
  out.set(headers(machine, 'library', 0, [
    { kind: kinds.load, flags: readExecute, offset: 0, address: 0, bytes: dataAt },
    { kind: kinds.load, flags: readWrite, offset: dataAt, address: data, bytes: dynamic.length + 8 },
    { kind: kinds.dynamic, flags: readWrite, offset: dataAt, address: data, bytes: dynamic.length },
    { kind: kinds.stack, flags: readWrite, offset: 0, address: 0, bytes: 0 },
  ]));
  out.set(hash, hashAt);
  out.set(table, symbolsAt);
  out.set(texts, textsAt);
  functions.forEach((_, index) => out.set(functionAt(machine, outcomeAt - codeAt - index * functionBytes), codeAt + index * functionBytes));
  out.set(dynamic, dataAt);
  return out;
}
