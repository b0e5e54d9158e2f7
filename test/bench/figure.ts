/** One JSON object a line: what was measured, the figure, what it is compared with, the goal. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: string;
  readonly goal?: string;
  readonly detail?: Readonly<Record<string, number | string>>;
}

export const print = (figure: Figure): void => { process.stdout.write(`${JSON.stringify({ ...figure, value: round(figure.value) })}\n`); };
export const skipped = (name: string, why: string): void => { process.stdout.write(`${JSON.stringify({ name, skipped: why })}\n`); };

export const round = (value: number): number => Number(value.toPrecision(4));

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
