import { render } from './render.ts';
import type { State } from './state.ts';
import type { Sequence, Value } from './values.ts';

export const sequence = (state: State, kind: Sequence['kind'], items: Value[]): Sequence => {
  state.hold(1 + items.length);
  return { kind, items: items.length === 0 ? null : items };
};

/** APPEND, APPENDS and ADDITEMS: on anything but the builtin container they call its own methods. */
export function extend(state: State, target: Value, items: readonly Value[], kind: 'list' | 'set'): void {
  if (items.length === 0) return;
  if (target.kind !== kind) { foreign(state, target); return; }
  state.hold(items.length);
  if (kind === 'list') for (const item of items) store(state, item);
  else for (const item of items) hash(state, item);
  if (target.items === null) target.items = [...items];
  else for (const item of items) target.items.push(item);
}

/** SETITEM and SETITEMS; `items` are keys and values in turn. */
export function setItems(state: State, target: Value, items: readonly Value[]): void {
  if (items.length === 0) return;
  if (items.length % 2 !== 0) throw new RangeError('a dict gets an odd number of items');
  if (target.kind !== 'dict') { foreign(state, target); return; }
  state.hold(items.length);
  items.forEach((item, index) => {
    if (index % 2 === 0) hash(state, item);
    else store(state, item, items[index - 1]);
  });
  // Most dicts are the states of arrays, and get one pair: an array of just that size.
  if (target.entries === null) target.entries = [...items];
  else for (const item of items) target.entries.push(item);
}

function foreign(state: State, target: Value) {
  state.tell({ rule: 'method-call', severity: 'critical', why: 'runs', message: `Items are put into ${render(target)}: a method of it is called` });
  if (!['instance', 'unknown', 'class', 'bytearray', 'list', 'set'].includes(target.kind)) state.refuse('items are put into what is no container');
}

/** A class kept as data would be called instead of a method, or used instead of an array; bytes belong into arrays only. */
function store(state: State, value: Value, key?: Value) {
  if ((value.kind === 'bytes' || value.kind === 'bytearray') && !(key?.kind === 'text' && key.text === 'handle')) {
    state.tell({ rule: 'loose-bytes', severity: 'medium', why: 'odd', message: `${value.extent.size} bytes are stored outside of an array` });
  }
  const found = value.kind === 'class' ? value : value.kind === 'tuple' ? value.items?.find(item => item.kind === 'class') : undefined;
  if (found) state.tell({ rule: 'class-as-data', severity: 'high', why: 'hides', message: `${render(found)} itself is stored, not an instance of it` });
}

/** A key is hashed: native recursion without limit for nested tuples, code of its own for an instance. */
function hash(state: State, key: Value) {
  switch (key.kind) {
    case 'text': case 'integer': return;
    case 'none': case 'bool': case 'float': case 'bytes':
      state.tell({ rule: 'odd-key', severity: 'medium', why: 'odd', message: `A key is ${render(key)}; indices and names are expected` });
      return;
    case 'list': case 'dict': case 'set': case 'bytearray':
      state.refuse(`a ${key.kind} cannot be a key`);
      return;
    default:
      state.tell({ rule: 'odd-key', severity: 'high', why: 'exhausts', message: `A key is ${render(key)}: to hash it may recurse without limit or run its code` });
  }
}
