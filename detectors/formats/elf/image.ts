import type { Source } from '../source.ts';
import { holds, type Segment, segmentTypes } from './segments.ts';
import { copyOf } from './shape.ts';

/** The file as it lies in memory when it is loaded; addresses are those of the file, before the loader shifts them. */
export interface Image {
  readonly loads: readonly Segment[];
  /** The loaded segment at an address. */
  at(address: number): Segment | undefined;
  isCode(address: number): boolean;
  /** Where in the file [address, address + length) is; null unless one segment has all of it from the file. */
  place(address: number, length: number): number | null;
  /** How many bytes from an address on come from the file. */
  room(address: number): number;
  /** A copy, or null as `place`. At most 16 MiB. */
  read(address: number, length: number): DataView | null;
}

export function createImage(source: Source, segments: readonly Segment[]): Image {
  const loads = segments.filter(({ type, memoryBytes }) => type === segmentTypes.load && memoryBytes > 0).sort((one, other) => one.address - other.address);
  let last: Segment | undefined;
  const at = (address: number): Segment | undefined => {
    if (last !== undefined && holds(last, address)) return last;
    let [low, high] = [0, loads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((loads[middle]?.address ?? 0) <= address) low = middle + 1; else high = middle;
    }
    const found = loads[low - 1];
    if (found === undefined || !holds(found, address)) return undefined;
    last = found;
    return found;
  };
  const room = (address: number): number => {
    const load = at(address);
    if (load === undefined) return 0;
    const end = Math.min(load.offset + load.fileBytes, source.size);
    return Math.max(0, end - (load.offset + address - load.address));
  };
  const place = (address: number, length: number): number | null => {
    const load = at(address);
    return load === undefined || length > room(address) ? null : load.offset + address - load.address;
  };
  return {
    loads, at, place, room,
    isCode: address => at(address)?.execute === true,
    read(address, length) {
      const offset = place(address, length);
      return offset === null ? null : copyOf(source, offset, length);
    },
  };
}
