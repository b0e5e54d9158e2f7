/** Where the bytes of a constant stand: nothing longer than a name is kept in memory. */
export interface Extent {
  readonly at: number;
  /** As it stands in the file. */
  readonly length: number;
  /** Decoded: bytes, or characters of a text. */
  readonly size: number;
  readonly form: 'plain' | 'utf8' | 'raw-unicode-escape' | 'string-escape';
}

export interface Text { readonly kind: 'text'; /** Null when longer than a name. */ readonly text: string | null; readonly extent: Extent; /** Every character is below U+0100. */ readonly latin1: boolean }
export interface Bytes { readonly kind: 'bytes' | 'bytearray'; readonly extent: Extent }
export interface Sequence { readonly kind: 'list' | 'tuple' | 'set' | 'frozenset'; items: Value[] | null }
/** Keys and values in turn. */
export interface Dict { readonly kind: 'dict'; entries: Value[] | null }
export interface Class { readonly kind: 'class'; readonly module: string; readonly name: string; readonly role: Role | 'denied' }
export interface Instance { readonly kind: 'instance'; readonly of: Class; built: boolean; /** What the class's own grammar wants to know again. */ readonly detail: string; /** Of an array that got content. */ shape?: readonly number[] | null }
export interface Simple { readonly kind: 'none' | 'bool' | 'float' }
/** A value beyond 2^53 is NaN: no allowed grammar has one. */
export interface Integer { readonly kind: 'integer'; readonly value: number }
/** What a call that is not allowed would have returned. */
export interface Unknown { readonly kind: 'unknown' }

export type Value = Text | Bytes | Sequence | Dict | Class | Instance | Simple | Integer | Unknown;

/** What an allowed name is for; each role has its own grammar of arguments. */
export type Role = 'array' | 'optimizer' | 'scheduler' | 'bytearray' | 'encode' | 'reconstructor' | 'object' | 'dtype' | 'ndarray' | 'ndarray-reconstructor' | 'scalar' | 'frombuffer';

export const none: Simple = { kind: 'none' };
export const bool: Simple = { kind: 'bool' };
export const float: Simple = { kind: 'float' };
export const unknown: Unknown = { kind: 'unknown' };

const small: readonly Integer[] = Array.from({ length: 256 }, (_, value) => ({ kind: 'integer', value }));
export const integer = (value: number): Integer => small[value] ?? { kind: 'integer', value };
