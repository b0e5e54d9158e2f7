import type { Budget } from '../report.ts';
import { codecOf, isPlainCodec } from './codecs.ts';
import { listValue, longestText, numberValue, shown, sum, textValue, traits, unknown, type Value } from './values.ts';

type Text = Value & { kind: 'text' };
export type Keywords = ReadonlyMap<string, Value>;

/** A method of a text, called with known values: what the text becomes. */
export function textMethod(self: Text, name: string, given: readonly Value[], keywords: Keywords, budget: Budget): Value {
  const bits = self.traits | sum(given);
  const texts = given.map(value => value.kind === 'text' ? value.text : null);
  const [first = null, second = null] = texts;
  budget.spend(self.text.length / 500);
  const made = (text: string, extra = 0) => textValue(text, bits | extra, { bytes: self.bytes, partial: self.partial });
  const lost: Value = { ...unknown, traits: bits | traits.computed };
  switch (name) {
    case 'join': return join(self, given[0], bits);
    case 'replace': return first === null || second === null || self.text.length * (second.length + 1) > longestText * 64 ? lost : made(self.text.replaceAll(first, () => second), traits.computed);
    case 'decode': case 'encode': return recode(self, name, first ?? textOf(keywords.get('encoding')) ?? 'utf-8', bits, budget);
    case 'strip': return made(trim(self.text, first, true, true));
    case 'lstrip': return made(trim(self.text, first, true, false));
    case 'rstrip': return made(trim(self.text, first, false, true));
    case 'lower': case 'casefold': return made(self.text.toLowerCase());
    case 'upper': return made(self.text.toUpperCase());
    case 'capitalize': case 'title': return made(`${self.text.slice(0, 1).toUpperCase()}${self.text.slice(1).toLowerCase()}`);
    case 'swapcase': return made(self.text.replace(/[a-z]/gi, letter => letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()), traits.computed);
    case 'split': return self.text.length > 65_536 ? lost : listValue((first === null ? self.text.split(/\s+/).filter(Boolean) : self.text.split(first)).map(part => made(part)), bits);
    case 'format': return formatted(self, given, keywords, bits);
    case 'hex': return made(Buffer.from(self.text, 'latin1').toString('hex'));
    case 'removeprefix': return made(first !== null && self.text.startsWith(first) ? self.text.slice(first.length) : self.text);
    case 'removesuffix': return made(first !== null && first !== '' && self.text.endsWith(first) ? self.text.slice(0, -first.length) : self.text);
    case 'expandtabs': case 'zfill': case '__str__': return made(self.text);
    case 'index': case 'find': return first === null ? lost : numberValue(self.text.indexOf(first), bits);
    default: return lost;
  }
}

const textOf = (value: Value | undefined): string | null => value?.kind === 'text' ? value.text : null;

export function join(separator: Text, list: Value | undefined, bits: number): Value {
  if (list?.kind === 'text') return textValue([...list.text].join(separator.text), bits | list.traits | traits.computed, { bytes: separator.bytes });
  if (list?.kind !== 'list') return { ...unknown, traits: bits | traits.computed };
  const parts = list.items.map(item => item.kind === 'text' ? item : null);
  const length = parts.reduce((total, part) => total + (part?.text.length ?? 1) + separator.text.length, 0);
  if (length > longestText) return { ...unknown, traits: bits | traits.computed };
  return textValue(parts.map(part => part?.text ?? '…').join(separator.text), bits | list.traits | traits.computed, { bytes: separator.bytes, partial: parts.some(part => part === null || part.partial) });
}

function trim(text: string, letters: string | null, before: boolean, after: boolean): string {
  const isCut = (letter: string) => letters === null ? /\s/.test(letter) : letters.includes(letter);
  let [from, to] = [0, text.length];
  while (before && from < to && isCut(text[from] ?? '')) from += 1;
  while (after && to > from && isCut(text[to - 1] ?? '')) to -= 1;
  return text.slice(from, to);
}

function recode(self: Text, way: 'decode' | 'encode', name: string, bits: number, budget: Budget): Value {
  const plain = isPlainCodec(name);
  if (way === 'encode') return plain || !/rot/i.test(name) ? textValue(Buffer.from(self.text, self.bytes || /latin|8859/i.test(name) ? 'latin1' : 'utf8').toString('latin1'), bits, { bytes: true, partial: self.partial }) : decoded(self, name, bits, budget);
  return decoded(self, name, plain ? bits : bits | traits.decoded, budget);
}

/** `codecs.decode`, and the method of that name. */
export function decoded(self: Text, name: string, bits: number, budget: Budget): Value {
  const done = codecOf(name)?.(self.text, budget) ?? null;
  return done === null ? { ...unknown, traits: bits } : textValue(done, bits, { partial: self.partial });
}

/** `'{}{x}'.format(…)`; specifications behind a colon are not followed. */
function formatted(self: Text, given: readonly Value[], keywords: Keywords, bits: number): Value {
  let [next, partial, length] = [0, self.partial, 0];
  const text = self.text.replace(/\{\{|\}\}|\{(\w*)(?:[.[][^{}]*)?(?:![rsa])?(?::[^{}]*)?\}/g, (all: string, name: string | undefined) => {
    if (name === undefined) return all[0] ?? '';
    const value = name === '' ? given[next++] : /^\d+$/.test(name) ? given[Number(name)] : keywords.get(name);
    const piece = value ? shown(value) : { text: '…', partial: true };
    partial ||= piece.partial;
    length += piece.text.length;
    return length > longestText ? '' : piece.text;
  });
  return textValue(text, bits | sum([...keywords.values()]) | traits.computed, { bytes: self.bytes, partial });
}

/** `'%s%c' % (…)`. */
export function percent(self: Text, value: Value): Value {
  const items = value.kind === 'list' ? value.items : [value];
  let [next, partial, length] = [0, self.partial, 0];
  const text = self.text.replace(/%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?([a-zA-Z%])/g, (_all, key: string | undefined, type: string) => {
    if (type === '%') return '%';
    const item = key !== undefined && value.kind === 'dict' ? value.entries.find(([name]) => name.kind === 'text' && name.text === key)?.[1] : items[next++];
    const piece = item?.kind === 'number' && type === 'c' ? { text: characterOf(item.number) ?? '…', partial: false } : item ? shown(item) : { text: '…', partial: true };
    partial ||= piece.partial;
    length += piece.text.length;
    return length > longestText ? '' : piece.text;
  });
  return textValue(text, self.traits | value.traits | traits.computed, { bytes: self.bytes, partial });
}

export const characterOf = (point: number): string | null => Number.isInteger(point) && point >= 0 && point <= 0x10ffff ? String.fromCodePoint(point) : null;
