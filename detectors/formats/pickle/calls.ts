import { callAllowed, isNumpyState, newAllowed } from './grammar.ts';
import { render } from './render.ts';
import type { State } from './state.ts';
import type { Class, Dict, Instance, Value } from './values.ts';
import { unknown } from './values.ts';

export type Call = 'REDUCE' | 'NEWOBJ' | 'NEWOBJ_EX' | 'OBJ' | 'INST';

/** REDUCE and its kin: only an allowed name, only with the arguments its writer gives. */
export function call(state: State, func: Value, args: Value, by: Call): Value {
  const items = args.kind === 'tuple' ? args.items ?? [] : null;
  const made = func.kind !== 'class' || items === null ? null : by === 'REDUCE' ? callAllowed(func, items) : by === 'NEWOBJ' ? newAllowed(func, items) : null;
  if (made === null) {
    state.tell(refusal(func, args, by));
    if (items === null && args.kind !== 'unknown') state.refuse(`${by} needs a tuple of arguments`);
    return unknown;
  }
  state.hold(1);
  if (made.kind === 'instance') {
    state.listener.object(made.of);
    if (made.of.role === 'array') state.arrays += 1;
  }
  if (made.kind === 'bytes' || made.kind === 'bytearray') copied(state, made.extent.size);
  return made;
}

function refusal(func: Value, args: Value, by: Call) {
  const evidence = `${render(func)} ${render(args)}`.slice(0, 200);
  const base = { severity: 'critical', why: 'runs', evidence } as const;
  if (func.kind !== 'class') return { ...base, rule: 'computed-call', message: `${by} calls ${render(func)}, which is no imported name: ${evidence}` };
  if (func.role === 'denied') return { ...base, rule: 'call', message: `${by} calls ${render(func)} with ${render(args)}` };
  return { ...base, rule: 'call-arguments', message: `${by} calls ${render(func)} with ${render(args)}, as no writer does` };
}

/** Counted, and told at the end when a small file makes the unpickler fill the memory. */
function copied(state: State, size: number) { state.copied += size; }

/** BUILD calls __setstate__ or sets attributes: only on what was made here from an allowed name, once. */
export function build(state: State, target: Value, content: Value): void {
  if (target.kind !== 'instance') {
    state.tell({ rule: 'build', severity: 'critical', why: 'runs', message: `BUILD sets the state of ${render(target)}, which is no instance made here`, evidence: render(content).slice(0, 200) });
    return;
  }
  if (target.built) state.tell({ rule: 'build-again', severity: 'high', why: 'hides', message: `BUILD sets the state of ${render(target)} a second time` });
  target.built = true;
  switch (target.of.role) {
    case 'array': buildArray(state, target, content); return;
    case 'optimizer': case 'scheduler': buildObject(state, target, content); return;
    default:
      if (!isNumpyState(target, content)) state.tell({ rule: 'build', severity: 'critical', why: 'runs', message: `BUILD gives ${render(target)} a state that numpy does not write: its native code trusts it`, evidence: render(content).slice(0, 200) });
  }
}

function buildArray(state: State, target: Instance, content: Value) {
  const entries = content.kind === 'dict' ? content.entries ?? [] : [];
  const [key] = entries;
  if (entries.length !== 2 || key?.kind !== 'text' || key.text !== 'handle') {
    state.tell({ rule: 'array-state', severity: 'high', why: 'odd', message: `The state of an array is ${render(content)}, and should hold the handle only` });
  }
  // Whatever else stands there: each entry of that name may be the one that native code gets.
  for (let index = 0; index < entries.length; index += 2) {
    const [name, value] = [entries[index], entries[index + 1]];
    if (name?.kind === 'text' && name.text === 'handle' && value) fill(state, target, value);
  }
  if (content.kind !== 'dict') state.refuse('the state of an array is no dict');
  else if (!entries.some((name, index) => index % 2 === 0 && name.kind === 'text' && name.text === 'handle')) state.refuse('the state of an array has no handle');
}

function fill(state: State, target: Instance, handle: Value) {
  switch (handle.kind) {
    case 'bytearray': case 'bytes':
      state.filled += 1;
      copied(state, handle.extent.size);
      state.listener.array(target.of);
      target.shape = state.listener.record(handle.extent, state.place);
      if (handle.kind === 'bytes') {
        state.tell({ rule: 'array-state', severity: 'medium', why: 'odd', message: 'The handle of an array is not writable bytes' });
        state.refuse('the handle of an array is not writable');
      }
      return;
    case 'none': return;
    default:
      state.tell({ rule: 'array-state', severity: 'critical', why: 'runs', message: `The handle of an array is ${render(handle)}, and native code gets its memory` });
      if (handle.kind !== 'unknown' && handle.kind !== 'instance') state.refuse('the handle of an array is no buffer');
  }
}

function buildObject(state: State, target: Instance, content: Value) {
  if (content.kind !== 'dict') {
    state.tell({ rule: 'build', severity: 'critical', why: 'runs', message: `BUILD gives ${render(target)} the state ${render(content)}: attributes of any name can be set so` });
    return;
  }
  checkAttributes(state, target.of, content);
}

function checkAttributes(state: State, of: Class, { entries }: Dict) {
  for (let index = 0; entries && index < entries.length; index += 2) {
    const name = entries[index];
    if (name?.kind === 'text' && name.text !== null && !/^__/.test(name.text)) continue;
    state.tell({ rule: 'odd-attribute', severity: 'high', why: 'hides', message: `An attribute of ${of.module}.${of.name} is named ${name ? render(name) : 'nothing'}` });
    return;
  }
}
