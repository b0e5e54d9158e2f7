/** Which operators a symbol may hold, beyond what is refused in any case. */
export interface OperatorPolicy {
  /** Operators by name or by the name they are an alias of; missing: all that MXNet 1.9.1 knows. */
  readonly allow?: readonly string[];
  /** `op_type` of allowed custom operators. */
  readonly customAllow?: readonly string[];
}
