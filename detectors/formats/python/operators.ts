import type { Budget } from '../report.ts';
import { percent } from './textual.ts';
import { anyOf, lift, listValue, longestText, numberValue, pathValue, shown, textValue, traits, unknown, type Value } from './values.ts';

/** `left operator right` on what is known. */
export function combine(operator: string, left: Value, right: Value, budget: Budget): Value {
  const bits = left.traits | right.traits;
  if (left.kind === 'number' && right.kind === 'number') return arithmetic(operator, left.number, right.number, bits);
  if (operator === '+') return add(left, right, bits, budget);
  if (operator === '*') {
    const [repeated, times] = left.kind === 'number' ? [right, left] : [left, right];
    if (repeated.kind === 'text' && times.kind === 'number') return repeated.text.length * times.number <= longestText && times.number >= 0 ? textValue(repeated.text.repeat(Math.floor(times.number)), bits, repeated) : { ...unknown, traits: bits };
  }
  if (operator === '%' && left.kind === 'text') return percent(left, right);
  if (operator === '/' && left.kind === 'path' && left.path.startsWith('pathlib.')) return joined([left, right], left.path);
  // `a or b`, `a and b`: one of them.
  if (operator === 'or' || operator === 'and') return anyOf([left, right]);
  return { ...unknown, traits: bits };
}

function add(left: Value, right: Value, bits: number, budget: Budget): Value {
  if (left.kind === 'list' && right.kind === 'list') return listValue([...left.items, ...right.items], bits);
  if (left.kind !== 'text' && right.kind !== 'text') return { ...unknown, traits: bits };
  const [one, other] = [shown(left), shown(right)];
  budget.spend((one.text.length + other.text.length) / 2_000);
  return textValue(one.text + other.text, bits | traits.computed, { bytes: left.kind === 'text' && left.bytes, partial: one.partial || other.partial });
}

function arithmetic(operator: string, left: number, right: number, bits: number): Value {
  const integers = Number.isInteger(left) && Number.isInteger(right);
  const small = integers && Math.abs(left) <= 0x7fffffff && Math.abs(right) <= 0x7fffffff;
  const result = operator === '+' ? left + right : operator === '-' ? left - right : operator === '*' ? left * right : operator === '/' ? left / right
    : operator === '//' ? Math.floor(left / right) : operator === '%' ? left - right * Math.floor(left / right) : operator === '**' ? left ** right
      : !small ? Number.NaN : operator === '^' ? left ^ right : operator === '&' ? left & right : operator === '|' ? left | right
        : operator === '<<' && right < 22 && right >= 0 ? left * 2 ** right : operator === '>>' && right >= 0 ? Math.floor(left / 2 ** right) : Number.NaN;
  return Number.isFinite(result) && Math.abs(result) <= Number.MAX_SAFE_INTEGER ? numberValue(result, bits) : { ...unknown, traits: bits };
}

/** As os.path.join; the result is a text, or a path object of that text. */
export function joined(parts: readonly Value[], path: string | null): Value {
  let [text, partial, bits] = ['', false, 0];
  for (const part of parts) {
    const piece = shown(part);
    text = piece.text.startsWith('/') || text === '' ? piece.text : `${text}${text.endsWith('/') ? '' : '/'}${piece.text}`;
    partial ||= piece.partial;
    bits |= part.traits;
  }
  const whole = textValue(text, bits, { partial });
  return path === null ? whole : pathValue(path, bits, whole);
}

/** `value[index]`. */
export function itemOf(value: Value, index: Value): Value {
  const bits = value.traits | index.traits;
  if (value.kind === 'list') {
    if (index.kind === 'number') return value.items.at(index.number) ?? { ...unknown, traits: bits };
    return anyOf(value.items.slice(0, 64));
  }
  if (value.kind === 'text' && index.kind === 'number') {
    const letter = [...value.text].at(index.number);
    if (letter === undefined) return { ...unknown, traits: bits };
    return value.bytes ? numberValue(letter.charCodeAt(0), bits) : textValue(letter, bits | traits.scrambled);
  }
  if (value.kind === 'dict') {
    const key = keyOf(index);
    const matching = key === null ? [] : value.entries.filter(([name]) => keyOf(name) === key);
    return anyOf((matching.length > 0 ? matching : key === null ? value.entries : []).map(([, item]) => item));
  }
  return { ...unknown, traits: bits };
}

const keyOf = (value: Value): string | null => value.kind === 'text' ? `t${value.text}` : value.kind === 'number' ? `n${value.number}` : null;

/** `value[from:to:step]`; null for a bound that is left out, undefined for one that is not known. */
export function sliceOf(value: Value, bounds: readonly (number | null | undefined)[]): Value {
  const parts = value.kind === 'text' ? [...value.text] : value.kind === 'list' ? value.items : null;
  if (!parts || parts.length > 262_144 || bounds.includes(undefined)) return { ...unknown, traits: value.traits };
  const step = bounds[2] ?? 1;
  if (step === 0 || !Number.isInteger(step)) return { ...unknown, traits: value.traits };
  const clamp = (bound: number | null | undefined, standard: number) => bound === null || bound === undefined ? standard : Math.max(step > 0 ? 0 : -1, Math.min(bound < 0 ? bound + parts.length : bound, step > 0 ? parts.length : parts.length - 1));
  const [from, to] = step > 0 ? [clamp(bounds[0], 0), clamp(bounds[1], parts.length)] : [clamp(bounds[0], parts.length - 1), clamp(bounds[1], -1)];
  const taken: (string | Value)[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) {
    const part = parts[at];
    if (part !== undefined) taken.push(part);
  }
  if (value.kind === 'text') return textValue(taken.join(''), value.traits | (step < 0 || step > 1 ? traits.scrambled : traits.computed), value);
  return listValue(taken.filter(part => typeof part !== 'string'), value.traits);
}

export const negate = (value: Value): Value => lift(value, one => one.kind === 'number' ? numberValue(-one.number, one.traits) : { ...unknown, traits: one.traits });
