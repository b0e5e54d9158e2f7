/** One parameter or input that a symbol asks for. Names are as the file has them, not escaped. */
export interface VariableFact {
  readonly name: string;
  /** From `__shape__`; 0 and -1 are unknown dimensions. Null where the symbol does not say. */
  readonly shape: readonly number[] | null;
  /** Name in `__init__`; `known` where MXNet 1.9.1 has an initializer of that name. */
  readonly initializer: { readonly name: string; readonly known: boolean } | null;
}

/** One operator node of the outermost graph, in the order of the file: each stands after what it uses. */
export interface LayerFact {
  /** First registered name of the operator. */
  readonly op: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** For each input the variable's name, or the place in `layers` of the node that makes it, or null for neither. */
  readonly inputs: readonly (string | number | null)[];
}

export interface SymbolFacts {
  readonly version: number | null;
  readonly arguments: readonly VariableFact[];
  /** Variables that an operator changes while it runs, such as moving averages. */
  readonly auxiliaries: readonly VariableFact[];
  readonly layers: readonly LayerFact[];
  /** There are more variables or layers than are kept here. */
  readonly truncated: boolean;
}

/** One array of a parameters file, as the container has it. */
export interface TensorFact {
  /** `arg:NAME` or `aux:NAME` in checkpoints, a bare name elsewhere; not escaped. Empty in a list. */
  readonly name: string;
  /** Dimensions of the array. */
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Of its data in the file. */
  readonly bytes: number;
}

/** What an optimizer's states refer to, as far as the file tells. */
export interface StatesFacts {
  /** Indices or names of parameters in the file's dictionary. */
  readonly keys: readonly (string | number)[];
  /** By name: dimensions of the arrays of its state, in their order. */
  readonly shapes?: ReadonlyMap<string, readonly (readonly number[])[]>;
}

/** What one document says that the other files of its model are held against. */
export type Fact =
  | { readonly type: 'symbol'; readonly symbol: SymbolFacts }
  /** `complete`: these are all there are. */
  | { readonly type: 'tensors'; readonly tensors: readonly TensorFact[]; readonly complete: boolean }
  | { readonly type: 'states'; readonly states: StatesFacts };

/** A fact, and the document it comes from: the file's own name, or its path through the archives it lies in. */
export interface Stated { readonly path: string; readonly member: string | null; readonly fact: Fact }
