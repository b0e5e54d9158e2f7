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
}
