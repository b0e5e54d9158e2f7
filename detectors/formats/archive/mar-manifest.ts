import { readJson } from '../json/reader.ts';
import type { Budget } from '../report.ts';

/** What Multi Model Server reads of a manifest: of its own form, and of the older one with capitals. Each value as often as it stands there. */
export interface Manifest {
  /** `module:function`, or the service file of the older form; null for what is no text. */
  readonly handlers: readonly (string | null)[];
  readonly runtimes: readonly (string | null)[];
  readonly names: readonly (string | null)[];
  readonly engines: readonly (string | null)[];
}

const places: ReadonlyMap<string, keyof Manifest> = new Map([
  ['/model/handler', 'handlers'], ['/Model/Service', 'handlers'], ['/runtime', 'runtimes'],
  ['/model/modelName', 'names'], ['/Model/Model-Name', 'names'], ['/engine/engineName', 'engines'], ['/Engine/MXNet', 'engines'],
]);
const mostOfOne = 10;
const deepest = 2;

/** RangeError for what is no JSON; the JSON parser tells that about the member itself. */
export function readManifest(bytes: Uint8Array, budget: Budget): Manifest {
  const found: { readonly [Each in keyof Manifest]: (string | null)[] } = { handlers: [], runtimes: [], names: [], engines: [] };
  readJson(bytes, units => { budget.spend(units); }, reading => {
    const given = (value: string | null) => {
      if (reading.depth() > deepest) return;
      const list = places.get(reading.pointer());
      if (list !== undefined && found[list].length < mostOfOne) found[list].push(value);
    };
    return { open: () => given(null), close() {}, key() {}, text: value => given(value), scalar: word => { if (word !== 'null') given(null); } };
  });
  return found;
}
