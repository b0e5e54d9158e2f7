import type { StatesFacts } from '../fact.ts';
import type { Remark } from './listener.ts';
import { render } from './render.ts';
import type { Value } from './values.ts';

const deepest = 8;
const mostRemarks = 5;
const mostKeys = 100_000;
const mostParts = 4;

/**
 * What Updater.set_states expects of the value, which it checks only after the pickle has run: a dict of index to state, or
 * that and an optimizer. A state is an array, None, or a tuple or list of those (mxnet/optimizer/optimizer.py).
 */
export function remarksOn(value: Value): Remark[] {
  const remarks: Remark[] = [];
  const say = (message: string) => { if (remarks.length < mostRemarks) remarks.push({ rule: 'shape', severity: 'medium', why: 'odd', message }); };
  const [states, optimizer, ...more] = value.kind === 'tuple' ? value.items ?? [] : [value];
  if (states?.kind !== 'dict' || (value.kind === 'tuple' && (!optimizer || more.length > 0))) {
    say(`It holds ${render(value)}: no optimizer state, which is a dict or a dict and an optimizer`);
    return remarks;
  }
  if (value.kind === 'tuple' && (optimizer?.kind !== 'instance' || optimizer.of.role !== 'optimizer')) say(`In the place of the optimizer stands ${optimizer ? render(optimizer) : 'nothing'}`);
  const seen = new Set<string | number>();
  const entries = states.entries ?? [];
  for (let index = 0; index < entries.length; index += 2) {
    const [key, state] = [entries[index], entries[index + 1]];
    const name = key?.kind === 'integer' ? key.value : key?.kind === 'text' ? key.text : null;
    if (name === null) say(`A state has the key ${key ? render(key) : 'nothing'}`);
    else if (seen.has(name)) say(`Two states have the key ${key ? render(key) : 'nothing'}: the last one wins`);
    else seen.add(name);
    const wrong = state ? firstWrong(state) : null;
    if (wrong !== null) say(`State ${key ? render(key) : ''} is ${wrong}, and should be arrays`);
    if (remarks.length >= mostRemarks) break;
  }
  return remarks;
}

/** Of at most 100,000 parameters that have a state. */
export function statesOf(value: Value): StatesFacts {
  const states = value.kind === 'tuple' ? value.items?.[0] : value;
  const entries = states?.kind === 'dict' ? states.entries ?? [] : [];
  const keys: (string | number)[] = [];
  const shapes = new Map<string, readonly (readonly number[])[]>();
  for (let index = 0; index < entries.length && keys.length < mostKeys; index += 2) {
    const [key, state] = [entries[index], entries[index + 1]];
    if (key?.kind === 'integer') keys.push(Number(key.value));
    else if (key?.kind === 'text' && key.text !== null) {
      keys.push(key.text);
      shapes.set(key.text, state ? shapesIn(state) : []);
    }
  }
  return { keys, shapes };
}

/** Of its first arrays: an honest state has three at most, one of them in a pair of its own. */
function shapesIn(state: Value): (readonly number[])[] {
  const parts = (value: Value): readonly Value[] => value.kind === 'tuple' || value.kind === 'list' ? (value.items ?? []).slice(0, mostParts) : [value];
  return parts(state).flatMap(parts).flatMap(value => value.kind === 'instance' && value.shape ? [value.shape] : []).slice(0, mostParts);
}

/** Each array of a state once; aliases through the memo cannot multiply the work, because depth and count are bounded. */
function firstWrong(state: Value): string | null {
  const pending: { value: Value; depth: number }[] = [{ value: state, depth: 0 }];
  for (let visited = 0; pending.length > 0; visited++) {
    const next = pending.pop();
    if (!next) break;
    const { value, depth } = next;
    if (visited > 10_000) return 'made of more than 10000 parts';
    if (value.kind === 'none' || (value.kind === 'instance' && value.of.role === 'array' && value.built)) continue;
    if ((value.kind !== 'tuple' && value.kind !== 'list') || depth >= deepest) return depth >= deepest ? `nested deeper than ${deepest}` : render(value);
    for (const item of value.items ?? []) {
      if (pending.length > 10_000) return 'made of more than 10000 parts';
      pending.push({ value: item, depth: depth + 1 });
    }
  }
  return null;
}
