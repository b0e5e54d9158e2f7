import type { DetectionFinding, Evidence, OcsfContainer, OcsfFile, OcsfProcess } from './ocsf-schema.ts';

/** The few facts of an alert that forms with fixed fields have room for. */
export interface Gist {
  readonly artifact: OcsfFile | undefined;
  readonly loader: OcsfProcess | undefined;
  /** The first program that ran after the load. */
  readonly child: OcsfProcess | undefined;
  readonly container: OcsfContainer | undefined;
  /** The first connection outwards. */
  readonly reached: Evidence | undefined;
  /** ATT&CK and ATLAS ids, the narrowest there is of each; at most 20. */
  readonly techniques: readonly string[];
}

export const gistOf = ({ evidences, actor, finding_info: { attacks = [] } }: DetectionFinding): Gist => ({
  artifact: evidences.find(({ name }) => name === 'model artifact')?.file,
  loader: actor?.process,
  child: evidences.find(({ name }) => name === 'program run')?.process,
  container: evidences.find(({ container }) => container !== undefined)?.container,
  reached: evidences.find(({ dst_endpoint }) => dst_endpoint !== undefined),
  techniques: attacks.flatMap(({ technique, sub_technique }) => sub_technique?.uid ?? technique?.uid ?? []).slice(0, 20),
});
