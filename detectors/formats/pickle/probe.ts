import type { Budget } from '../report.ts';
import { BudgetError } from '../report.ts';
import type { Source } from '../source.ts';
import { sourceOf } from '../source.ts';
import { follow } from '../pickle-shape.ts';
import { dangerOf } from './dangers.ts';
import { followPickle } from './machine.ts';
import { opcodeOf } from './opcodes.ts';

export interface Probed {
  readonly opcodes: number;
  readonly stopped: boolean;
  readonly protocol: boolean;
  readonly imports: number;
  /** It imports something that is known by name, allowed or dangerous: no accident. */
  readonly known: boolean;
  readonly calls: boolean;
}

/** What the beginning of some bytes would be to the unpickler; says nothing to anyone. Null when not even one opcode is. */
export function probePickle(source: Source, start: number, budget: Budget, mostOpcodes = 2_000): Probed | null {
  if (opcodeOf[source.read(start, 1)[0] ?? 0] === undefined) return null;
  let [known, calls] = [false, false];
  const ignore = () => { /* A probe only counts. */ };
  try {
    const { stopped, opcodes, state } = followPickle(source, start, {
      budget, protocol: ignore, tell: ignore, constant: ignore, record: () => null, array: ignore, object: ignore,
      opcode: ({ name }) => { if (['REDUCE', 'INST', 'OBJ', 'NEWOBJ', 'NEWOBJ_EX'].includes(name)) calls = true; },
      imported: (global, _written, allowed) => { if (allowed || (dangerOf(global) !== null && /^[\w.]+$/.test(global.name))) known = true; },
    }, mostOpcodes);
    return { opcodes, stopped, protocol: state.protocols > 0, imports: state.imports, known, calls };
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    // Its own bound was meant for a whole file; the file's budget speaks again at the next opcode of the caller.
    return null;
  }
}

const headBytes = 4_096;
/** INT, LONG, FLOAT. */
const numbers: ReadonlySet<number> = new Set([0x49, 0x4c, 0x46]);

/** Whether text or bytes that should be something else are a pickle: an accident would hardly import, or run from PROTO to STOP. */
export function isPickle(source: Source, start: number, budget: Budget): boolean {
  const head = source.read(start, headBytes);
  const { end, imports } = follow(head);
  // The cheap look first: most constants are names. Odd numbers it does not read, so the machine decides about those.
  const complete = source.size - start <= headBytes;
  if (imports === 0 && head[0] !== 0x80 && (end === 'refused' || (end === 'cut' && complete)) && !numbers.has(head[0] ?? 0)) return false;
  const probed = probePickle(source, start, budget);
  if (probed === null) return false;
  return probed.known || (probed.imports > 0 && (probed.stopped || probed.calls)) || (probed.protocol && probed.opcodes >= 2 && (probed.stopped || probed.opcodes >= 1_999));
}

const unlimited: Budget = { spend() { /* The head is short. */ }, unpack() { /* Nothing is unpacked. */ } };

/** For `fits`: the beginning of a file. */
export const beginsPickle = (head: Uint8Array): boolean => isPickle(sourceOf(head), 0, unlimited);

/** Where a pickle that imports something begins in these bytes, from PROTO or from a GLOBAL of a known module; -1 when nowhere. */
export function findPickle(bytes: Uint8Array, from: number, budget: Budget): number {
  const source = sourceOf(bytes);
  let tried = 0;
  for (let at = from; at < bytes.length && tried < 1_000; at++) {
    const code = bytes[at] ?? 0;
    if (!(code === 0x80 && (bytes[at + 1] ?? 9) <= 5) && code !== 0x63 && code !== 0x28 && code !== 0x8c) continue;
    budget.spend(10);
    tried += 1;
    const probed = probePickle(source, at, budget, 200);
    if (probed !== null && probed.imports > 0 && (probed.known || probed.calls)) return at;
  }
  return -1;
}
