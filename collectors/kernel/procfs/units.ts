/** In which units the kernel counts, as it told us at exec in the auxiliary vector (getauxval(3)). */
import type { HostPaths } from '../../../agent/contract/component.ts';
import { tryRead } from './status.ts';

export interface Units { readonly pageBytes: number; readonly ticksPerSecond: number }

const usual: Units = { pageBytes: 4_096, ticksPerSecond: 100 };
const key = { pageBytes: 6, ticksPerSecond: 17 } as const; // AT_PAGESZ, AT_CLKTCK

/** Pairs of 64-bit words, little endian. What is missing or absurd is as on most machines. */
export function parseUnits(bytes: Buffer): Units {
  const values = new Map<number, number>();
  for (let at = 0; at + 16 <= bytes.length; at += 16) values.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
  const between = (value: number | undefined, least: number, most: number): number | null => value !== undefined && value >= least && value <= most ? value : null;
  return {
    pageBytes: between(values.get(key.pageBytes), 4_096, 1 << 20) ?? usual.pageBytes,
    ticksPerSecond: between(values.get(key.ticksPerSecond), 1, 10_000) ?? usual.ticksPerSecond,
  };
}

export const unitsOf = (host: HostPaths): Units => tryRead(`${host.proc}/self/auxv`, 4_096, ({ bytes }) => parseUnits(bytes)) ?? usual;
