import { BudgetError } from '../report.ts';
import { createReader, type Deviation, type Reader, textOf } from './reader.ts';

/** One output of one node, as heads and inputs name it. */
export interface Entry { readonly node: number; readonly output: number }

export interface GraphNode {
  /** `null` is a variable. */
  readonly op: string;
  /** Operators named by an `op` that a later `op` of the same node replaced. */
  readonly replacedOps: readonly string[];
  readonly name: string;
  readonly inputs: readonly Entry[];
  readonly attributes: ReadonlyMap<string, string>;
  /** Attributes that a later `attrs` or `attr` replaced: read by others, not by MXNet. */
  readonly replacedAttributes: ReadonlyMap<string, string>;
  readonly controls: readonly number[];
  readonly subgraphs: readonly Graph[];
  /** The attribute `subgraph` of a cached operator, as bytes. */
  readonly written: Uint8Array | null;
  readonly offset: number;
  readonly pointer: string;
}

export interface Graph {
  readonly pointer: string;
  /** 0 for the document itself. */
  readonly depth: number;
  readonly nodes: readonly GraphNode[];
  readonly variables: readonly number[];
  readonly heads: readonly Entry[];
  readonly rows: readonly number[] | null;
  /** Value of `mxnet_version`: major * 10,000 + minor * 100 + patch. */
  readonly version: number | null;
  /** Other keys of the graph's own `attrs`. */
  readonly extras: readonly string[];
}

/** Nested deeper than this, nothing is read any more; MXNet itself recurses without limit (1,770 levels overflow its stack). */
export const deepest = 8;
/** Entries, attributes and numbers of one document; a node counts as five. The largest network of the model zoo has some 30,000. */
const mostParts = 500_000;

export interface Context {
  readonly bytes: Uint8Array;
  readonly cut: boolean;
  readonly pointer: string;
  readonly depth: number;
  /** Every node as soon as it is read, also those that a later key replaces, and those before an error. */
  node(node: GraphNode, depth: number): void;
  tell(deviation: Deviation, pointer: string): void;
  tooDeep(offset: number, pointer: string): void;
  spend(units: number): void;
}

interface Reading extends Context {
  readonly reader: Reader;
  readonly here: { pointer: string; parts: number };
}

/** Reads one graph as LoadJSON of MXNet 1.9.1 does (nnvm src/pass/saveload_json.cc). `end` is the offset after it. RangeError where MXNet refuses it. */
export function readGraph(context: Context): { readonly graph: Graph; readonly end: number } {
  const here = { pointer: context.pointer, parts: 0 };
  const reader = createReader({ bytes: context.bytes, cut: context.cut, spend: context.spend, tell: deviation => context.tell(deviation, here.pointer) });
  const graph = graphAt({ ...context, reader, here }, context.pointer, context.depth);
  return { graph, end: reader.offset };
}

function part({ here, spend }: Reading, weight = 1) {
  spend(0.2);
  here.parts += weight;
  if (here.parts > mostParts) throw new BudgetError(`a symbol of more than ${mostParts} parts is not read`);
}

/** Each key once; a repeated one is told and read again, as the library does. */
function* keysOf({ reader, here, tell }: Reading): Generator<string> {
  const seen = new Set<string>();
  reader.beginObject();
  for (let key = reader.key(); key !== null; key = reader.key()) {
    if (seen.has(key)) tell({ kind: 'duplicate-key', offset: reader.offset, message: 'A key stands twice in one object; the later one counts' }, here.pointer);
    seen.add(key);
    yield key;
  }
}

function list<T>(reading: Reading, one: (index: number) => T): T[] {
  const items: T[] = [];
  reading.reader.beginArray();
  while (reading.reader.element()) { part(reading); items.push(one(items.length)); }
  return items;
}

function entry({ reader }: Reading): Entry {
  const required = () => { if (!reader.element()) throw new RangeError(`A pair at offset ${reader.offset} has less than two numbers`); return reader.natural(); };
  reader.beginArray();
  const found: Entry = { node: required(), output: required() };
  if (reader.element()) {
    reader.natural();
    if (reader.element()) throw new RangeError(`A pair at offset ${reader.offset} has more than three numbers`);
  }
  return found;
}

function graphAt(reading: Reading, pointer: string, depth: number): Graph {
  const { reader, here } = reading;
  let nodes: GraphNode[] | undefined;
  let variables: number[] | undefined;
  let heads: Entry[] | undefined;
  let rows: number[] | null = null;
  let own = { version: null as number | null, extras: [] as string[] };
  for (const key of keysOf(reading)) {
    here.pointer = `${pointer}/${key.slice(0, 20)}`;
    switch (key) {
      case 'nodes': nodes = list(reading, index => nodeAt(reading, `${pointer}/nodes/${index}`, depth)); break;
      case 'arg_nodes': variables = list(reading, () => reader.natural()); break;
      case 'heads': heads = list(reading, () => entry(reading)); break;
      case 'node_row_ptr': rows = list(reading, () => reader.natural()); break;
      case 'attrs': own = ownAttributes(reading); break;
      default: throw new RangeError(`A graph has a key that MXNet does not know, at offset ${reader.offset}`);
    }
    here.pointer = pointer;
  }
  if (!nodes || !variables || !heads) throw new RangeError(`A graph that ends at offset ${reader.offset} lacks nodes, arg_nodes or heads`);
  return { pointer, depth, nodes, variables, heads, rows, ...own };
}

/** Typed pairs: the types that the library registers with DMLC_JSON_ENABLE_ANY, found by trying. */
function ownAttributes(reading: Reading): { version: number | null; extras: string[] } {
  const { reader } = reading;
  let version: number | null = null;
  const extras: string[] = [];
  for (const key of keysOf(reading)) {
    part(reading);
    reader.beginArray();
    const type = reader.element() ? textOf(reader.text()) : '';
    if (type === '' || !reader.element()) throw new RangeError(`A graph attribute at offset ${reader.offset} is not a pair of type and value`);
    const value = typed(reading, type);
    if (reader.element()) throw new RangeError(`A graph attribute at offset ${reader.offset} has more than type and value`);
    if (key !== 'mxnet_version') { extras.push(key.slice(0, 200)); continue; }
    if (type !== 'int') throw new RangeError(`The version of the symbol at offset ${reader.offset} is not an int`);
    version = value;
  }
  return { version, extras };
}

function typed(reading: Reading, type: string): number {
  const { reader } = reading;
  switch (type) {
    case 'int': return reader.integer();
    case 'size_t': return reader.natural();
    case 'str': reader.text(); return 0;
    case 'list_int': return list(reading, () => reader.integer()).length;
    case 'list_shape': return list(reading, () => list(reading, () => reader.integer())).length;
    case 'list_str': return list(reading, () => reader.text()).length;
    default: throw new RangeError(`A graph attribute at offset ${reader.offset} has a type that MXNet does not know, or that no symbol has`);
  }
}

function nodeAt(reading: Reading, pointer: string, depth: number): GraphNode {
  const { reader, here } = reading;
  const offset = reader.offset;
  part(reading, 5);
  const ops: string[] = [];
  let name: string | undefined;
  let inputs: Entry[] | undefined;
  let tables: Tables = { attributes: new Map(), replaced: new Map(), written: null, filled: false };
  let given: Filled = { attributes: new Map(), written: null };
  let controls: number[] = [];
  let subgraphs: Graph[] = [];
  here.pointer = pointer;
  for (const key of keysOf(reading)) {
    switch (key) {
      case 'op': ops.push(textOf(reader.text())); break;
      case 'name': name = textOf(reader.text()); break;
      case 'inputs': inputs = list(reading, () => entry(reading)); break;
      case 'attrs': case 'attr': tables = replace(reading, tables); break;
      case 'param': given = texts(reading); break;
      case 'backward_source_id': reader.integer(); break;
      case 'control_deps': controls = list(reading, () => reader.natural()); break;
      case 'subgraphs': subgraphs = nested(reading, pointer, depth); break;
      default: throw new RangeError(`A node has a key that MXNet does not know, at offset ${reader.offset}`);
    }
  }
  const op = ops.pop();
  if (op === undefined || name === undefined || inputs === undefined) throw new RangeError(`A node that ends at offset ${reader.offset} lacks op, name or inputs`);
  const attributes = given.attributes.size === 0 ? tables.attributes : new Map([...given.attributes, ...tables.attributes]);
  const node: GraphNode = {
    op, replacedOps: ops, name, inputs, attributes, replacedAttributes: tables.replaced, controls, subgraphs, offset, pointer,
    written: tables.written ?? given.written,
  };
  reading.node(node, depth);
  return node;
}

interface Filled { readonly attributes: Map<string, string>; readonly written: Uint8Array | null }

interface Tables extends Filled {
  readonly replaced: Map<string, string>;
  readonly filled: boolean;
}

/** `attrs` and `attr` fill the same table: the later one replaces all of the earlier, even when it is empty. */
function replace(reading: Reading, before: Tables): Tables {
  const { here, reader, tell } = reading;
  const message = 'A node has its attributes twice; the later ones replace all of the earlier';
  if (before.filled) tell({ kind: 'both-attributes', offset: reader.offset, message }, here.pointer);
  return { ...texts(reading), replaced: new Map([...before.replaced, ...before.attributes]), filled: true };
}

/** An object of texts; the value of `subgraph` is also kept as bytes. */
function texts(reading: Reading): Filled {
  const attributes = new Map<string, string>();
  let written: Uint8Array | null = null;
  for (const key of keysOf(reading)) {
    part(reading);
    const value = reading.reader.text();
    if (key === 'subgraph') written = value;
    attributes.set(key, textOf(value));
  }
  return { attributes, written };
}

function nested(reading: Reading, pointer: string, depth: number): Graph[] {
  const { reader, here, tooDeep } = reading;
  return list(reading, index => {
    const inner = `${pointer}/subgraphs/${index}`;
    if (depth + 1 > deepest) {
      tooDeep(reader.offset, inner);
      throw new RangeError(`Graphs are nested deeper than ${deepest} at offset ${reader.offset}; what follows is not read`);
    }
    const graph = graphAt(reading, inner, depth + 1);
    here.pointer = pointer;
    return graph;
  });
}
