/** A part of the trail that is not what was written there. */
export class TrailDamage extends Error {
  /** Which record, tile or file, below the epoch's folder. */
  readonly place: string;
  constructor(place: string, fault: string) { super(fault); this.place = place; }
  override get name(): string { return 'TrailDamage'; }
}

export type Blame = (damage: TrailDamage) => void;

/** Null, and blamed, when it is damaged. */
export function attempt<T>(blame: Blame, work: () => T): T | null {
  try { return work(); } catch (error) {
    if (!(error instanceof TrailDamage)) throw error;
    blame(error);
    return null;
  }
}

/** What a parser says of a file, as damage of that file. */
export const damaged = (place: string, error: unknown): unknown => error instanceof RangeError ? new TrailDamage(place, error.message) : error;
