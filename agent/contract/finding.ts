export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** One rule's suspicion. A finding without evidence does not type-check. */
export interface Finding {
  readonly id: string;
  readonly detector: string;
  /** `detector.rule`, kebab-case; part of the public interface. */
  readonly rule: string;
  readonly severity: Severity;
  /** 0 to 1. */
  readonly confidence: number;
  /** One sentence an analyst can act on; hostile text already escaped. */
  readonly summary: string;
  readonly at: number;
  /** Ids of the events that justify it. */
  readonly because: readonly [string, ...string[]];
  /** ATT&CK and ATLAS technique ids. */
  readonly techniques: readonly string[];
}

/** What a detector returns; the pipeline adds the rest. */
export type Suspicion = Omit<Finding, 'id' | 'detector'>;

/** What an artifact detector says of a file; the pipeline adds the event that carries it as evidence. */
export interface Observation extends Omit<Suspicion, 'because' | 'at'> {
  readonly where?: {
    readonly offset?: number;
    readonly length?: number;
    /** JSON pointer, RFC 6901. */
    readonly pointer?: string;
    /** Index of a pickle opcode. */
    readonly opcode?: number;
    readonly line?: number;
    /** Path through archives, outermost first, joined by `!/`. */
    readonly member?: string;
  };
  /** A short excerpt, escaped. */
  readonly evidence?: string;
}
