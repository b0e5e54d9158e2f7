/** zod's schemas fit this; the contract does not depend on zod. */
export interface Schema<Config> { parse(input: unknown): Config }

export interface Log {
  debug(message: string, fields?: object): void;
  /** Needs no worry. */
  info(message: string, fields?: object): void;
  /** Recovered. */
  warn(message: string, fields?: object): void;
  /** Data was lost, or protection is off. */
  error(message: string, fields?: object): void;
}

/** Where the host's pseudo file systems are; tests point these at a fixture tree. */
export interface HostPaths { readonly proc: string; readonly sys: string; readonly tracefs: string }

/** Which machine speaks; stated once at start and carried by every envelope. */
export interface HostIdentity {
  /** The machine id of the operating system (machine-id(5)); random and kept in the state directory where there is none. */
  readonly id: string;
  readonly name: string;
  /** PRETTY_NAME of os-release(5). */
  readonly os: string;
  readonly kernel: string;
  readonly addresses: readonly string[];
}

export interface Component<Config> {
  /** Unique, kebab-case: the key of its block in agent.config.yaml. */
  readonly name: string;
  readonly config: Schema<Config>;
  /** Off unless agent.config.yaml has a block of its name. */
  readonly optIn?: true;
}
