import { quoted } from '../quote.ts';
import { roleOf } from './allowed.ts';
import { dangerOf } from './dangers.ts';
import type { GlobalName } from './names.ts';
import { mapped } from './names.ts';
import type { State } from './state.ts';
import type { Class, Value } from './values.ts';
import { unknown } from './values.ts';

/** A name is imported when the opcode runs: the module's own code has run before anything is called. Default deny. */
export function importGlobal(state: State, written: GlobalName): Class {
  const global = mapped(written, state.protocol);
  const role = roleOf(global);
  state.imports += 1;
  state.listener.imported(global, written, role !== null);
  if (role === null) state.tell(denial(global, written, state.protocol));
  state.hold(1);
  return { kind: 'class', ...short(global), role: role ?? 'denied' };
}

/** STACK_GLOBAL: both names must be known texts. */
export function importComputed(state: State, module: Value, name: Value): Value {
  if (module.kind === 'text' && name.kind === 'text' && module.text !== null && name.text !== null) return importGlobal(state, { module: module.text, name: name.text });
  state.imports += 1;
  state.tell({ rule: 'computed-global', severity: 'critical', why: 'runs', message: 'It imports a name that is computed while it is read, or too long to be one: any code may run' });
  if (module.kind !== 'unknown' && name.kind !== 'unknown' && (module.kind !== 'text' || name.kind !== 'text')) state.refuse('STACK_GLOBAL needs two texts');
  return unknown;
}

const short = ({ module, name }: GlobalName): GlobalName => ({ module: module.slice(0, 200), name: name.slice(0, 200) });

function denial(global: GlobalName, written: GlobalName, protocol: number) {
  const called = quoted(`${global.module} ${global.name}`, 120);
  const origin = global.module === written.module && global.name === written.name ? '' : `, written ${quoted(`${written.module} ${written.name}`, 80)} as Python 2 did`;
  const base = { severity: 'critical', why: 'runs', evidence: called } as const;
  const danger = dangerOf(global) ?? (global.name.includes('.') ? dangerOf({ module: global.name.split('.').at(-2) ?? '', name: '' }) : null);
  if (global.name.includes('.')) {
    return { ...base, rule: 'dotted-global', message: `It imports ${called}${origin}: attributes are followed from module to module${danger === null ? '' : `, and this ${danger}`}${protocol < 4 ? ' (by readers of protocol 4)' : ''}` };
  }
  if (danger !== null) return { ...base, rule: 'dangerous-global', message: `It imports ${called}${origin}, which ${danger}` };
  return { ...base, rule: 'unknown-global', message: `It imports ${called}${origin}, which no optimizer state needs: importing a module already runs its code` };
}
