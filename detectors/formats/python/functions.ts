import type { Budget } from '../report.ts';
import { codecOf, decoderOf, isDecoder, isPlainCodec, rotated } from './codecs.ts';
import { isEnvironment, isSecretName } from './dangers.ts';
import { itemOf, joined } from './operators.ts';
import { characterOf, decoded, type Keywords, textMethod } from './textual.ts';
import { anyOf, lift, listValue, namedBy, numberValue, pathValue, shown, sum, textValue, traits, unknown, type Value, withTraits } from './values.ts';

/** What the evaluator lends to a function that calls others or looks names up. */
export interface Lookup {
  readonly budget: Budget;
  member(object: Value, name: string): Value;
  global(name: string): Value;
  call(callee: Value, given: readonly Value[]): Value;
}

/** Longest list that a function is applied to. */
const mostApplied = 65_536;
const textOf = (value: Value | undefined): string | null => value?.kind === 'text' && !value.partial ? value.text : null;

/** What a function of the standard library gives for known values; null when nothing is known of it. */
export function libraryCall(path: string, given: readonly Value[], keywords: Keywords, lookup: Lookup): Value | null {
  const bits = sum(given) | sum([...keywords.values()]);
  const [first, second] = given;
  if (isDecoder(path)) return undo(path, first, bits, lookup.budget);
  const method = /^builtins\.(?:str|bytes|bytearray)\.(\w+)$/.exec(path)?.[1];
  if (method !== undefined && first?.kind === 'text') return textMethod(first, method, given.slice(1), keywords, lookup.budget);
  const owner = /^(.{1,200})\.(?:__getattribute__|__getattr__)$/.exec(path)?.[1];
  if (owner !== undefined) return owner === 'builtins.object' || owner === 'builtins.type' ? attribute(first, second, undefined, bits, lookup) : attribute(pathValue(owner), first, undefined, bits, lookup);
  const names = /^(.{0,200}__dict__|sys\.modules|builtins\.__builtins__|os\.environ)\.(?:get|pop|__getitem__|setdefault)$/.exec(path)?.[1];
  if (names !== undefined && first) return valueItem(pathValue(names), first, lookup);
  switch (path) {
    case 'builtins.getattr': return attribute(first, second, given[2], bits, lookup);
    case 'operator.attrgetter()': return null;
    case 'builtins.__import__': case 'importlib.__import__': return imported(first, true);
    case '__loader__.load_module': case '__spec__.loader.load_module': case 'importlib.machinery.BuiltinImporter.load_module': case '_frozen_importlib.BuiltinImporter.load_module':
    case 'importlib.import_module': case 'importlib.reload': case 'imp.load_module': return imported(first, false);
    case 'builtins.globals': case 'builtins.locals': return { kind: 'names', traits: 0 };
    case 'builtins.vars': return first ? lookup.member(first, '__dict__') : { kind: 'names', traits: 0 };
    case 'functools.partial': case 'functools.wraps': case 'staticmethod': return first ?? null;
    case 'os.path.join': case 'posixpath.join': return joined(given, null);
    case 'os.path.expanduser': case 'os.path.expandvars': case 'os.path.abspath': case 'os.path.normpath': case 'os.path.realpath': case 'os.fspath': case 'os.fsencode': case 'os.fsdecode': return first ?? null;
    case 'pathlib.Path': case 'pathlib.PosixPath': case 'pathlib.PurePath': return joined(given, 'pathlib.Path()');
    case 'pathlib.Path.home': return pathValue('pathlib.Path()', 0, textValue('~'));
    case 'pathlib.Path().expanduser': case 'pathlib.Path().resolve': case 'pathlib.Path().absolute': return null;
    case 'codecs.decode': case 'codecs.encode': return transcode(path, given, keywords, bits, lookup.budget);
    default: return builtinCall(path, given, bits, lookup);
  }
}

function builtinCall(path: string, given: readonly Value[], bits: number, { call, budget }: Lookup): Value | null {
  const [first, second] = given;
  switch (path) {
    case 'builtins.chr': case 'builtins.unichr': return first ? lift(first, one => {
      const letter = one.kind === 'number' ? characterOf(one.number) : null;
      return letter === null ? { ...unknown, traits: one.traits | traits.computed } : textValue(letter, one.traits | traits.scrambled);
    }) : null;
    case 'builtins.ord': return first?.kind === 'text' ? numberValue(first.text.codePointAt(0) ?? 0, bits) : null;
    case 'builtins.len': return first?.kind === 'text' ? numberValue(first.text.length) : first?.kind === 'list' ? numberValue(first.items.length) : null;
    case 'builtins.int': return integer(first, second, bits);
    case 'builtins.str': case 'builtins.repr': case 'builtins.format': return first?.kind === 'text' ? { ...first, bytes: false } : first?.kind === 'number' ? textValue(String(first.number), bits) : null;
    case 'builtins.bytes': case 'builtins.bytearray': return bytesOf(first, bits);
    case 'builtins.list': case 'builtins.tuple': case 'builtins.set': case 'builtins.iter': case 'builtins.sorted': return first?.kind === 'list' ? first : first?.kind === 'text' ? listValue(spread(first), bits) : null;
    case 'builtins.reversed': return first?.kind === 'list' ? listValue(first.items.toReversed(), bits | traits.scrambled) : first?.kind === 'text' ? listValue(spread(first).toReversed(), bits | traits.scrambled) : null;
    case 'builtins.map': {
      const items = second?.kind === 'list' ? second.items : second?.kind === 'text' ? spread(second) : null;
      if (!first || !items || items.length > mostApplied) return null;
      budget.spend(items.length);
      return listValue(items.map(item => call(first, [item])), bits);
    }
    case 'builtins.compile': return first ?? null;
    case 'builtins.range': return range(given, bits);
    case 'builtins.dict': return first?.kind === 'dict' ? first : null;
    default: return null;
  }
}

/** The letters of a text, or the numbers of bytes. */
export const spread = (value: Value & { kind: 'text' }): Value[] => (value.text.length > mostApplied ? [] : [...value.text]).map(letter => value.bytes ? numberValue(letter.charCodeAt(0), value.traits) : textValue(letter, value.traits));

function range(given: readonly Value[], bits: number): Value | null {
  const numbers = given.map(value => value.kind === 'number' ? value.number : Number.NaN);
  const [from, to, step] = numbers.length === 1 ? [0, numbers[0] ?? 0, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1];
  const count = Math.ceil((to - from) / step);
  return Number.isInteger(count) && count >= 0 && count <= 4_096 ? listValue(Array.from({ length: count }, (_, index) => numberValue(from + index * step)), bits) : null;
}

function integer(value: Value | undefined, base: Value | undefined, bits: number): Value | null {
  if (value?.kind === 'number') return numberValue(Math.trunc(value.number), bits);
  if (value?.kind !== 'text' || value.text.length > 64) return null;
  const plain = value.text.trim().replaceAll('_', '').replace(/^0[xob]/i, '');
  const number = Number.parseInt(plain, base?.kind === 'number' && base.number >= 2 && base.number <= 36 ? base.number : /^0x/i.test(value.text) ? 16 : 10);
  return Number.isSafeInteger(number) ? numberValue(number, bits) : null;
}

function bytesOf(value: Value | undefined, bits: number): Value | null {
  if (value?.kind === 'text') return value.bytes ? value : textValue(Buffer.from(value.text).toString('latin1'), bits, { bytes: true, partial: value.partial });
  if (value?.kind !== 'list') return null;
  const numbers = value.items.flatMap(item => item.kind === 'number' && item.number >= 0 && item.number < 256 ? [item.number] : []);
  return numbers.length < value.items.length ? { ...unknown, traits: bits | traits.computed } : textValue(Buffer.from(numbers).toString('latin1'), bits | traits.scrambled, { bytes: true });
}

function undo(path: string, value: Value | undefined, bits: number, budget: Budget): Value {
  // What is unquoted comes with requests every day.
  const added = path.startsWith('urllib.') ? traits.scrambled : traits.decoded;
  return lift(value ?? unknown, one => {
    const text = textOf(one);
    if (text !== null) budget.spend(text.length / 100);
    const done = text === null ? null : decoderOf(path)?.(text, budget) ?? null;
    return done === null ? { ...unknown, traits: bits | added } : textValue(done, bits | added, { bytes: !path.startsWith('urllib.') });
  });
}

function transcode(path: string, given: readonly Value[], keywords: Keywords, bits: number, budget: Budget): Value {
  const name = textOf(given[1] ?? keywords.get('encoding')) ?? 'utf-8';
  const all = isPlainCodec(name) ? bits : bits | traits.decoded;
  const [first] = given;
  if (first?.kind !== 'text') return { ...unknown, traits: all };
  if (path === 'codecs.encode') return /rot/i.test(name) ? textValue(first.text.replace(/[a-z]/gi, rotated), all, first) : { ...unknown, traits: all };
  return codecOf(name) ? decoded(first, name, all, budget) : { ...unknown, traits: all };
}

function imported(name: Value | undefined, top: boolean): Value {
  return lift(name ?? unknown, one => {
    const path = textOf(one);
    if (path === null || path === '') return { ...unknown, traits: one.traits };
    return pathValue(top ? path.split('.')[0] ?? path : path, one.traits | namedBy(one.traits));
  });
}

function attribute(object: Value | undefined, name: Value | undefined, standard: Value | undefined, bits: number, { member }: Lookup): Value {
  if (!object || !name) return unknown;
  const found = lift(name, one => {
    const text = textOf(one);
    if (text === null) return { ...unknown, traits: bits };
    const value = member(object, text);
    return withTraits(value, namedBy(one.traits));
  });
  return standard ? anyOf([found, standard]) : found;
}

/** `path[index]`: what is looked up in a module's names or in sys.modules. */
function pathItem(object: Value & { kind: 'path' }, index: Value, lookup: Lookup): Value {
  const name = textOf(index);
  const [, owner] = /^(.*)\.__dict__$/.exec(object.path) ?? [];
  if (name === null) return { ...unknown, traits: object.traits | index.traits };
  if (owner !== undefined) return pathValue(`${owner}.${name}`, namedBy(index.traits));
  if (object.path === 'sys.modules') return pathValue(name, namedBy(index.traits));
  if (isEnvironment(object.path)) return { ...unknown, traits: isSecretName(name) ? traits.secret : 0 };
  if (object.path === 'builtins.__builtins__' || object.path === 'builtins') return pathValue(`builtins.${name}`, namedBy(index.traits));
  return lookup.member(object, `[${shown(index).text.slice(0, 60)}]`);
}

export const valueItem = (object: Value, index: Value, lookup: Lookup): Value => lift(object, one => {
  if (one.kind === 'path') return lift(index, each => pathItem(one, each, lookup));
  if (one.kind === 'names') return lift(index, each => each.kind === 'text' ? withTraits(lookup.global(each.text), namedBy(each.traits)) : { ...unknown, traits: each.traits });
  return lift(index, each => itemOf(one, each));
});
