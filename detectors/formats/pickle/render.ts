import { quoted } from '../quote.ts';
import type { Value } from './values.ts';

/** A value as an analyst reads it, short and escaped; never longer than about 200 characters. */
export function render(value: Value, depth = 0): string {
  switch (value.kind) {
    case 'text': return value.text === null ? `a text of ${value.extent.size} characters` : quoted(value.text, 120);
    case 'bytes': case 'bytearray': return `${value.extent.size} bytes`;
    case 'integer': return Number.isNaN(value.value) ? 'a large integer' : String(value.value);
    case 'class': return quoted(`${value.module}.${value.name}`, 80);
    case 'instance': return `an instance of ${value.of.module}.${value.of.name}`;
    case 'dict': return value.entries === null ? '{}' : `a dict of ${value.entries.length / 2}`;
    case 'list': case 'tuple': case 'set': case 'frozenset': {
      const items = value.items ?? [];
      if (depth > 1) return `a ${value.kind} of ${items.length}`;
      const inner = items.slice(0, 4).map(item => render(item, depth + 1)).join(', ');
      return `${value.kind === 'tuple' ? '' : value.kind}(${items.length > 4 ? `${inner}, …` : inner})`.slice(0, 400);
    }
    case 'none': return 'None';
    case 'bool': case 'float': return `a ${value.kind}`;
    case 'unknown': return 'a computed value';
    default: return value satisfies never;
  }
}
