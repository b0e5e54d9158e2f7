import { canonical } from './dangers.ts';
import { optionsOf, type Value } from './values.ts';

/** What settings of CPython's logging.config name to be called, and with what. */
export interface Named { readonly path: string; readonly given: ReadonlyMap<string, Value> }

const mostEntries = 4_096;

export const takesSettings = (path: string): boolean => /^logging\.config\.(?:dictConfig|dictConfigClass|DictConfigurator|BaseConfigurator)$/.test(canonical(path));

/** Every dictionary of the settings, however deep: `()` and `class` name what is called with the other keys, `ext://` a name in any place. */
export function namedBySettings(settings: Value): { readonly texts: readonly Named[]; readonly values: readonly Value[] } {
  const texts: Named[] = [];
  const values: Value[] = [];
  const open = [...optionsOf(settings)];
  for (let seen = 0, value = open.pop(); value && seen < mostEntries; value = open.pop(), seen++) {
    if (value.kind === 'list') open.push(...value.items.slice(0, mostEntries));
    if (value.kind !== 'dict') continue;
    const given = new Map(value.entries.flatMap(([key, each]) => key.kind === 'text' ? [[key.text, each] as const] : []));
    for (const [key, each] of given) {
      const isCalled = key === '()' || key === 'class';
      for (const one of optionsOf(each)) {
        if (one.kind === 'text' && isCalled) texts.push({ path: one.text.replace(/^ext:\/\//, ''), given });
        else if (isCalled) values.push(one);
      }
      open.push(...optionsOf(each));
    }
  }
  return { texts, values };
}
