import type { Node } from './grammar.ts';

/** How a value came about, as bits: what is built from it keeps them. */
export const traits = {
  /** Put together of parts. */
  computed: 1,
  decoded: 2,
  fetched: 4,
  secret: 8,
  /** Found by a name that is put together, scrambled or decoded. */
  named: 16,
  /** Letters from numbers, turned round, exchanged. */
  scrambled: 32,
} as const;
const hiding = traits.computed | traits.decoded | traits.scrambled;
/** For what is found by a name that came about in this way. */
export const namedBy = (bits: number): number => (bits & hiding) === 0 ? 0 : traits.named;

/** What an expression is, as far as it can be told without running it. */
export type Value = { readonly traits: number } & (
  /** `bytes`: one character a byte. `partial`: parts that are not known are written `…`. */
  | { readonly kind: 'text'; readonly text: string; readonly bytes: boolean; readonly partial: boolean }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Value, Value])[] }
  /** A module, or what is found in one: `os.system`; of a call's result `socket.socket().connect`, with the call's first argument. */
  | { readonly kind: 'path'; readonly path: string; readonly subject: Value | null }
  /** Defined in this file. */
  | { readonly kind: 'function'; readonly node: Node }
  | { readonly kind: 'class'; readonly node: Node }
  | { readonly kind: 'instance'; readonly node: Node }
  /** A method of a known value. */
  | { readonly kind: 'method'; readonly of: Value; readonly name: string }
  /** The names of the module, as `globals()` gives them. */
  | { readonly kind: 'names' }
  | { readonly kind: 'any'; readonly options: readonly Value[] }
  | { readonly kind: 'unknown' });

export const unknown: Value = { kind: 'unknown', traits: 0 };
export const textValue = (text: string, bits = 0, more: { readonly bytes?: boolean; readonly partial?: boolean } = {}): Value =>
  text.length > longestText ? { kind: 'unknown', traits: bits } : { kind: 'text', text, bytes: more.bytes ?? false, partial: more.partial ?? false, traits: bits };
export const numberValue = (number: number, bits = 0): Value => ({ kind: 'number', number, traits: bits });
export const listValue = (items: readonly Value[], bits = 0): Value => items.length > mostItems ? { kind: 'unknown', traits: bits } : { kind: 'list', items, traits: bits | sum(items) };
export const pathValue = (path: string, bits = 0, subject: Value | null = null): Value => path.length > 300 ? { kind: 'unknown', traits: bits } : { kind: 'path', path, subject, traits: bits };

export const longestText = 1_048_576;
const mostItems = 65_536;
const mostOptions = 8;

export const sum = (values: readonly Value[]): number => values.reduce((bits, value) => bits | value.traits, 0);
export const withTraits = (value: Value, bits: number): Value => (value.traits | bits) === value.traits ? value : { ...value, traits: value.traits | bits };
export const optionsOf = (value: Value): readonly Value[] => value.kind === 'any' ? value.options : [value];

/** One of them; at most a few are kept. */
export function anyOf(values: readonly Value[]): Value {
  const options = values.flatMap(optionsOf);
  const known = options.filter(({ kind }) => kind !== 'unknown').slice(0, mostOptions);
  const bits = sum(options);
  if (known.length === 0) return { kind: 'unknown', traits: bits };
  return known.length === 1 && known[0] ? withTraits(known[0], bits) : { kind: 'any', options: known, traits: bits };
}

/** Applied to each option. */
export const lift = (value: Value, of: (one: Value) => Value): Value => value.kind === 'any' ? anyOf(value.options.map(of)) : of(value);
/** Applied to the first options of both. */
export const lift2 = (left: Value, right: Value, of: (one: Value, other: Value) => Value): Value =>
  left.kind !== 'any' && right.kind !== 'any' ? of(left, right) : anyOf(optionsOf(left).slice(0, 4).flatMap(one => optionsOf(right).slice(0, 4).map(other => of(one, other))));

/** As Python shows it inside another text; `…` for what is not known. */
export function shown(value: Value): { readonly text: string; readonly partial: boolean } {
  if (value.kind === 'text') return value;
  if (value.kind === 'number') return { text: String(value.number), partial: false };
  if (value.kind === 'path' && value.subject?.kind === 'text' && value.path.startsWith('pathlib.')) return value.subject;
  if (value.kind === 'any' && value.options[0]) return { ...shown(value.options[0]), partial: true };
  return { text: '…', partial: true };
}
