import { build, call } from './calls.ts';
import { extend, sequence, setItems } from './containers.ts';
import { importComputed, importGlobal } from './globals.ts';
import type { Argument } from './literals.ts';
import type { State } from './state.ts';
import type { Value } from './values.ts';
import { bool, none, unknown } from './values.ts';

type Step = (state: State, argument: Argument) => void;

const number = (argument: Argument): number => argument.kind === 'number' ? argument.number : Number.NaN;
const literal: Step = (state, argument) => { if (argument.kind === 'value') pushLiteral(state, argument.value); };
const constant = (value: Value): Step => state => { state.push(value); };
const put: Step = (state, argument) => { state.put(number(argument)); };
const get: Step = (state, argument) => { state.push(state.get(number(argument))); };
const tuple = (count: number): Step => state => {
  const items = Array.from({ length: count }, () => state.pop()).reverse();
  state.push(sequence(state, 'tuple', items));
};
/** What the copyreg registry holds is decided outside of the file. */
const extension: Step = (state, argument) => {
  state.imports += 1;
  state.tell({ rule: 'extension', severity: 'critical', why: 'runs', message: `It fetches entry ${number(argument)} of the extension registry: what that imports is decided elsewhere` });
  state.refuse('the extension is not registered');
  state.push(unknown);
};
const persistent = (state: State) => {
  state.tell({ rule: 'persistent-id', severity: 'critical', why: 'runs', message: 'It refers to an object by a persistent id: the loading program would be asked for it' });
  state.refuse('no persistent_load is given');
  state.push(unknown);
};

function pushLiteral(state: State, value: Value) {
  if (value.kind === 'text' || value.kind === 'bytes' || value.kind === 'bytearray') {
    state.hold(value.kind === 'text' ? 1 + (value.text?.length ?? 0) / 32 : 1);
    state.listener.constant(value, state.place);
  }
  state.push(value);
}

function setProtocol(state: State, version: number) {
  state.protocols += 1;
  state.listener.protocol(version);
  if (state.protocols > 1 || state.place.opcode > 0) state.tell({ rule: 'protocol', severity: 'critical', why: 'hides', message: 'PROTO stands in the middle, or a second time: names before and after it are read by different rules' });
  if (version > 5) {
    state.tell({ rule: 'protocol', severity: 'high', why: 'hides', message: `Its protocol is ${version}; no Python reads it` });
    state.refuse(`protocol ${version} is not known`);
  }
  state.protocol = version;
}

/** What each opcode does, as Modules/_pickle.c of CPython 3.11. STOP and FRAME are the machine's own. */
export const steps: Readonly<Record<string, Step>> = {
  INT: literal, BININT: literal, BININT1: literal, BININT2: literal, LONG: literal, LONG1: literal, LONG4: literal, FLOAT: literal, BINFLOAT: literal,
  STRING: literal, BINSTRING: literal, SHORT_BINSTRING: literal, UNICODE: literal, SHORT_BINUNICODE: literal, BINUNICODE: literal, BINUNICODE8: literal,
  BINBYTES: literal, SHORT_BINBYTES: literal, BINBYTES8: literal, BYTEARRAY8: literal,
  NONE: constant(none), NEWTRUE: constant(bool), NEWFALSE: constant(bool),
  NEXT_BUFFER(state) {
    state.refuse('no out-of-band buffers are given');
    state.push(unknown);
  },
  READONLY_BUFFER(state) {
    const value = state.pop();
    if (value.kind !== 'bytes' && value.kind !== 'bytearray' && value.kind !== 'unknown') state.refuse('READONLY_BUFFER needs a buffer');
    state.push(unknown);
  },
  EMPTY_LIST: state => { state.hold(1); state.push({ kind: 'list', items: null }); },
  EMPTY_TUPLE: state => { state.push({ kind: 'tuple', items: null }); },
  EMPTY_DICT: state => { state.hold(1); state.push({ kind: 'dict', entries: null }); },
  EMPTY_SET: state => { state.hold(1); state.push({ kind: 'set', items: null }); },
  LIST(state) {
    const list = sequence(state, 'list', []);
    extend(state, list, state.popMark(), 'list');
    state.push(list);
  },
  TUPLE: state => { state.push(sequence(state, 'tuple', state.popMark())); },
  TUPLE1: tuple(1), TUPLE2: tuple(2), TUPLE3: tuple(3),
  DICT(state) {
    const dict: Value = { kind: 'dict', entries: null };
    setItems(state, dict, state.popMark());
    state.push(dict);
  },
  FROZENSET(state) {
    const set = sequence(state, 'set', []);
    extend(state, set, state.popMark(), 'set');
    state.push({ kind: 'frozenset', items: set.items });
  },
  APPEND(state) {
    const item = state.pop();
    extend(state, state.top(), [item], 'list');
  },
  APPENDS(state) {
    const items = state.popMark();
    extend(state, state.top(), items, 'list');
  },
  ADDITEMS(state) {
    const items = state.popMark();
    extend(state, state.top(), items, 'set');
  },
  SETITEM(state) {
    const value = state.pop();
    const key = state.pop();
    setItems(state, state.top(), [key, value]);
  },
  SETITEMS(state) {
    const items = state.popMark();
    setItems(state, state.top(), items);
  },
  POP: state => { state.dropTop(); },
  POP_MARK: state => { state.popMark(); },
  DUP: state => { state.push(state.top()); },
  MARK: state => { state.mark(); },
  GET: get, BINGET: get, LONG_BINGET: get, PUT: put, BINPUT: put, LONG_BINPUT: put,
  MEMOIZE: state => { state.memoize(); },
  EXT1: extension, EXT2: extension, EXT4: extension,
  GLOBAL: (state, argument) => { if (argument.kind === 'names') state.push(importGlobal(state, argument)); },
  STACK_GLOBAL(state) {
    const name = state.pop();
    state.push(importComputed(state, state.pop(), name));
  },
  REDUCE(state) {
    const args = state.pop();
    state.push(call(state, state.pop(), args, 'REDUCE'));
  },
  NEWOBJ(state) {
    const args = state.pop();
    state.push(call(state, state.pop(), args, 'NEWOBJ'));
  },
  NEWOBJ_EX(state) {
    state.pop();
    const args = state.pop();
    state.push(call(state, state.pop(), args, 'NEWOBJ_EX'));
  },
  OBJ(state) {
    const [func, ...args] = state.popMark();
    if (!func) throw new RangeError('the stack is empty');
    state.push(call(state, func, sequence(state, 'tuple', args), 'OBJ'));
  },
  INST(state, argument) {
    const args = state.popMark();
    if (argument.kind === 'names') state.push(call(state, importGlobal(state, argument), sequence(state, 'tuple', args), 'INST'));
  },
  BUILD(state) {
    const content = state.pop();
    build(state, state.top(), content);
  },
  PERSID: persistent,
  BINPERSID(state) { state.pop(); persistent(state); },
  PROTO: (state, argument) => { setProtocol(state, number(argument)); },
};
