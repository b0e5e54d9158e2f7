import { BudgetError } from '../report.ts';
import type { Listener, Place, Remark } from './listener.ts';
import type { Value } from './values.ts';
import { none } from './values.ts';

/** Things held at once: stack, memo, containers. States of 100,000 arrays need two thirds of it. */
export const mostHeld = 2_000_000;

/** The machine between two opcodes: CPython's stack, marks and memo, with values that are only described. */
export interface State {
  readonly listener: Listener;
  place: Place;
  protocol: number;
  protocols: number;
  imports: number;
  /** The first reason for which the real unpickler would have stopped; the following goes on, because other readers do. */
  refusal: { readonly message: string; readonly place: Place; readonly afterImport: boolean } | null;
  /** Arrays made, and of them those that got content. */
  arrays: number;
  filled: number;
  /** Bytes that calls copied. */
  copied: number;
  tell(remark: Remark): void;
  /** The real unpickler stops here with an error. */
  refuse(message: string): void;
  hold(things: number): void;
  push(value: Value): void;
  pop(): Value;
  top(): Value;
  mark(): void;
  /** Takes everything above the last mark, and the mark. */
  popMark(): Value[];
  /** POP takes a mark that is on top. */
  dropTop(): void;
  readonly depth: number;
  put(index: number): void;
  memoize(): void;
  get(index: number): Value;
}

interface Memo { readonly size: number; get(index: number): Value | undefined; set(index: number, value: Value): void }

/** Honest indices follow each other and lie in an array; all others are kept apart, so that an index costs no memory. */
function createMemo(): Memo {
  const dense: Value[] = [];
  const sparse = new Map<number, Value>();
  return {
    get size() { return dense.length + sparse.size; },
    get: index => index < dense.length ? dense[index] : sparse.get(index),
    set(index, value) {
      if (index < dense.length) dense[index] = value;
      else if (index === dense.length && !sparse.has(index)) dense.push(value);
      else sparse.set(index, value);
    },
  };
}

export function createState(listener: Listener): State {
  const stack: Value[] = [];
  const marks: number[] = [];
  const memo = createMemo();
  let held = 0;
  const fence = () => marks.at(-1) ?? 0;
  const state: State = {
    listener, place: { offset: 0, opcode: 0 }, protocol: 0, protocols: 0, imports: 0, refusal: null, arrays: 0, filled: 0, copied: 0,
    tell: remark => { listener.tell(remark, state.place); },
    refuse(message) { state.refusal ??= { message, place: state.place, afterImport: state.imports > 0 }; },
    hold(things) {
      held += things;
      if (held > mostHeld) throw new BudgetError(`a pickle holds more than ${mostHeld} values`);
    },
    push(value) {
      state.hold(1);
      stack.push(value);
    },
    pop() {
      const value = stack.length > fence() ? stack.pop() : undefined;
      if (value === undefined) throw new RangeError('the stack is empty');
      held -= 1;
      return value;
    },
    top() {
      const value = stack.length > fence() ? stack.at(-1) : undefined;
      if (value === undefined) throw new RangeError('the stack is empty');
      return value;
    },
    mark() { state.hold(1); marks.push(stack.length); },
    popMark() {
      const mark = marks.pop();
      if (mark === undefined) throw new RangeError('there is no mark');
      const items = stack.splice(mark);
      held -= 1 + items.length;
      return items;
    },
    dropTop() {
      if (marks.at(-1) === stack.length) marks.pop();
      else state.pop();
    },
    get depth() { return stack.length - fence(); },
    put(index) {
      const value = state.top();
      if (!(index >= 0)) throw new RangeError('a memo index is negative or out of range');
      const known = memo.get(index);
      if (known !== undefined && known !== value) state.tell({ rule: 'memo-misuse', severity: 'critical', why: 'hides', message: `Memo entry ${index} is written a second time: what a later opcode fetches depends on the reader` });
      // Python 2 counts from 1. The real unpickler allocates 16 bytes for each index up to this one.
      else if (index > memo.size + 1) state.tell(index > memo.size + 1_000_000
        ? { rule: 'memo-size', severity: 'high', why: 'exhausts', message: `Memo index ${index} with ${memo.size} entries: the unpickler allocates memory up to the index` }
        : { rule: 'memo-gap', severity: 'medium', why: 'odd', message: `Memo index ${index} leaves a gap after ${memo.size} entries` });
      if (known === undefined) state.hold(1);
      memo.set(index, value);
    },
    memoize() { state.put(memo.size); },
    get(index) {
      const value = memo.get(index);
      if (value !== undefined) return value;
      state.tell({ rule: 'memo-misuse', severity: 'critical', why: 'hides', message: `Memo entry ${index} is fetched, and nothing has been put there` });
      state.refuse(`memo entry ${index} is missing`);
      return none;
    },
  };
  return state;
}
