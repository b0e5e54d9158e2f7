import type { Observation } from '../../agent/contract/finding.ts';
import type { Coverage, Inspection, Verdict } from '../../agent/contract/inspection.ts';
import { beginningOf } from './beginning.ts';
import type { Stated } from './fact.ts';
import type { Format, Probe } from './format.ts';
import { BudgetError, type Budget, type Inventory, type Note, type Report } from './report.ts';
import type { Source } from './source.ts';

export interface Limits {
  /** Of work and unpacking, for the whole file. */
  readonly deadlineMs: number;
  readonly unpackBytes: number;
  readonly depth: number;
  readonly notes: number;
}

export const usualLimits: Limits = { deadlineMs: 600_000, unpackBytes: 4 * 2 ** 30, depth: 8, notes: 200 };

const tailBytes = 65_557;
const inventoryBytes = 65_536;
const mostSkipped = 50;
const mostFacts = 1_000;

interface State {
  readonly notes: Note[];
  readonly facts: Stated[];
  omitted: number;
  readonly skipped: Coverage['skipped'][number][];
  skippedMore: number;
  malformed: boolean;
  unsupported: boolean;
  inventoryLeft: number;
}

export interface Surroundings {
  readonly now?: () => number;
  /** What the documents of this file, and those around it, say of one another. */
  readonly together?: (facts: readonly Stated[], budget: Budget) => readonly Note[];
}

/**
 * Reads a file by what it is. Formats are asked in the order of the list; the first that fits is the file's format, and
 * each further one that fits tries the same bytes as well: a file that two programs read differently is told as such.
 */
export function inspectSource(name: string, source: Source, formats: readonly Format[], limits: Limits = usualLimits, { now = () => performance.now(), together }: Surroundings = {}): Inspection {
  const state: State = { notes: [], facts: [], omitted: 0, skipped: [], skippedMore: 0, malformed: false, unsupported: false, inventoryLeft: inventoryBytes };
  const budget = createBudget(limits, now);
  const { format, parsed, inventory } = examine(name, source, { formats, limits, budget, state, depth: 0, member: null });
  if (together) compare(together, state, budget, limits);
  const observations = state.notes.map(toObservation);
  if (state.omitted > 0) observations.push({ rule: 'inspect.more', severity: 'info', confidence: 1, techniques: [], summary: `${state.omitted} more findings of this file are counted, not told` });
  const coverage: Coverage = { bytes: source.size, parsed: Math.min(parsed, source.size), skipped: state.skipped };
  return { format, verdict: verdictOf(state, coverage), observations, coverage, inventory };
}

/** A file whose own parsers used up the budget is incomplete already. */
function compare(together: NonNullable<Surroundings['together']>, state: State, budget: Budget, limits: Limits) {
  try { for (const note of together(state.facts, budget)) addNote(state, limits, note); } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    addSkipped(state, { offset: 0, length: 0, why: `it was not held against the other files of its model: ${error.message}` });
  }
}

interface Here {
  readonly formats: readonly Format[];
  readonly limits: Limits;
  readonly budget: Budget;
  readonly state: State;
  readonly depth: number;
  readonly member: string | null;
}

function examine(name: string, source: Source, here: Here): { format: string; parsed: number; inventory: Inventory } {
  const { state, member } = here;
  const seen = probe(name, source);
  const fitting = here.formats.filter(format => format.fits(seen));
  const first = fitting[0];
  if (!first) {
    if (source.size === 0) {
      // Nothing is wrong with no bytes, but no loader takes them for a model.
      state.malformed = true;
      return { format: 'empty', parsed: 0, inventory: {} };
    }
    state.unsupported = true;
    addSkipped(state, { offset: 0, length: source.size, why: 'no parser knows this content', ...(member === null ? {} : { member }) });
    return { format: 'unknown', parsed: 0, inventory: {} };
  }
  const result = attempt(first, name, source, here);
  for (const other of fitting.slice(1)) {
    addNote(state, here.limits, {
      rule: 'inspect.polyglot', severity: 'high', confidence: 0.8, techniques: ['T1036.008', 'AML.T0076'], where: place({}, member),
      message: `The content is ${first.name} and ${other.name} at once: two programs may read it differently`,
    });
    attempt(other, name, source, here);
  }
  return { format: first.name, ...result };
}

function attempt(format: Format, name: string, source: Source, here: Here): { parsed: number; inventory: Inventory } {
  const { state, member, limits } = here;
  let parsed = 0;
  const inventory: Inventory = {};
  const report: Report = {
    budget: here.budget,
    depth: here.depth,
    note: note => addNote(state, limits, { ...note, where: place(note.where, member) }),
    fact(fact) { if (state.facts.length < mostFacts) state.facts.push({ path: member ?? name, member, fact }); },
    parsed: bytes => { parsed += bytes; },
    skipped: what => addSkipped(state, { ...what, ...(member === null ? {} : { member }) }),
    malformed: () => { state.malformed = true; },
    inventory(key, value) {
      const size = JSON.stringify(value)?.length ?? 0;
      if (size > state.inventoryLeft) { inventory[key] = 'left out: too long'; return; }
      state.inventoryLeft -= size;
      inventory[key] = value;
    },
    nested(inner, part) {
      const path = member === null ? inner : `${member}!/${inner}`;
      if (here.depth >= limits.depth) {
        addSkipped(state, { offset: 0, length: part.size, why: `nested deeper than ${limits.depth}`, member: path });
        addNote(state, limits, { rule: 'inspect.too-deep', severity: 'high', confidence: 0.8, techniques: ['AML.T0076'], where: { member: path }, message: `Archives or documents are nested deeper than ${limits.depth}; what is inside was not read` });
        return;
      }
      const { format: kind, parsed: understood, inventory: found } = examine(inner, part, { ...here, depth: here.depth + 1, member: path });
      const members = (inventory['members'] ?? []) as unknown[];
      inventory['members'] = members;
      if (members.length < 500) members.push({ name: inner, format: kind, bytes: part.size, parsed: understood, ...(Object.keys(found).length > 0 && members.length < 50 ? { inventory: found } : {}) });
    },
  };
  try { format.inspect(source, report, name); } catch (error) {
    // Anything but a RangeError is a bug of the parser, not of the file: it must come out.
    if (!(error instanceof RangeError)) throw error;
    const used = error instanceof BudgetError;
    if (!used) state.malformed = true;
    addSkipped(state, { offset: 0, length: Math.max(0, source.size - parsed), why: error.message.slice(0, 200), ...(member === null ? {} : { member }) });
    // The parser's own words on the same error say more.
    if (!used && state.notes.some(note => note.rule === `${format.name}.malformed`)) return { parsed, inventory };
    addNote(state, limits, {
      rule: used ? 'inspect.budget' : `${format.name}.malformed`, severity: 'medium', confidence: 0.7, techniques: ['AML.T0076'], where: place({}, member),
      message: used ? `It was not read to its end: ${error.message}` : `It is no well-formed ${format.name}: ${error.message.slice(0, 300)}`,
    });
  }
  if (parsed < source.size && state.skipped.length === 0) addSkipped(state, { offset: parsed, length: source.size - parsed, why: `not part of the ${format.name}`, ...(member === null ? {} : { member }) });
  return { parsed, inventory };
}

const place = (where: Note['where'], member: string | null): Note['where'] => member === null ? where : { ...where, member: where.member === undefined ? member : `${member}!/${where.member}` };

function probe(name: string, source: Source): Probe {
  const head = beginningOf(source);
  const tail = source.size <= head.length ? head : new Uint8Array(source.read(Math.max(0, source.size - tailBytes), tailBytes));
  return { name: name.slice(name.lastIndexOf('/') + 1), size: source.size, head, tail };
}

/** Up to the limit; beyond it only graver ones, in place of the least grave. */
function addNote(state: State, limits: Limits, note: Note) {
  if (state.notes.length < limits.notes) { state.notes.push(note); return; }
  state.omitted += 1;
  if (note.severity !== 'critical' && note.severity !== 'high') return;
  const weakest = state.notes.findIndex(other => other.severity === 'info' || other.severity === 'low' || (note.severity === 'critical' && other.severity === 'medium'));
  if (weakest >= 0) state.notes[weakest] = note;
}

function addSkipped(state: State, what: Coverage['skipped'][number]) {
  if (state.skipped.length < mostSkipped) state.skipped.push(what);
  else state.skippedMore += 1;
}

function toObservation({ rule, severity, confidence, message, where, evidence, techniques }: Note): Observation {
  return { rule, severity, confidence, summary: message.slice(0, 1_000), where, techniques, ...(evidence === undefined ? {} : { evidence: evidence.slice(0, 200) }) };
}

function verdictOf(state: State, coverage: Coverage): Verdict {
  const has = (...severities: readonly string[]) => state.notes.some(note => severities.includes(note.severity));
  if (has('critical')) return 'malicious';
  if (has('high')) return 'suspicious';
  if (state.malformed) return 'malformed';
  if (has('medium', 'low')) return 'suspicious';
  if (state.unsupported) return 'unsupported';
  return coverage.skipped.length > 0 || coverage.parsed < coverage.bytes ? 'incomplete' : 'clean';
}

function createBudget({ deadlineMs, unpackBytes }: Limits, now: () => number): Budget {
  const end = now() + deadlineMs;
  let sinceLook = 0;
  let unpacked = 0;
  return {
    spend(units) {
      sinceLook += units;
      if (sinceLook < 1_000) return;
      sinceLook = 0;
      if (now() > end) throw new BudgetError(`its reading took more than ${deadlineMs} ms`);
    },
    unpack(bytes) {
      unpacked += bytes;
      if (unpacked > unpackBytes) throw new BudgetError(`it unpacks to more than ${unpackBytes} bytes`);
    },
  };
}
