/**
 * A small typed assembler of WebAssembly, in place of a tool chain: an expression carries its type and its bytes, so a
 * program that would not validate mostly does not compile. Encodings: WebAssembly Core Specification 2.0, chapter 5.
 */

export type Value = 'i32' | 'f64' | 'v128';
export interface Code<T extends Value | 'none'> { readonly type: T; readonly bytes: readonly number[] }
export type Statement = Code<'none'>;
export interface Local<T extends Value> { readonly get: Code<T>; set(value: Code<T>): Statement }

const types: Record<Value, number> = { i32: 0x7f, f64: 0x7c, v128: 0x7b };

const code = <T extends Value | 'none'>(type: T, ...parts: readonly (number | Code<Value | 'none'> | readonly number[])[]): Code<T> =>
  ({ type, bytes: parts.flatMap(part => typeof part === 'number' ? [part] : 'bytes' in part ? part.bytes : part) });

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push(rest & 0x7f | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const last = rest >= -64 && rest < 64;
    bytes.push(last ? rest & 0x7f : rest & 0x7f | 0x80);
    if (last) return bytes;
  }
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const binary = <A extends Value, R extends Value>(result: R, opcode: readonly number[]) => (left: Code<A>, right: Code<A>): Code<R> => code(result, left, right, opcode);
const vectors = (opcode: number) => binary<'v128', 'v128'>('v128', simd(opcode));
const shifts = (opcode: number) => (value: Code<'v128'>, by: number): Code<'v128'> => code('v128', value, i32.const(by), simd(opcode));
const integers = (opcode: number) => binary<'i32', 'i32'>('i32', [opcode]);
const test = (opcode: number) => (value: Code<'v128'>): Code<'i32'> => code('i32', value, simd(opcode));

export const i32 = {
  const: (value: number): Code<'i32'> => code('i32', 0x41, signed(value)),
  load: (at: Code<'i32'>, offset = 0): Code<'i32'> => code('i32', at, 0x28, 0, unsigned(offset)),
  load8: (at: Code<'i32'>, offset = 0): Code<'i32'> => code('i32', at, 0x2d, 0, unsigned(offset)),
  store: (at: Code<'i32'>, value: Code<'i32'>, offset = 0): Statement => code('none', at, value, 0x36, 0, unsigned(offset)),
  countTrailingZeros: (value: Code<'i32'>): Code<'i32'> => code('i32', value, 0x68),
  isZero: (value: Code<'i32'>): Code<'i32'> => code('i32', value, 0x45),
  equal: integers(0x46), less: integers(0x49), greater: integers(0x4b),
  add: integers(0x6a), subtract: integers(0x6b), multiply: integers(0x6c),
  and: integers(0x71), or: integers(0x72),
  shiftLeft: (value: Code<'i32'>, by: number): Code<'i32'> => code('i32', value, i32.const(by), 0x74),
  shiftRight: (value: Code<'i32'>, by: number): Code<'i32'> => code('i32', value, i32.const(by), 0x76),
};

export const v128 = {
  load: (at: Code<'i32'>, offset = 0): Code<'v128'> => code('v128', at, simd(0), 0, unsigned(offset)),
  store: (at: Code<'i32'>, value: Code<'v128'>, offset = 0): Statement => code('none', at, value, simd(11), 0, unsigned(offset)),
  const: (lanes: readonly number[]): Code<'v128'> => code('v128', simd(12), lanes),
  and: vectors(78), andNot: vectors(79), or: vectors(80), any: test(83),
};

/** The same byte in all sixteen lanes, or the same number in all four. */
export const bytes = (value: number): Code<'v128'> => v128.const(Array.from({ length: 16 }, () => value));
export const words = (value: number): Code<'v128'> => v128.const(Array.from({ length: 16 }, (_, lane) => value >>> 8 * (lane % 4) & 0xff));

/** `swizzle` is the relaxed one: lanes of its right side must be below 16. */
export const i8x16 = {
  shuffle: (left: Code<'v128'>, right: Code<'v128'>, lanes: readonly number[]): Code<'v128'> => code('v128', left, right, simd(13), lanes),
  swizzle: vectors(256), less: vectors(38), greater: vectors(40), subtract: vectors(113),
  shiftRight: shifts(109), all: test(99), bitmask: test(100), notEqual: vectors(36),
};
export const i32x4 = { greater: vectors(59), shiftLeft: shifts(171), shiftRight: shifts(173), add: vectors(174), dot: vectors(186) };
export const f32x4 = { lesser: vectors(234), greater: vectors(235) };
export const i64x2 = { subtract: vectors(209) };
export const f64x2 = {
  equal: vectors(71), notEqual: vectors(72), add: vectors(240), subtract: vectors(241), multiply: vectors(242), lesser: vectors(246), greater: vectors(247),
  promote: (value: Code<'v128'>): Code<'v128'> => code('v128', value, simd(95)),
};

/** Runs the body until the condition, looked at after each turn, is zero. */
export const repeatWhile = (condition: Code<'i32'>, ...body: readonly Statement[]): Statement => code('none', 0x03, 0x40, ...body, condition, 0x0d, 0, 0x0b);
export const when = (condition: Code<'i32'>, ...body: readonly Statement[]): Statement => code('none', condition, 0x04, 0x40, ...body, 0x0b);
export const choose = <T extends Value>(condition: Code<'i32'>, yes: Code<T>, no: Code<T>): Code<T> => code(yes.type, yes, no, condition, 0x1c, 1, types[yes.type]);

export interface Procedure { readonly name: string; readonly parameters: number; readonly bytes: readonly number[] }

/** A function of i32 parameters and no result; results go to memory. `body` asks for the locals that it needs. */
export function procedure(name: string, parameters: number, body: (parameters: readonly Local<'i32'>[], local: <T extends Value>(type: T) => Local<T>) => readonly Statement[]): Procedure {
  const locals: Value[] = [];
  const access = <T extends Value>(type: T, index: number): Local<T> => ({ get: code(type, 0x20, unsigned(index)), set: value => code('none', value, 0x21, unsigned(index)) });
  const local = <T extends Value>(type: T): Local<T> => access(type, parameters + locals.push(type) - 1);
  const statements = body(Array.from({ length: parameters }, (_, index) => access('i32', index)), local);
  const declared = [...unsigned(locals.length), ...locals.flatMap(type => [1, types[type]])];
  return { name, parameters, bytes: [...declared, ...statements.flatMap(statement => statement.bytes), 0x0b] };
}

const section = (id: number, items: readonly (readonly number[])[]): number[] => {
  const content = [...unsigned(items.length), ...items.flat()];
  return [id, ...unsigned(content.length), ...content];
};
const text = (value: string): number[] => [...unsigned(value.length), ...Array.from(value, letter => letter.charCodeAt(0))];

/** A module that exports its `pages` × 64 KiB of memory as `memory`, and each procedure under its name. */
export function assemble(pages: number, procedures: readonly Procedure[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, procedures.map(({ parameters }) => [0x60, ...unsigned(parameters), ...Array.from({ length: parameters }, () => types.i32), 0])),
    ...section(3, procedures.map((_, index) => unsigned(index))),
    ...section(5, [[1, ...unsigned(pages), ...unsigned(pages)]]),
    ...section(7, [[...text('memory'), 2, 0], ...procedures.map(({ name }, index) => [...text(name), 0, ...unsigned(index)])]),
    ...section(10, procedures.map(({ bytes }) => [...unsigned(bytes.length), ...bytes])),
  ]);
}
