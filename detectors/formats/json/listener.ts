import { quoted } from '../quote.ts';
import { BudgetError, type Report } from '../report.ts';
import { checkClass, checkNaming, type Naming } from './gluonts.ts';
import { type Listener, readJson, type Reading } from './reader.ts';

interface Level extends Naming { readonly isObject: boolean; readonly offset: number; readonly keys: Set<string>; key: string }

/** Python's reader recurses; it raises near this depth. */
const usualDepth = 900;
const mostDuplicates = 20;
/** Of one object: nobody writes two, and a list of them is kept only to be looked at. */
const mostNamed = 100;
/** Keys of all objects that are open at once. */
const mostKeys = 500_000;
/** Keys by which jsonpickle names classes and functions that are imported and called. */
const pickled = new Set(['py/object', 'py/type', 'py/class', 'py/function', 'py/method',
  'py/reduce', 'py/newargs', 'py/newargsex', 'py/initargs', 'py/repr', 'py/mod']);

/** Reports what a document names and repeats, while it is read; `whole` is told the keys of an object that is all of it. */
export function listen(reading: Reading, report: Report, names: { readonly model: boolean } = { model: false }, whole?: (keys: ReadonlySet<string>) => void): Listener {
  const levels: Level[] = [];
  const told = { deep: false, duplicates: 0, keys: 0 };
  /** The value of the key before it: `text` is null for all that is no text, and for a type named in an object of its own its path. */
  const given = (text: string | null, isText: boolean) => {
    const level = levels.at(-1);
    if (!level?.isObject) return;
    // Of gluonts-config.json: what stands there is imported too.
    if (names.model && level.key === 'model' && isText && text !== null) checkClass(text, true, { pointer: reading.pointer() }, report);
    const list = level.key === '__kind__' ? level.kinds : level.key === 'class' ? level.classes : null;
    if (!list || list.length > mostNamed) return;
    if (list === level.kinds) level.kinds.push(isText && text !== null ? text : 'no text');
    // Beyond the bound the class counts as computed, which is never allowed.
    else level.classes.push(list.length === mostNamed ? null : text);
  };
  return {
    open(kind, offset) {
      levels.push({ isObject: kind === 'object', offset, keys: new Set(), key: '', kinds: [], classes: [] });
      if (told.deep || levels.length <= usualDepth) return;
      told.deep = true;
      report.note({
        rule: 'json.depth', severity: 'medium', confidence: 0.8, where: { offset }, techniques: ['T1499'],
        message: `The document is nested deeper than ${usualDepth}, where Python gives up`,
      });
    },
    close() {
      const level = levels.pop();
      if (!level) return;
      if (levels.length === 0 && level.isObject) whole?.(level.keys);
      told.keys -= level.keys.size;
      if (level.isObject && level.kinds.length > 0) {
        report.budget.spend(10);
        checkNaming(level, { offset: level.offset, pointer: reading.pointer() }, report);
      }
      const isType = level.kinds.length === 1 && level.kinds[0] === 'type' && level.classes.length === 1;
      given(isType ? level.classes[0] ?? null : null, false);
    },
    key(name, offset) {
      const level = levels.at(-1);
      if (!level) return;
      const where = () => ({ offset, pointer: reading.pointer() });
      if (!level.keys.has(name)) {
        level.keys.add(name);
        told.keys += 1;
        if (told.keys > mostKeys) throw new BudgetError(`JSON with more than ${mostKeys} keys at once is not read`);
      } else if (told.duplicates++ < mostDuplicates) {
        const severity = name === 'class' || name === '__kind__' ? 'medium' : 'low';
        const message = `The key ${quoted(name)} stands twice in one object`;
        report.note({ rule: 'json.duplicate-key', severity, confidence: 0.8, where: where(), techniques: ['AML.T0076'], message });
      }
      level.key = name;
      if (!pickled.has(name)) return;
      report.budget.spend(10);
      report.note({
        rule: 'json.pickled-object', severity: 'high', confidence: 0.8, where: where(), techniques: ['AML.T0011.000', 'T1059.006'],
        message: `The key ${quoted(name)} makes jsonpickle import what it names`,
      });
    },
    text(value) { given(value, true); },
    scalar() { given(null, false); },
  };
}

/** Looks for classes in what another format has refused; that it is no JSON either is not told again. */
export function lookForClasses(bytes: Uint8Array, report: Report) {
  try { readJson(bytes, units => { report.budget.spend(units); }, reading => listen(reading, report)); } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
  }
}
