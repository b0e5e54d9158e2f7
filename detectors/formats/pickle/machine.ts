import { BudgetError } from '../report.ts';
import type { Source } from '../source.ts';
import { followFrames } from './frames.ts';
import type { Listener } from './listener.ts';
import { readArgument } from './literals.ts';
import type { Opcode } from './opcodes.ts';
import { opcodeOf } from './opcodes.ts';
import { createState, type State } from './state.ts';
import { steps } from './steps.ts';
import type { Value } from './values.ts';
import { openWindow } from './window.ts';
import { quoted } from '../quote.ts';

export interface Outcome {
  /** Behind the last opcode that was understood. */
  readonly end: number;
  readonly stopped: boolean;
  /** What STOP returns. */
  readonly value: Value | null;
  /** Why it cannot be read on; null when it came to STOP, or to the last of the opcodes that were wanted. */
  readonly broken: string | null;
  readonly state: State;
  readonly opcodes: number;
}

/**
 * Follows one pickle from `start`: every opcode is decoded and carried out on descriptions of values. Nothing is called,
 * nothing is imported, no constant is kept. BudgetError when it holds too much or takes too long, nothing else.
 */
export function followPickle(source: Source, start: number, listener: Listener, mostOpcodes = Number.POSITIVE_INFINITY): Outcome {
  const window = openWindow(source, listener.budget, start);
  const state = createState(listener);
  const frames = followFrames(state, source.size);
  const outcome = (rest: Pick<Outcome, 'end' | 'stopped' | 'value' | 'broken'>): Outcome => ({ ...rest, state, opcodes: state.place.opcode });
  let at = start;
  try {
    for (let index = 0; index < mostOpcodes; index++) {
      at = window.position;
      state.place = { offset: at, opcode: index };
      if (at >= source.size) throw new RangeError('it ends without STOP');
      const code = window.byte();
      const opcode = opcodeOf[code];
      if (!opcode) throw new RangeError(`byte ${code} is no opcode`);
      listener.budget.spend(1);
      if (step(opcode)) {
        frames.stop(window.position);
        return outcome({ end: window.position, stopped: true, value: state.depth > 0 ? state.pop() : refuseEmpty(state), broken: null });
      }
    }
    return outcome({ end: window.position, stopped: false, value: null, broken: null });
  } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    return outcome({ end: at, stopped: false, value: null, broken: error.message });
  }

  function step(opcode: Opcode): boolean {
    const from = window.position - 1;
    listener.opcode(opcode);
    const argument = readArgument(opcode, window, {
      odd(what, written) {
        state.tell({ rule: 'odd-constant', severity: 'critical', why: 'hides', message: `${opcode.name} has ${what} in a spelling that no writer uses, and readers disagree about: ${quoted(written)}`, evidence: quoted(written) });
      },
      tooLong(claimed, left) {
        const wider = claimed > source.size;
        state.tell({ rule: 'length', severity: wider ? 'high' : 'medium', why: wider ? 'exhausts' : 'odd', message: `${opcode.name} claims ${claimed} bytes, and ${left} are left${wider ? ': the unpickler may allocate them first' : ''}` });
      },
    });
    frames.pass(from, window.position);
    if (opcode.habit === 'never') state.tell({ rule: 'unexpected-opcode', severity: 'critical', why: 'hides', message: `${opcode.name} is an opcode that no writer of optimizer states uses` });
    if (opcode.name === 'STOP') return true;
    if (opcode.name === 'FRAME') frames.open(window.position, argument.kind === 'number' ? argument.number : 0);
    else steps[opcode.name]?.(state, argument);
    return false;
  }
}

function refuseEmpty(state: State): null {
  state.refuse('STOP finds an empty stack');
  return null;
}
