import { signatures } from './operator-attributes.ts';
import { gradients, operators, otherBuilds } from './operator-table.ts';

/** One attribute of an operator; `type` as operator-attributes.ts spells it. */
export interface Attribute {
  readonly name: string;
  readonly type: string;
  readonly none: boolean;
  readonly required: boolean;
  readonly least: number;
  readonly most: number;
}

export interface Operator {
  /** The name under which it was registered first; aliases lead to the same operator. */
  readonly name: string;
  /** As operator-table.ts spells them: a number, `*`, `?` or `?N`. */
  readonly inputs: string;
  readonly outputs: string;
  /** Null where the library does not look at attributes. */
  readonly attributes: ReadonlyMap<string, Attribute> | null;
  readonly origin: 'wheel' | 'gradient' | 'other-build';
}

/** What 1.9.1 knows by this name; null for names of other releases and of operator libraries. */
export function operatorOf(name: string): Operator | null {
  table ??= read();
  return table.get(name) ?? null;
}

/** Made from the texts at the first question. */
let table: ReadonlyMap<string, Operator> | undefined;

const words = (text: string, separator: RegExp): string[] => text.split(separator).filter(word => word !== '');

function read(): ReadonlyMap<string, Operator> {
  const shapes = words(signatures, /;\s*/).map(line => new Map(words(line.trim().replace(/^_$/, ''), /\s+/).map(attributeOf).map(each => [each.name, each])));
  const found = new Map<string, Operator>();
  for (const line of words(operators, /;\s*/)) {
    const [names = '', inputs = '*', outputs = '*', shape = '-'] = line.trim().split(' ');
    const [name = '', ...aliases] = names.split('=');
    const operator: Operator = { name, inputs, outputs, attributes: shape === '-' ? null : shapes[Number(shape)] ?? null, origin: 'wheel' };
    for (const each of [name, ...aliases]) found.set(each, operator);
  }
  for (const [text, origin] of [[gradients, 'gradient'], [otherBuilds, 'other-build']] as const) {
    for (const name of words(text, /\s+/)) found.set(name, { name, inputs: '*', outputs: '*', attributes: null, origin });
  }
  return found;
}

function attributeOf(word: string): Attribute {
  const colon = word.indexOf(':');
  const [, type = 'a', marks = '', bounds = ''] = /^(\{[^}]*\}|\w)([?!]*)(.*)$/.exec(word.slice(colon + 1)) ?? [];
  const bound = (sign: string, otherwise: number) => Number(new RegExp(`${sign}(-?\\d+)`).exec(bounds)?.[1] ?? otherwise);
  return {
    name: word.slice(0, colon), type, none: marks.includes('?'), required: marks.includes('!'),
    least: bound('>', Number.NEGATIVE_INFINITY), most: bound('<', Number.POSITIVE_INFINITY),
  };
}
