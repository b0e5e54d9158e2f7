/* The kernel's map of watched processes, as far as the sensor process writes and reads it. */
import { readdirSync, readFileSync } from 'node:fs';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { statusOf } from '../procfs/status.ts';
import { type Libbpf, errnoName } from './library.ts';
import { offsetsOf, tickNs, watchFields } from './table.ts';
import type { LibraryFile } from './wire.ts';

const { offsets, end: watchBytes } = offsetsOf(watchFields, 0);
const place = (name: keyof typeof watchFields): number => offsets[name]?.at ?? 0;
const mostProcesses = 16_384;
const mostRounds = 5;
const ifNew = 1; // BPF_NOEXIST
const exists = 17; // EEXIST

export interface Watching {
  /**
   * From now on watched: the process and what descends from it now. What it clones meanwhile the kernel adds. It begins a tree,
   * unless it is of one: that it has the library in memory, by a fork, does not take it out of the tree of who loaded; its own
   * first call does. Returns who was found; none when the process is gone.
   */
  adopt(root: number): readonly number[];
  forget(pid: number): void;
  /** Whoever maps this file from now on has MXNet, where the kernel lets us see it mapped. */
  know(library: LibraryFile): void;
  isAnyone(): boolean;
  /** Bytes sent and received by each process that has moved any since the last call. */
  takeMoved(): readonly (readonly [pid: number, sent: number, received: number])[];
  /** How many records found no room since the last call, by the number of their type. */
  takeLost(): ReadonlyMap<number, number>;
}

export function createWatching(bpf: Libbpf, maps: { readonly watched: number; readonly moved: number; readonly libraries: number; readonly lost: number; readonly types: number }, host: HostPaths): Watching {
  const lostBefore = new Map<number, bigint>();
  let movedBefore = new Map<number, string>();

  function entryOf(pid: number, root: { readonly pid: number; readonly start: bigint } | null): { readonly value: Buffer; readonly start: bigint } | null {
    const stat = statusOf(host, pid);
    if (stat === null) return null;
    const start = BigInt(stat.startTicks) * tickNs;
    const parent = statusOf(host, stat.parent);
    const value = Buffer.alloc(watchBytes);
    value.writeBigUInt64LE(start, place('start'));
    value.writeBigUInt64LE(root?.start ?? start, place('rootStart'));
    value.writeUInt32LE(root?.pid ?? pid, place('root'));
    value.writeUInt32LE(stat.parent, place('parent'));
    value.writeBigUInt64LE(BigInt(parent?.startTicks ?? 0) * tickNs, place('parentStart'));
    return { value, start };
  }

  /** Whether it is watched now. A number that was given to another process meanwhile is not kept. */
  function insert(pid: number, value: Buffer, start: bigint): boolean {
    const key = keyOf(pid);
    const result = bpf.update(maps.watched, key, value, ifNew);
    if (result !== 0 && -result !== exists) throw new Error(`watching ${pid}: ${errnoName(-result)}`);
    const now = statusOf(host, pid);
    if (now !== null && BigInt(now.startTicks) * tickNs === start) return true;
    if (result === 0) bpf.remove(maps.watched, key);
    return false;
  }

  function rootOf(pid: number): { readonly pid: number; readonly start: bigint } | null {
    const known = Buffer.alloc(watchBytes);
    if (bpf.lookup(maps.watched, keyOf(pid), known) !== 0) return null;
    return { pid: known.readUInt32LE(place('root')), start: known.readBigUInt64LE(place('rootStart')) };
  }

  function* entries(map: number, bytes: number): Generator<[pid: number, value: Buffer]> {
    const key = Buffer.alloc(4);
    const keys: number[] = [];
    for (let before: Buffer | null = null; keys.length < mostProcesses && bpf.nextKey(map, before, key) === 0; before = Buffer.from(key)) keys.push(key.readUInt32LE(0));
    for (const pid of keys) {
      const value = Buffer.alloc(bytes);
      if (bpf.lookup(map, keyOf(pid), value) === 0) yield [pid, value];
    }
  }

  return {
    adopt(root) {
      const own = entryOf(root, null);
      if (own === null || !insert(root, own.value, own.start)) return [];
      const tree = rootOf(root);
      const seen = new Set([root]);
      for (let round = 0, before = 0; round < mostRounds && seen.size > before; round++) {
        before = seen.size;
        for (const pid of seen) for (const child of childrenOf(host.proc, pid)) {
          if (seen.has(child) || seen.size >= mostProcesses) continue;
          const entry = entryOf(child, tree);
          if (entry !== null && insert(child, entry.value, entry.start)) seen.add(child);
        }
      }
      return [...seen];
    },
    forget(pid) { bpf.remove(maps.watched, keyOf(pid)); bpf.remove(maps.moved, keyOf(pid)); },
    know({ device, inode }) {
      const [major = 0, minor = 0] = device.split(':').map(part => Number.parseInt(part, 16));
      const key = Buffer.alloc(16);
      key.writeBigUInt64LE(BigInt(inode), 0);
      key.writeBigUInt64LE(BigInt(major * 2 ** 20 + minor), 8); // the kernel's own dev_t, include/linux/kdev_t.h
      bpf.update(maps.libraries, key, Buffer.alloc(4), 0);
    },
    isAnyone: () => bpf.nextKey(maps.watched, null, Buffer.alloc(4)) === 0,
    takeMoved() {
      const sums: [number, number, number][] = [];
      const now = new Map<number, string>();
      for (const [pid, value] of entries(maps.moved, 16)) {
        now.set(pid, value.toString('latin1'));
        if (movedBefore.get(pid) !== now.get(pid)) sums.push([pid, Number(value.readBigUInt64LE(0)), Number(value.readBigUInt64LE(8))]);
      }
      movedBefore = now;
      return sums;
    },
    takeLost() {
      const counts = new Map<number, number>();
      const value = Buffer.alloc(8);
      for (let type = 0; type < maps.types; type++) {
        if (bpf.lookup(maps.lost, keyOf(type), value) !== 0) continue;
        const total = value.readBigUInt64LE(0);
        const more = Number(total - (lostBefore.get(type) ?? 0n));
        if (more > 0) counts.set(type, more);
        lostBefore.set(type, total);
      }
      return counts;
    },
  };
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(number);
  return key;
}

/** Of all its threads. */
function childrenOf(proc: string, pid: number): number[] {
  const list = orNothing(() => readdirSync(`${proc}/${pid}/task`));
  return list.flatMap(tid => orNothing(() => readFileSync(`${proc}/${pid}/task/${tid}/children`, 'latin1').split(' '))).filter(Boolean).map(Number);
}

/** A process or a thread may end at any moment. */
function orNothing(read: () => string[]): string[] {
  try { return read(); } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}
