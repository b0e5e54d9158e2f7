import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { Artifact } from '../agent/contract/artifact.ts';
import type { Observation } from '../agent/contract/finding.ts';
import type { Inspection, Verdict } from '../agent/contract/inspection.ts';
import { beginningOf } from './formats/beginning.ts';
import { inspectSource, usualLimits } from './formats/dispatch.ts';
import type { Stated } from './formats/fact.ts';
import { kindOf } from './formats/kind.ts';
import { formatsFor } from './formats/list.ts';
import { judgeName } from './formats/naming.ts';
import { symbolFacts } from './formats/symbol/facts.ts';
import type { OperatorPolicy } from './formats/symbol/policy.ts';
import { compareModels, symbolOf } from './model/companions.ts';

const operatorLists = {
  allow: z.array(z.string().max(200)).max(5_000).default([]).describe('only these operators are expected in a symbol; others are findings; empty: any'),
  customAllow: z.array(z.string().max(200)).max(1_000).default([]).describe('op_type of Custom operators that are known'),
};

/**
 * Reads every model file as MXNet would, to its last byte, and says what is wrong with it. The parsers are in `formats/`;
 * what a file is decides its content, and a name that promises something else is a finding of its own.
 * False positives and blind spots by rule: docs/detection.md.
 */
export default defineDetector({
  name: 'inspection',
  sees: 'artifact',
  config: z.strictObject({
    timeoutMs: z.int().min(100).max(3_600_000).default(usualLimits.deadlineMs).describe('per file, nested documents included'),
    unpackBytes: z.int().min(1_024).default(usualLimits.unpackBytes).describe('that one file may unpack to'),
    operators: z.strictObject({
      ...operatorLists,
      scopes: z.array(z.strictObject({ under: z.string().regex(/^\/.*\/$/, { error: 'must be an absolute folder that ends in a slash' }).max(4_096), ...operatorLists })).max(1_000).default([])
        .describe('for the files below a folder, in place of the lists above; of several the longest folder counts'),
    }).prefault({}),
  }),
  context: ({ path }, { operators }) => [lastName(path), policyFor(path, operators)],
  inspect(artifact, { timeoutMs, unpackBytes, operators }) {
    const { place, file, read } = artifact;
    const name = lastName(place.path);
    const source = { size: file.size, read };
    const seen = inspectSource(name, source, formatsFor(policyFor(place.path, operators)), { ...usualLimits, deadlineMs: timeoutMs, unpackBytes }, { together: facts => compareModels([...facts, ...symbolBeside(artifact, name, facts)]) });
    return named(seen, judgeName(name, kindOf(name, beginningOf(source)).format));
  },
});

const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

interface OperatorLists { readonly allow: readonly string[]; readonly customAllow: readonly string[] }

function policyFor(path: string, { scopes, ...all }: OperatorLists & { readonly scopes: readonly (OperatorLists & { readonly under: string })[] }): OperatorPolicy {
  const { allow, customAllow } = scopes.filter(({ under }) => path.startsWith(under)).toSorted((one, other) => other.under.length - one.under.length)[0] ?? all;
  return { customAllow, ...allow.length > 0 ? { allow } : {} };
}

/** What the symbol beside parameters or states asks of them. Its own faults are told of the symbol itself. */
function symbolBeside({ beside }: Artifact, name: string, facts: readonly Stated[]): Stated[] {
  const wanted = symbolOf(name);
  if (wanted === null || !facts.some(({ member, fact }) => member === null && fact.type !== 'symbol')) return [];
  const source = beside(wanted);
  const symbol = source && symbolFacts(source);
  return symbol ? [{ path: wanted, member: null, fact: { type: 'symbol', symbol } }] : [];
}

/** What the name promised, added to what the content is. */
function named(seen: Inspection, observations: readonly Observation[]): Inspection {
  if (observations.length === 0) return seen;
  return { ...seen, observations: [...observations, ...seen.observations], verdict: graver(seen.verdict, observations) };
}

function graver(verdict: Verdict, observations: readonly Observation[]): Verdict {
  if (verdict === 'malicious' || observations.some(({ severity }) => severity === 'critical')) return 'malicious';
  if (observations.every(({ severity }) => severity === 'info')) return verdict;
  return verdict === 'malformed' && observations.every(({ severity }) => severity !== 'high') ? 'malformed' : 'suspicious';
}
