import type { Format, Probe } from '../format.ts';
import { defineFormat } from '../format.ts';
import { kindOf } from '../kind.ts';
import { looksLikePickle } from '../pickle-shape.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { slice } from '../source.ts';
import { recordInspector } from './handle.ts';
import { lookInside } from './hidden.ts';
import { createTally } from './inventory.ts';
import type { Listener, Place, Remark } from './listener.ts';
import type { Outcome } from './machine.ts';
import { followPickle } from './machine.ts';
import { beginsPickle, findPickle, isPickle } from './probe.ts';
import { remarksOn, statesOf } from './result.ts';

const mostPickles = 50;
const longestSearch = 4_194_304;
const fullLook = 4_096;

const techniques: Readonly<Record<Remark['why'], readonly string[]>> = {
  runs: ['AML.T0011.000', 'AML.T0018.002', 'T1059.006'],
  hides: ['AML.T0076', 'AML.T0018.002'],
  exhausts: ['AML.T0076', 'T1499'],
  odd: ['AML.T0010.003'],
};

/**
 * Optimizer states (`.states`): Python pickles that Updater.set_states hands whole to pickle.loads. Followed opcode by opcode
 * by our own machine, default deny; nothing is imported or called.
 */
export const pickle: Format = defineFormat({
  name: 'pickle',
  fits: fitsPickle,
  inspect(source, report) {
    const tally = createTally();
    const listener = listen(source, report, tally);
    let [at, pickles] = [0, 0];
    try {
      while (pickles < mostPickles) {
        const outcome = followPickle(source, at, listener);
        pickles += 1;
        report.parsed(outcome.end - at);
        if (outcome.state.refusal) report.malformed();
        judge(outcome, listener);
        if (pickles === 1 && outcome.stopped && outcome.value) report.fact({ type: 'states', states: statesOf(outcome.value) });
        if (!outcome.stopped) { breakOff(outcome, source, report, listener); return; }
        at = outcome.end;
        if (at >= source.size) return;
        if (!afterStop(source, at, outcome.opcodes, report, listener)) return;
      }
      report.skipped({ offset: at, length: source.size - at, why: `more than ${mostPickles} pickles in one file` });
    } finally { tally.write(report, pickles); }
  },
});

/** By its opcodes; a file that is called a state and is nothing else known is tried too, so that the answer says what is wrong. */
function fitsPickle({ name, head }: Probe): boolean {
  // A zip's first bytes are a persistent id to the unpickler, which refuses it at once when, as in MXNet, nobody gives a persistent_load.
  if ([0x50, 0x4b, 3, 4].every((byte, index) => head[index] === byte)) return false;
  // What merely could be opcodes, such as the name at the head of a tar archive, is taken for what its signature says.
  if (beginsPickle(head) || (looksLikePickle(head, fullLook) && kindOf(name, head).format === 'pickle')) return true;
  return /\.(states|pkl|pickle)$/i.test(name) && ['unknown', 'text'].includes(kindOf(name, head).format);
}

function listen(source: Source, report: Report, tally: ReturnType<typeof createTally>): Listener {
  const inspectHandle = recordInspector(source, report);
  // Each remark of one kind is a note until there are many of them: a flood must not push others out.
  const told = new Map<string, number>();
  const tell = (remark: Remark, { offset, opcode }: Place) => {
    const key = `${remark.rule} ${remark.severity}`;
    const times = (told.get(key) ?? 0) + 1;
    told.set(key, times);
    if (times > 20) return;
    const { rule, severity, message, evidence, why } = remark;
    report.note({
      rule: `pickle.${rule}`, severity, confidence: severity === 'medium' ? 0.7 : 0.95, where: { offset, opcode }, techniques: techniques[why],
      message: `${message} (opcode ${opcode} at offset ${offset})`, ...(evidence === undefined ? {} : { evidence }),
    });
  };
  return {
    ...tally, budget: report.budget, tell,
    constant: lookInside(source, report, tell),
    record(extent, place) {
      tally.record(extent.size);
      return inspectHandle(extent, place);
    },
  };
}

/** What can be said of a pickle as a whole. */
function judge({ state, stopped, value, opcodes, end }: Outcome, listener: Listener) {
  const place = { offset: Math.max(0, end - 1), opcode: opcodes };
  if (state.refusal) tellBroken(`the unpickler refuses it: ${state.refusal.message}`, state.refusal.afterImport, state.refusal.place, listener);
  if (state.arrays > state.filled) listener.tell({ rule: 'null-array', severity: 'high', why: 'exhausts', message: `${state.arrays - state.filled} arrays are made without content: native code would follow a null pointer` }, place);
  if (state.copied > 4 * end + 1_048_576) listener.tell({ rule: 'amplification', severity: 'high', why: 'exhausts', message: `Reading it makes ${state.copied} bytes from a file of ${end}` }, place);
  if (stopped && value) for (const remark of remarksOn(value)) listener.tell(remark, place);
}

/** Once something was imported, a stream that ends in an error has done its work. */
function tellBroken(message: string, afterImport: boolean, place: Place, listener: Listener) {
  if (afterImport) listener.tell({ rule: 'broken', severity: 'critical', why: 'hides', message: `After it has imported something, ${message}: what stands before has run` }, place);
  else listener.tell({ rule: 'malformed', severity: 'medium', why: 'odd', message: `It is no complete pickle: ${message}` }, place);
}

function breakOff({ end, broken, state, opcodes }: Outcome, source: Source, report: Report, listener: Listener) {
  report.malformed();
  tellBroken(broken ?? 'it does not end', state.imports > 0, { offset: end, opcode: opcodes }, listener);
  if (end < source.size) report.skipped({ offset: end, length: source.size - end, why: 'behind the place where the pickle breaks off' });
  search(source, end, opcodes, report, listener);
}

/** True when another pickle follows, which is read too. */
function afterStop(source: Source, at: number, opcode: number, report: Report, listener: Listener): boolean {
  const rest = source.size - at;
  const place = { offset: at, opcode };
  if (isPickle(source, at, report.budget)) {
    listener.tell({ rule: 'several', severity: 'critical', why: 'hides', message: `Another pickle stands behind STOP, ${rest} bytes: some readers go on` }, place);
    return true;
  }
  listener.tell({ rule: 'trailing', severity: 'critical', why: 'hides', message: `${rest} bytes stand behind STOP: the unpickler ignores them, and they may be something else` }, place);
  report.skipped({ offset: at, length: rest, why: 'behind STOP' });
  if (!search(source, at, opcode, report, listener)) report.nested('behind-stop', slice(source, at, rest));
  return false;
}

/** A pickle that imports something, in bytes that belong to none. */
function search(source: Source, from: number, opcode: number, report: Report, listener: Listener): boolean {
  const length = Math.min(longestSearch, source.size - from);
  const bytes = Uint8Array.from(source.read(from, length));
  // The broken opcode itself would be found again.
  const found = findPickle(bytes, 1, report.budget);
  if (found < 0) return false;
  listener.tell({ rule: 'embedded', severity: 'critical', why: 'hides', message: `A pickle that imports something begins at offset ${from + found}, where no reader of the whole file looks` }, { offset: from + found, opcode });
  report.nested(`pickle-at-${from + found}`, slice(source, from + found, source.size - from - found));
  return true;
}
